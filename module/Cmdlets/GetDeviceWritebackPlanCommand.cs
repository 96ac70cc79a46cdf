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
    /// <para>
    /// -OutFile also saves the plan, to be reviewed and then applied as it is by Sync-DeviceWriteback -Plan. Where it was
    /// saved and its digest are shown as a message of the information stream.
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
    /// <example>
    /// <code>
    /// $null = Get-DeviceWritebackPlan -ConfigurationPath .\writeback.json -Credential $account -OutFile .\plan.json
    /// </code>
    /// <para>
    /// Saves the plan and says its digest, for a later Sync-DeviceWriteback -Plan .\plan.json -Digest.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Get-DeviceWritebackPlan -ConfigurationPath .\writeback.json -Credential $account -Adopt -OutFile .\plan.ldif -Format Ldif
    /// </code>
    /// <para>
    /// Shows what would become of the device objects that another program wrote, and saves it as LDIF for review.
    /// </para>
    /// </example>
    [Cmdlet(VerbsCommon.Get, "DeviceWritebackPlan", DefaultParameterSetName = EntraSet)]
    [OutputType(typeof(Change))]
    public sealed class GetDeviceWritebackPlanCommand : PolicyCmdlet
    {
        /// <summary>Also saves the plan in this file.</summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? OutFile { get; set; }

        /// <summary>
        /// How -OutFile saves the plan: Json (the default), which Sync-DeviceWriteback -Plan can apply, or, for review
        /// only, Text or Ldif.
        /// </summary>
        [Parameter]
        [ValidateSet("Json", "Text", "Ldif")]
        public string? Format { get; set; }

        /// <summary>Refuses a format without a file.</summary>
        protected override void BeginProcessing()
        {
            if (Format == null || OutFile != null) return;
            var missing = new WritebackException(
                "ParameterMissing", ErrorCategory.InvalidArgument, "OutFile is missing: the file that Format is for.", "Give -OutFile.", "OutFile");
            ThrowTerminatingError(missing.ToErrorRecord());
        }

        /// <summary>Makes the plan and shows it.</summary>
        protected override void EndProcessing()
        {
            Dictionary<string, object?> parameters = Parameters();
            parameters["full"] = true;
            Fields plan = Call("plan", parameters, "change", change => WriteObject(new Change(change)));
            Keep(plan);
            WriteVerbose(plan.Text("summary") ?? "");
            if (OutFile != null) SayWhereSaved(plan);
            Fields refusal = plan.Object("refusal");
            if (refusal.Exist) WriteWarning(WritebackException.FromEngine(refusal).ToErrorRecord().ErrorDetails.Message);
        }

        private protected override Dictionary<string, object?> Parameters()
        {
            Dictionary<string, object?> parameters = base.Parameters();
            Add(parameters, "outFile", AbsolutePath(OutFile));
            Add(parameters, "format", Format);
            return parameters;
        }

        /// <summary>As Write-Host does: on the screen, and in the information stream for who wants it.</summary>
        private void SayWhereSaved(Fields plan)
        {
            string changes = Count(plan.Integer("changes"), "change");
            string held = Count(plan.Integer("held"), "held difference");
            string message = $"Saved {changes} and {held} to {AbsolutePath(OutFile)}, digest {plan.Text("digest")}.";
            WriteInformation(new HostInformationMessage { Message = message }, new[] { "PSHOST" });
        }

        private static string Count(int number, string noun)
        {
            return number == 1 ? $"1 {noun}" : $"{number} {noun}s";
        }
    }
}
