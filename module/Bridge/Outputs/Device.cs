using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>One device explained: what Entra says, what the device object should be and is, and what a run would do.</summary>
    public sealed class Device
    {
        internal Device(Fields fields)
        {
            Identity = fields.Text("identity");
            Name = fields.Text("name");
            DeviceId = fields.Text("deviceId");
            ObjectId = fields.Text("objectId");
            DistinguishedName = fields.Text("distinguishedName");
            Verdict = fields.Text("verdict");
            Reason = fields.Text("reason");
            Description = fields.Text("description");
            Ownership = fields.Text("ownership");
            AdFs = fields.Texts("adFs");
            Attributes = fields.Objects("attributes", attribute => new DeviceAttribute(attribute));
        }

        /// <summary>What was asked for.</summary>
        public string? Identity { get; }

        /// <summary>Display name of the device.</summary>
        public string? Name { get; }

        /// <summary>Device id: deviceId of the Entra device, msDS-DeviceID of the device object.</summary>
        public string? DeviceId { get; }

        /// <summary>Object id of the Entra device.</summary>
        public string? ObjectId { get; }

        /// <summary>Distinguished name that the device object has or would have.</summary>
        public string? DistinguishedName { get; }

        /// <summary>What a run would do: Create, Update, Disable, Enable, Delete, Held or Nothing.</summary>
        public string? Verdict { get; }

        /// <summary>Why.</summary>
        public string? Reason { get; }

        /// <summary>The verdict in one sentence.</summary>
        public string? Description { get; }

        /// <summary>Owned, Unowned, Foreign or Absent.</summary>
        public string? Ownership { get; }

        /// <summary>
        /// What AD FS will see of the device after the run, as "name: value"; inferred from the names of its claims.
        /// </summary>
        public string[] AdFs { get; }

        /// <summary>Source, desired and current values, an attribute each.</summary>
        public DeviceAttribute[] Attributes { get; }

        /// <summary>The device in one line.</summary>
        public override string ToString()
        {
            return $"{VisibleText.Of(Name ?? Identity)}: {Verdict}: {VisibleText.Of(Description)}";
        }
    }

    /// <summary>One attribute of a device explained.</summary>
    public sealed class DeviceAttribute
    {
        internal DeviceAttribute(Fields fields)
        {
            Name = fields.Text("name");
            Source = fields.Text("source");
            Desired = fields.Texts("desired");
            Current = fields.Texts("current");
        }

        /// <summary>LDAP name of the attribute.</summary>
        public string? Name { get; }

        /// <summary>What Graph answered; null for null, "(not read)" for what was not answered.</summary>
        public string? Source { get; }

        /// <summary>The values that the device object should have.</summary>
        public string[] Desired { get; }

        /// <summary>The values that the device object has.</summary>
        public string[] Current { get; }

        /// <summary>The attribute in one line: the value, or the current and the desired one where they differ.</summary>
        public override string ToString()
        {
            string current = VisibleText.OrNone(Current);
            string desired = VisibleText.OrNone(Desired);
            return current == desired ? $"{Name}: {current}" : $"{Name}: {current} -> {desired}";
        }
    }
}
