using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Shows what a full run would do, one object for each change and each difference that is held back.</summary>
    [Cmdlet(VerbsCommon.Get, "DeviceWritebackPlan")]
    [OutputType(typeof(Change))]
    public sealed class GetDeviceWritebackPlanCommand : PolicyCmdlet
    {
        /// <summary>Makes the plan and shows it.</summary>
        protected override void EndProcessing()
        {
            Fields plan = Call("plan", Parameters(), "change", change => WriteObject(new Change(change)));
            Keep(plan);
            WriteVerbose(plan.Text("summary") ?? "");
            Fields refusal = plan.Object("refusal");
            if (refusal.Exist) WriteWarning(WritebackException.FromEngine(refusal).ToErrorRecord().ErrorDetails.Message);
        }
    }
}
