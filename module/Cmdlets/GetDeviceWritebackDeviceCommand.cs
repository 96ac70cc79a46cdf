using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace DeviceWriteback
{
    /// <summary>Explains one device: what Entra says, what the device object should be and is, and what a run would do.</summary>
    /// <remarks>
    /// <para>
    /// Says for each device what Entra answers, which values its device object should have and has, whether the
    /// object is ours, and what a run would do with it and why. Nothing is written.
    /// </para>
    /// <para>
    /// All devices that are piped are explained by one reading of both sides. A device that neither side has is an
    /// error of its own.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code>
    /// Get-DeviceWritebackDevice PC-0042 -ConfigurationPath .\writeback.json -Credential $account
    /// </code>
    /// <para>
    /// Explains the devices with this display name.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// (Get-DeviceWritebackDevice 6f1c9e1e-8a57-4d0c-9f0e-0f4c3f1d2a11 -ConfigurationPath .\writeback.json -Credential $account).Attributes
    /// </code>
    /// <para>
    /// Shows source, desired and current value of each attribute of one device.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// $common = @{ ConfigurationPath = '.\writeback.json'; Credential = $account }
    /// Get-DeviceWritebackPlan @common | Where-Object Reason -EQ Unowned | Get-DeviceWritebackDevice @common
    /// </code>
    /// <para>
    /// Explains each device that is held back because its device object is not ours.
    /// </para>
    /// </example>
    [Cmdlet(VerbsCommon.Get, "DeviceWritebackDevice", DefaultParameterSetName = EntraSet)]
    [OutputType(typeof(Device))]
    public sealed class GetDeviceWritebackDeviceCommand : PolicyCmdlet
    {
        private readonly List<string> identities = new List<string>();

        /// <summary>
        /// The device: its device id, its object id in Entra, its display name, or the distinguished name of its device
        /// object. What Get-DeviceWritebackPlan gives can be piped.
        /// </summary>
        [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        [Alias("DeviceId", "ObjectId", "DistinguishedName", "Name")]
        [ValidateNotNullOrEmpty]
        public string[]? Identity { get; set; }

        /// <summary>Collects the identities: one reading of both sides explains them all.</summary>
        protected override void ProcessRecord()
        {
            identities.AddRange(Identity ?? new string[0]);
        }

        /// <summary>Explains them.</summary>
        protected override void EndProcessing()
        {
            if (identities.Count == 0) return;
            Dictionary<string, object?> parameters = Parameters();
            parameters["devices"] = identities.Distinct().ToArray();
            Call("explain", parameters, "device", device => WriteObject(new Device(device)));
        }
    }
}
