using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace DeviceWriteback
{
    /// <summary>Explains one device: what Entra says, what the device object should be and is, and what a run would do.</summary>
    [Cmdlet(VerbsCommon.Get, "DeviceWritebackDevice")]
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
            parameters["identity"] = identities.Distinct().ToArray();
            Call("explain", parameters, "device", device => WriteObject(new Device(device)));
        }
    }
}
