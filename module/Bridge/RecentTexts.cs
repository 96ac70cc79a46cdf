using System.Text;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// Makes strings of UTF-8, and gives the short ones that were made last again: names of members, LDAP names and values
    /// like TRUE come with every object, and need not be made anew for each.
    /// </summary>
    internal sealed class RecentTexts
    {
        private const int LongestKept = 32;

        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

        private readonly string?[] kept = new string?[512];

        /// <exception cref="DecoderFallbackException">The bytes are not UTF-8.</exception>
        public string Text(byte[] bytes, int offset, int length)
        {
            if (length > LongestKept) return Utf8.GetString(bytes, offset, length);
            int slot = Slot(bytes, offset, length);
            string? last = kept[slot];
            if (last != null && Equal(last, bytes, offset, length)) return last;
            string text = Utf8.GetString(bytes, offset, length);
            // As many characters as bytes: it is ASCII, the only thing that Equal compares rightly.
            if (text.Length == length) kept[slot] = text;
            return text;
        }

        /// <summary>FNV-1a.</summary>
        private int Slot(byte[] bytes, int offset, int length)
        {
            uint hash = 2166136261;
            for (int i = offset; i < offset + length; i++) hash = unchecked((hash ^ bytes[i]) * 16777619);
            return (int)(hash % (uint)kept.Length);
        }

        private static bool Equal(string ascii, byte[] bytes, int offset, int length)
        {
            if (ascii.Length != length) return false;
            for (int i = 0; i < length; i++)
            {
                if (ascii[i] != bytes[offset + i]) return false;
            }
            return true;
        }
    }
}
