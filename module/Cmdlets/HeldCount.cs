using System.Collections.Generic;
using System.Linq;

namespace DeviceWriteback
{
    /// <summary>The differences that a plan holds back, counted by reason.</summary>
    internal sealed class HeldCount
    {
        private readonly SortedDictionary<string, int> counts = new SortedDictionary<string, int>(System.StringComparer.Ordinal);

        public void Add(Change held)
        {
            string reason = held.Reason ?? "";
            counts.TryGetValue(reason, out int count);
            counts[reason] = count + 1;
        }

        /// <summary>One sentence, or null if nothing is held back.</summary>
        public string? Sentence()
        {
            int total = counts.Values.Sum();
            if (total == 0) return null;
            string reasons = string.Join(", ", counts.OrderByDescending(entry => entry.Value).Select(entry => $"{entry.Key} {entry.Value}"));
            string subject = total == 1 ? "1 difference is" : $"{total} differences are";
            return $"{subject} held back: {reasons}. Get-DeviceWritebackPlan shows each.";
        }
    }
}
