using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Makes the device objects of Active Directory equal to the devices of the Entra tenant.</summary>
    /// <remarks>
    /// <para>
    /// Reads the devices of the tenant and the device objects of the container, makes a plan, asks where -WhatIf or
    /// -Confirm say so, and applies the plan with one LDAP operation for each change. The run is given as one object;
    /// its report lies under -StatePath and tells every change with the values before and after.
    /// </para>
    /// <para>
    /// A full run reads both sides whole. The runs after it read only the devices that Entra says have changed, until
    /// the hours of -FullAfter are over or what the last run left cannot be used; Reading and Why of the run tell. -Full
    /// asks for a full run.
    /// </para>
    /// <para>
    /// Only device objects that carry the mark of this tenant are changed. A device object whose Entra device is
    /// proven to be gone or is out of scope is disabled first and deleted after the days of -DeleteAfter. A plan with
    /// more removals than the removal threshold is refused, but for the disables that Entra states; -MaximumRemoval
    /// allows a number once.
    /// </para>
    /// <para>
    /// -Plan applies a plan that Get-DeviceWritebackPlan -OutFile has saved, instead of a new one. It is applied only
    /// if its digest is that of -Digest and each of its changes is one that a new plan could have. Changes whose object
    /// has changed since are skipped. The run after it is a full run.
    /// </para>
    /// <para>
    /// A failed run is a terminating error. A change that fails is an error of its own and does not end the run; the
    /// next run tries it again. Stopped with Ctrl+C, the run ends after the write that it is in.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -Credential $account -WhatIf
    /// </code>
    /// <para>
    /// Shows every change that would be made, and writes nothing.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -Credential $account
    /// </code>
    /// <para>
    /// Makes the device objects equal to the Entra devices, and gives the run.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -Credential $account -MaximumRemoval 120
    /// </code>
    /// <para>
    /// Allows 120 removals in this run, after a run was refused and its plan was found right.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -Credential $account -PassThru |
    /// Where-Object State -EQ Skipped
    /// </code>
    /// <para>
    /// Gives each change with how it ended, and keeps those that were skipped.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -CertificateThumbprint 5A0C6E0B1F2D4C7A9E8B3D6F1A2C4E5B7D9F0A1C -Full
    /// </code>
    /// <para>
    /// Signs in with a certificate of the store, binds as the account that runs the command, and reads everything.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -Credential $account -Plan .\plan.json -Digest 2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6
    /// </code>
    /// <para>
    /// Applies the plan that was saved and reviewed, and no other.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -Credential $account -Adopt -WhatIf
    /// </code>
    /// <para>
    /// Shows what becomes of the device objects that Entra Connect wrote when this module takes them over.
    /// </para>
    /// </example>
    [Cmdlet(
        VerbsData.Sync, "DeviceWriteback",
        SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = EntraSet)]
    [OutputType(typeof(Run), typeof(Result))]
    public sealed class SyncDeviceWritebackCommand : PolicyCmdlet
    {
        private const string PlanSet = "Plan";
        private readonly HeldCount heldCount = new HeldCount();
        private readonly List<object?> declined = new List<object?>();
        private bool asked;
        private bool isWhatIf;

        /// <summary>Reads both sides whole, whatever the last run left.</summary>
        [Parameter(ParameterSetName = EntraSet)]
        public SwitchParameter Full { get; set; }

        /// <summary>
        /// Hours after which everything is read again; the runs between read only what Entra says has changed. The default
        /// is 24, the most 168. Changes of owners, of groups and in the directory itself are seen by full runs only.
        /// </summary>
        [Parameter(ParameterSetName = EntraSet)]
        [ValidateRange(0, 168)]
        public int FullAfter { get; set; }

        /// <summary>Applies the plan of this file, which Get-DeviceWritebackPlan -OutFile has saved as Json.</summary>
        [Parameter(Mandatory = true, ParameterSetName = PlanSet)]
        [Alias("PlanFile")]
        [ValidateNotNullOrEmpty]
        public string? Plan { get; set; }

        /// <summary>The digest of the plan that was reviewed: the 64 hexadecimal digits that were shown when it was saved.</summary>
        [Parameter(Mandatory = true, ParameterSetName = PlanSet)]
        [ValidatePattern("^[0-9A-Fa-f]{64}$")]
        public string? Digest { get; set; }

        /// <summary>Hours after which the plan of a file is refused. The default is 24, the most 168; an undo plan is never too old.</summary>
        [Parameter(ParameterSetName = PlanSet)]
        [ValidateRange(1, 168)]
        public int PlanMaximumAge { get; set; }

        /// <summary>How many reports are kept under -StatePath, with the undo plans beside them; the oldest go.</summary>
        [Parameter]
        [ValidateRange(1, 10000)]
        public int KeepReports { get; set; }

        /// <summary>Also gives each change with how it ended, before the run.</summary>
        [Parameter]
        public SwitchParameter PassThru { get; set; }

        /// <summary>Plans, asks, and applies.</summary>
        protected override void EndProcessing()
        {
            Fields plan = Call("plan", Parameters(), "change", fields => Consider(new Change(fields)));
            string? handle = Keep(plan);
            WriteVerbose(plan.Text("summary") ?? "");
            string? held = heldCount.Sentence();
            if (held != null) WriteWarning(held);
            if (asked ? isWhatIf : IsWhatIfPreferred()) EndWhatIf(plan);
            else Apply(handle, plan.Text("digest"));
        }

        private protected override Dictionary<string, object?> Parameters()
        {
            Dictionary<string, object?> parameters = base.Parameters();
            AddIfBound(parameters, "full", nameof(Full), Full.IsPresent);
            AddIfBound(parameters, "fullAfter", nameof(FullAfter), FullAfter);
            Add(parameters, "planFile", AbsolutePath(Plan));
            Add(parameters, "planDigest", Digest);
            AddIfBound(parameters, "planMaximumAge", nameof(PlanMaximumAge), PlanMaximumAge);
            AddIfBound(parameters, "keepReports", nameof(KeepReports), KeepReports);
            return parameters;
        }

        /// <summary>Behind objects of another type PowerShell shows an object in its own view only if that view is out of band.</summary>
        private static PSObject AfterResults(Run run)
        {
            var shown = new PSObject(run);
            shown.TypeNames.Add("DeviceWriteback.Run#AfterResults");
            return shown;
        }

        private void Consider(Change change)
        {
            if (change.IsHeld)
            {
                heldCount.Add(change);
                WriteVerbose($"Held {change.Reason}: {VisibleText.Of(change.Name ?? change.Identity)}: {change.Description}");
                return;
            }
            asked = true;
            if (!Approve(VisibleText.Of(change.DistinguishedName), change.Action ?? "", change.Description, out bool whatIf)) declined.Add(change.Number);
            isWhatIf |= whatIf;
        }

        /// <summary>A plan without a change asks nothing, so only the preference tells whether the run may write its report.</summary>
        private bool IsWhatIfPreferred()
        {
            return Bound("WhatIf") ?? LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
        }

        private void EndWhatIf(Fields plan)
        {
            string? summary = plan.Text("summary");
            if (!string.IsNullOrEmpty(summary)) ShouldProcess(summary, summary, "");
            Fields refusal = plan.Object("refusal");
            if (refusal.Exist) WriteWarning(WritebackException.FromEngine(refusal).ToErrorRecord().ErrorDetails.Message);
        }

        private void Apply(string? handle, string? digest)
        {
            var approved = new Dictionary<string, object?> { ["handle"] = handle, ["digest"] = digest, ["declined"] = declined };
            if (PassThru) approved["results"] = true;
            Fields run = Call("apply", approved, "result", result => WriteObject(new Result(result)));
            WriteObject(PassThru ? AfterResults(new Run(run)) : new Run(run));
            Fields error = run.Object("error");
            if (error.Exist) ThrowTerminatingError(WritebackException.FromEngine(error).ToErrorRecord());
        }
    }
}
