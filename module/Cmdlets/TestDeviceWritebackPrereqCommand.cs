using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Checks everything that device writeback needs, and changes nothing.</summary>
    /// <remarks>
    /// <para>
    /// Reads Microsoft Graph and the directory with the account and the application that are given, and gives one
    /// object for each check: its state (Pass, Warning, Fail, NotTested), what was found, and what to do. Nothing is
    /// written anywhere.
    /// </para>
    /// <para>
    /// Run it before Enable-DeviceWriteback to see what is missing, and after it to see that nothing is. Every
    /// parameter can stand in the configuration file instead.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code>
    /// Test-DeviceWritebackPrereq -ConfigurationPath .\writeback.json -Credential EXAMPLE\svc-writeback
    /// </code>
    /// <para>
    /// Runs all checks with the settings of a configuration file; PowerShell asks for the password of the account.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// if (-not (Test-DeviceWritebackPrereq -ConfigurationPath .\writeback.json -Credential $account -Quiet)) { exit 1 }
    /// </code>
    /// <para>
    /// Ends a script with exit code 1 if a check fails.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// Test-DeviceWritebackPrereq -ConfigurationPath .\writeback.json -Credential $account |
    /// Where-Object State -EQ Fail | Format-List
    /// </code>
    /// <para>
    /// Shows the failed checks with all their properties.
    /// </para>
    /// </example>
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
