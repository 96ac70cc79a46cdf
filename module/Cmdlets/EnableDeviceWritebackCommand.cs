using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Creates in the directory what device writeback needs, and grants the account that will sync the least rights.</summary>
    [Cmdlet(VerbsLifecycle.Enable, "DeviceWriteback", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
    [OutputType(typeof(Step))]
    public sealed class EnableDeviceWritebackCommand : ConnectionCmdlet
    {
        /// <summary>The account that will write the device objects: a user, computer or group managed service account.</summary>
        [Parameter]
        [Alias("Account")]
        [ValidateNotNullOrEmpty]
        public string? AdConnectorAccount { get; set; }

        /// <summary>
        /// A PEM or DER file with the certificates that issue the certificates of Entra devices. AD FS probably trusts no
        /// Entra device certificate without them. Those that are missing are added to the registration service object.
        /// </summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? CloudIssuerCertificatePath { get; set; }

        /// <summary>Plans the steps, asks, and does them.</summary>
        protected override void EndProcessing()
        {
            int planned = 0;
            bool isWhatIf = false;
            var declined = new List<object?>();
            Fields plan = Call("enable/plan", Parameters(), "step", fields =>
            {
                var step = new Step(fields);
                if (step.Number < 0)
                {
                    WriteObject(step);
                    return;
                }
                planned++;
                if (!Approve(step.Target ?? "", step.Description ?? "", step.Detail, out bool whatIf)) declined.Add(step.Number);
                isWhatIf |= whatIf;
            });
            string? handle = Keep(plan);
            if (planned == 0 || isWhatIf) return;
            var approved = new Dictionary<string, object?> { ["handle"] = handle, ["declined"] = declined };
            Call("enable/apply", approved, "step", step => WriteObject(new Step(step)));
        }

        private protected override Dictionary<string, object?> Parameters()
        {
            Dictionary<string, object?> parameters = base.Parameters();
            Add(parameters, "adConnectorAccount", AdConnectorAccount);
            Add(parameters, "cloudIssuerCertificatePath", AbsolutePath(CloudIssuerCertificatePath));
            return parameters;
        }
    }
}
