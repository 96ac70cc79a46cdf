using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>One step of the preparation of the directory.</summary>
    public sealed class Step
    {
        internal Step(Fields fields)
        {
            Number = fields.Integer("number");
            Id = fields.Text("id");
            State = fields.Text("state");
            Target = fields.Text("target");
            Description = fields.Text("description");
            Detail = fields.Text("detail");
        }

        /// <summary>Name of the step; it never changes.</summary>
        public string? Id { get; }

        /// <summary>Present, Planned, Done or Declined.</summary>
        public string? State { get; }

        /// <summary>The object of the directory that the step is about.</summary>
        public string? Target { get; }

        /// <summary>What the step does.</summary>
        public string? Description { get; }

        /// <summary>The exact values, such as the access control entries.</summary>
        public string? Detail { get; }

        internal int Number { get; }

        /// <summary>The step in one line.</summary>
        public override string ToString()
        {
            return $"{State}: {Description}: {Target}";
        }
    }
}
