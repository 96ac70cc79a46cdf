using System.Globalization;
using System.Linq;
using System.Text;

namespace DeviceWriteback
{
    /// <summary>
    /// Text from outside as it may reach a terminal: anybody may name a device, so characters that move a cursor, end a line
    /// or turn the direction of text are spelt out. The properties of the outputs keep the text as it is.
    /// </summary>
    public static class VisibleText
    {
        /// <summary>The text with what is not seen as \u and its hexadecimal digits.</summary>
        public static string Of(string? text)
        {
            if (string.IsNullOrEmpty(text)) return "";
            var visible = new StringBuilder(text!.Length);
            for (int at = 0; at < text.Length; at++)
            {
                if (char.IsSurrogatePair(text, at)) visible.Append(text[at++]).Append(text[at]);
                else if (IsUnseen(text[at])) visible.Append("\\u").Append(((int)text[at]).ToString("x4", CultureInfo.InvariantCulture));
                else visible.Append(text[at]);
            }
            return visible.ToString();
        }

        /// <summary>Values as one text.</summary>
        public static string Join(string separator, params string[] values)
        {
            return string.Join(separator, values.Select(Of));
        }

        internal static string OrNone(string[] values)
        {
            return values.Length == 0 ? "(none)" : Join(", ", values);
        }

        private static bool IsUnseen(char character)
        {
            return char.IsControl(character) || char.IsSurrogate(character)
                || character == '\u061c' || character == '\ufeff'
                || (character >= '\u200b' && character <= '\u200f')
                || (character >= '\u2028' && character <= '\u202e')
                || (character >= '\u2060' && character <= '\u2069');
        }
    }
}
