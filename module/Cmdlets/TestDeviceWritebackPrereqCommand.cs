using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Checks everything that device writeback needs, and changes nothing.</summary>
    [Cmdlet(VerbsDiagnostic.Test, "DeviceWritebackPrereq")]
    [OutputType(typeof(Check), typeof(bool))]
    public sealed class TestDeviceWritebackPrereqCommand : ConnectionCmdlet
    {
        /// <summary>
        /// The account that will write the device objects: its rights are checked. Without it the rights of the account
        /// that binds are checked.
        /// </summary>
        [Parameter]
        [Alias("Account")]
        [ValidateNotNullOrEmpty]
        public string? AdConnectorAccount { get; set; }

        /// <summary>Gives one boolean instead of the checks: true if none of them failed.</summary>
        [Parameter]
        public SwitchParameter Quiet { get; set; }

        /// <summary>Runs the checks.</summary>
        protected override void EndProcessing()
        {
            Fields result = Call("test", Parameters(), "check", check =>
            {
                if (!Quiet) WriteObject(new Check(check));
            });
            if (Quiet) WriteObject(result.Flag("passed"));
        }

        private protected override Dictionary<string, object?> Parameters()
        {
            Dictionary<string, object?> parameters = base.Parameters();
            Add(parameters, "adConnectorAccount", AdConnectorAccount);
            return parameters;
        }
    }
}
