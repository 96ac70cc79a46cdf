using System.Collections.Generic;
using System.Management.Automation;

namespace DeviceWriteback
{
    /// <summary>
    /// A cmdlet that makes a plan: which Entra devices are in scope, and what becomes of device objects whose Entra device
    /// is gone or out of scope.
    /// </summary>
    public abstract class PolicyCmdlet : ConnectionCmdlet
    {
        /// <summary>The parameter set of a plan that is made from the devices of Entra.</summary>
        private protected const string EntraSet = "Entra";

        /// <summary>
        /// Also takes over the device objects without a mark whose Entra device is in scope, such as those of Entra
        /// Connect: marks them, makes them equal and keeps them so from then on. Stop the other writer first: while
        /// it has created objects in the last 24 hours, none is taken over. Everything is read.
        /// </summary>
        [Parameter(ParameterSetName = EntraSet)]
        public SwitchParameter Adopt { get; set; }

        /// <summary>
        /// Only Entra devices of these trust types are in scope: AzureAd (joined to Entra), ServerAd (hybrid joined),
        /// Workplace (registered). The default is all of them.
        /// </summary>
        [Parameter(ParameterSetName = EntraSet)]
        [ValidateSet("AzureAd", "ServerAd", "Workplace")]
        public string[]? TrustType { get; set; }

        /// <summary>Only Entra devices with one of these operating systems are in scope, as Entra names them: Windows, iOS.</summary>
        [Parameter(ParameterSetName = EntraSet)]
        [ValidateNotNullOrEmpty]
        public string[]? OperatingSystem { get; set; }

        /// <summary>Only Entra devices that are members of one of these groups are in scope. A group is given by its object id.</summary>
        [Parameter(ParameterSetName = EntraSet)]
        [ValidateNotNullOrEmpty]
        public string[]? Group { get; set; }

        /// <summary>
        /// Days after which a disabled device object whose Entra device is gone or out of scope is deleted. The default
        /// is 30, for which Entra itself can restore a deleted device; 0 deletes at once.
        /// </summary>
        [Parameter]
        [ValidateRange(0, 36500)]
        public int DeleteAfter { get; set; }

        /// <summary>Never deletes: device objects whose Entra device is gone or out of scope stay disabled.</summary>
        [Parameter]
        public SwitchParameter KeepRemoved { get; set; }

        /// <summary>
        /// The number of removals that is allowed this once, instead of the removal threshold. Give it after you have
        /// looked at the plan of a run that was refused. It is not read from the configuration file.
        /// </summary>
        [Parameter]
        [ValidateRange(0, int.MaxValue)]
        public int MaximumRemoval { get; set; }

        private protected override Dictionary<string, object?> Parameters()
        {
            Dictionary<string, object?> parameters = base.Parameters();
            AddIfBound(parameters, "adopt", nameof(Adopt), Adopt.IsPresent);
            Add(parameters, "trustType", TrustType);
            Add(parameters, "operatingSystem", OperatingSystem);
            Add(parameters, "group", Group);
            AddIfBound(parameters, "deleteAfter", nameof(DeleteAfter), DeleteAfter);
            AddIfBound(parameters, "keepRemoved", nameof(KeepRemoved), KeepRemoved.IsPresent);
            AddIfBound(parameters, "maximumRemoval", nameof(MaximumRemoval), MaximumRemoval);
            return parameters;
        }
    }
}
