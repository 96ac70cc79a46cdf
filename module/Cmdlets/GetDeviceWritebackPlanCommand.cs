using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Shows what a full run would do, one object for each change and each difference that is held back.</summary>
    /// <remarks>
    /// <para>
    /// Makes the same plan as Sync-DeviceWriteback and gives it as objects: first the changes in the order in which
    /// they would be applied, then the differences that are held back, whose action is Held and whose reason says
    /// why. Nothing is written.
    /// </para>
    /// <para>
    /// A plan that a run would refuse is shown all the same, with a warning that says what the run would say.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code>
    /// Get-DeviceWritebackPlan -ConfigurationPath .\writeback.json -Credential $account
    /// </code>
    /// <para>
    /// Shows what a full run would do.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Get-DeviceWritebackPlan -ConfigurationPath .\writeback.json -Credential $account |
    /// Where-Object Action -EQ Held | Group-Object Reason
    /// </code>
    /// <para>
    /// Counts the differences that are held back, by reason.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Get-DeviceWritebackPlan -ConfigurationPath .\writeback.json -Credential $account |
    /// Where-Object Action -EQ Update | ForEach-Object Attributes
    /// </code>
    /// <para>
    /// Shows which attributes would change, with the values before and after.
    /// </para>
    /// </example>
    [Cmdlet(VerbsCommon.Get, "DeviceWritebackPlan")]
    [OutputType(typeof(Change))]
    public sealed class GetDeviceWritebackPlanCommand : PolicyCmdlet
    {
        /// <summary>Makes the plan and shows it.</summary>
        protected override void EndProcessing()
        {
            Dictionary<string, object?> parameters = Parameters();
            parameters["full"] = true;
            Fields plan = Call("plan", parameters, "change", change => WriteObject(new Change(change)));
            Keep(plan);
            WriteVerbose(plan.Text("summary") ?? "");
            Fields refusal = plan.Object("refusal");
            if (refusal.Exist) WriteWarning(WritebackException.FromEngine(refusal).ToErrorRecord().ErrorDetails.Message);
        }
    }
}
