using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>One prerequisite, how it stands, and the evidence.</summary>
    public sealed class Check
    {
        internal Check(Fields fields)
        {
            Id = fields.Text("id");
            State = fields.Text("state");
            Title = fields.Text("title");
            Evidence = fields.Text("evidence");
            Remedy = fields.Text("remedy");
        }

        /// <summary>Name of the check; it never changes.</summary>
        public string? Id { get; }

        /// <summary>Pass, Warning, Fail or NotTested.</summary>
        public string? State { get; }

        /// <summary>What is checked.</summary>
        public string? Title { get; }

        /// <summary>What was found.</summary>
        public string? Evidence { get; }

        /// <summary>What to do; null where nothing is to be done.</summary>
        public string? Remedy { get; }

        /// <summary>The check in one line.</summary>
        public override string ToString()
        {
            return $"{State}: {Title}: {Evidence}";
        }
    }
}
