using System.Collections.Generic;
using System.Management.Automation;

namespace DeviceWriteback
{
    /// <summary>A cmdlet that makes a plan: what becomes of device objects whose Entra device is gone or out of scope.</summary>
    public abstract class PolicyCmdlet : ConnectionCmdlet
    {
        /// <summary>
        /// Days after which a disabled device object whose Entra device is gone or out of scope is deleted. The default
        /// is 30, for which Entra itself can restore a deleted device; 0 deletes at once.
        /// </summary>
        [Parameter]
        [ValidateRange(0, 3650)]
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
            AddIfBound(parameters, "deleteAfter", nameof(DeleteAfter), DeleteAfter);
            AddIfBound(parameters, "keepRemoved", nameof(KeepRemoved), KeepRemoved.IsPresent);
            AddIfBound(parameters, "maximumRemoval", nameof(MaximumRemoval), MaximumRemoval);
            return parameters;
        }

        private void AddIfBound(Dictionary<string, object?> parameters, string name, string parameter, object value)
        {
            if (MyInvocation.BoundParameters.ContainsKey(parameter)) parameters[name] = value;
        }
    }
}
