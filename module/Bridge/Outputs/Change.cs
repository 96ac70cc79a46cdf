using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>One planned change of one device object, or a difference that is held back.</summary>
    public class Change
    {
        internal Change(Fields fields)
        {
            Number = fields.Integer("number");
            Action = fields.Text("action");
            Name = fields.Text("name");
            DeviceId = fields.Text("deviceId");
            ObjectId = fields.Text("objectId");
            DistinguishedName = fields.Text("distinguishedName");
            Reason = fields.Text("reason");
            Description = fields.Text("description");
            Warnings = fields.Texts("warnings");
            Attributes = fields.Objects("attributes", attribute => new AttributeChange(attribute));
        }

        /// <summary>Create, Update, Disable, Enable, Delete, or Held for a difference that is held back.</summary>
        public string? Action { get; }

        /// <summary>Display name of the device.</summary>
        public string? Name { get; }

        /// <summary>Device id: deviceId of the Entra device, msDS-DeviceID of the device object.</summary>
        public string? DeviceId { get; }

        /// <summary>Object id of the Entra device.</summary>
        public string? ObjectId { get; }

        /// <summary>Distinguished name that the device object has or will have.</summary>
        public string? DistinguishedName { get; }

        /// <summary>
        /// Why the change is made: Flow (values differ), Stated (disabled in Entra), Removal (gone or out of scope), NoKey
        /// (no certificate key left), Retention (removed long enough ago), Undo (an earlier run is taken back), Adoption
        /// (taken over from another writer). Or why the difference is held back: Foreign, Unowned, SecondWriter,
        /// DuplicateInDirectory, DuplicateInSource, NameTaken, KeyInUse, NoKey, UnknownKeyForm, Unreadable, Unusable,
        /// AbsenceUnproven, ClockSkew, DeleteLater, NotRestorable, OutcomeUnknown.
        /// </summary>
        public string? Reason { get; }

        /// <summary>The change in one sentence.</summary>
        public string? Description { get; }

        /// <summary>Codes of what should be known about the change.</summary>
        public string[] Warnings { get; }

        /// <summary>The values before and after, an attribute each.</summary>
        public AttributeChange[] Attributes { get; }

        /// <summary>What Get-DeviceWritebackDevice finds the device by when this object is piped to it.</summary>
        public string? Identity => DeviceId ?? ObjectId ?? DistinguishedName ?? Name;

        internal bool IsHeld => Number < 0;

        internal int Number { get; }

        /// <summary>The change in one line.</summary>
        public override string ToString()
        {
            return $"{Action} {VisibleText.Of(Name ?? Identity)}: {VisibleText.Of(Description)}";
        }
    }

    /// <summary>The values of one attribute before and after a change, as people read them.</summary>
    public sealed class AttributeChange
    {
        internal AttributeChange(Fields fields)
        {
            Name = fields.Text("name");
            Before = fields.Texts("before");
            After = fields.Texts("after");
        }

        /// <summary>LDAP name of the attribute.</summary>
        public string? Name { get; }

        /// <summary>The values that the object has.</summary>
        public string[] Before { get; }

        /// <summary>The values that the object will have.</summary>
        public string[] After { get; }

        /// <summary>The change of the attribute in one line.</summary>
        public override string ToString()
        {
            return $"{Name}: {VisibleText.OrNone(Before)} -> {VisibleText.OrNone(After)}";
        }
    }
}
