using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Creates in the directory what device writeback needs, and grants the account that will sync the least rights.</summary>
    /// <remarks>
    /// <para>
    /// Creates what the forest lacks: the device registration service objects, the container of the device objects,
    /// and the access control entries by which the account given as -AdConnectorAccount may create, change and delete
    /// device objects in that container and nothing else. What is there already stays as it is, so a second run
    /// changes nothing.
    /// </para>
    /// <para>
    /// It needs an account that may write the configuration partition and the security descriptor of the container,
    /// usually an enterprise administrator. The schema must be that of Windows Server 2012 R2 or later; it is not
    /// extended. Neither -WhatIf nor an answer of No writes anything.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code>
    /// Enable-DeviceWriteback -ConfigurationPath .\writeback.json -Credential EXAMPLE\Administrator -AdConnectorAccount EXAMPLE\svc-writeback -WhatIf
    /// </code>
    /// <para>
    /// Shows the steps that would be done.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Enable-DeviceWriteback -ConfigurationPath .\writeback.json -Credential EXAMPLE\Administrator -AdConnectorAccount EXAMPLE\svc-writeback
    /// </code>
    /// <para>
    /// Does them, and gives one object for each step.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Enable-DeviceWriteback -ConfigurationPath .\writeback.json -Credential EXAMPLE\Administrator -CloudIssuerCertificatePath .\issuers.pem
    /// </code>
    /// <para>
    /// Adds the certificates that issue the certificates of Entra devices to the registration service object.
    /// </para>
    /// </example>
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
