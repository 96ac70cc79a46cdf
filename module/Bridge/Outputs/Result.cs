using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>One change of a run and how it ended.</summary>
    public sealed class Result : Change
    {
        internal Result(Fields fields)
            : base(fields)
        {
            State = fields.Text("state");
            Message = fields.Text("message");
        }

        /// <summary>Applied, Failed, Skipped or Cancelled.</summary>
        public string? State { get; }

        /// <summary>Why it did not end as Applied; null where it did.</summary>
        public string? Message { get; }

        /// <summary>The result in one line.</summary>
        public override string ToString()
        {
            return $"{State}: {base.ToString()}";
        }
    }
}
