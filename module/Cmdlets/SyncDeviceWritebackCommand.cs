using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Makes the device objects of Active Directory equal to the devices of the Entra tenant.</summary>
    [Cmdlet(VerbsData.Sync, "DeviceWriteback", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
    [OutputType(typeof(Run), typeof(Result))]
    public sealed class SyncDeviceWritebackCommand : PolicyCmdlet
    {
        private readonly HeldCount heldCount = new HeldCount();
        private readonly List<object?> declined = new List<object?>();
        private bool asked;
        private bool isWhatIf;

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

        private void Consider(Change change)
        {
            if (change.IsHeld)
            {
                heldCount.Add(change);
                WriteVerbose($"Held {change.Reason}: {change.Name ?? change.Identity}: {change.Description}");
                return;
            }
            asked = true;
            if (!Approve(change.DistinguishedName ?? "", change.Action ?? "", change.Description, out bool whatIf)) declined.Add(change.Number);
            isWhatIf |= whatIf;
        }

        /// <summary>A plan without a change asks nothing, so only the preference tells whether the run may write its report.</summary>
        private bool IsWhatIfPreferred()
        {
            if (MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given)) return LanguagePrimitives.IsTrue(given);
            return LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
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
            Fields run = Call("apply", approved, "result", result =>
            {
                if (PassThru) WriteObject(new Result(result));
            });
            WriteObject(new Run(run));
            Fields error = run.Object("error");
            if (error.Exist) ThrowTerminatingError(WritebackException.FromEngine(error).ToErrorRecord());
        }
    }
}
