using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// Reads one JSON text (RFC 8259), strictly. Objects become Dictionary&lt;string, object?&gt; (of equal names the last
    /// wins), arrays object?[], whole numbers that fit long, other numbers double. The readers that .NET Framework holds
    /// drop names, accept truncated texts or change strings, and a package would collide inside other people's processes.
    /// </summary>
    internal sealed class JsonReader
    {
        /// <summary>Arrays and objects inside each other; a deeper text is refused.</summary>
        public const int MaximumDepth = 64;

        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

        private readonly string text;
        private int at;

        private JsonReader(string text)
        {
            this.text = text;
        }

        /// <exception cref="FormatException">The bytes are not one JSON text in UTF-8.</exception>
        public static object? Parse(byte[] bytes, int offset, int count)
        {
            try
            {
                return Parse(Utf8.GetString(bytes, offset, count));
            }
            catch (DecoderFallbackException error)
            {
                throw new FormatException("The text is not UTF-8.", error);
            }
        }

        /// <exception cref="FormatException">The text is not one JSON text.</exception>
        public static object? Parse(string text)
        {
            var reader = new JsonReader(text);
            object? value = reader.Value(0);
            reader.SkipWhiteSpace();
            if (reader.at != text.Length) throw reader.Unexpected();
            return value;
        }

        private object? Value(int depth)
        {
            SkipWhiteSpace();
            switch (Peek())
            {
                case '{': return Object(depth + 1);
                case '[': return Array(depth + 1);
                case '"': return String();
                case 't': Literal("true"); return true;
                case 'f': Literal("false"); return false;
                case 'n': Literal("null"); return null;
                default: return Number();
            }
        }

        private Dictionary<string, object?> Object(int depth)
        {
            CheckDepth(depth);
            var members = new Dictionary<string, object?>(StringComparer.Ordinal);
            at++;
            SkipWhiteSpace();
            if (Take('}')) return members;
            do
            {
                SkipWhiteSpace();
                if (Peek() != '"') throw Unexpected();
                string name = String();
                SkipWhiteSpace();
                Expect(':');
                members[name] = Value(depth);
                SkipWhiteSpace();
            }
            while (Take(','));
            Expect('}');
            return members;
        }

        private object?[] Array(int depth)
        {
            CheckDepth(depth);
            at++;
            SkipWhiteSpace();
            if (Take(']')) return new object?[0];
            var values = new List<object?>();
            do
            {
                values.Add(Value(depth));
                SkipWhiteSpace();
            }
            while (Take(','));
            Expect(']');
            return values.ToArray();
        }

        private string String()
        {
            int start = ++at;
            while (at < text.Length && text[at] != '"' && text[at] != '\\' && text[at] >= ' ') at++;
            if (Peek() == '"') return text.Substring(start, at++ - start);
            var built = new StringBuilder(text, start, at - start, Math.Max(16, at - start + 16));
            for (; ; )
            {
                char c = Peek();
                at++;
                if (c == '"') return built.ToString();
                if (c < ' ') throw UnexpectedAt(at - 1);
                built.Append(c == '\\' ? Escape() : c);
            }
        }

        private char Escape()
        {
            char c = Peek();
            at++;
            switch (c)
            {
                case '"':
                case '\\':
                case '/': return c;
                case 'b': return '\b';
                case 'f': return '\f';
                case 'n': return '\n';
                case 'r': return '\r';
                case 't': return '\t';
                case 'u':
                    int unit = 0;
                    for (int i = 0; i < 4; i++) unit = unit * 16 + HexDigit();
                    return (char)unit;
                default: throw UnexpectedAt(at - 1);
            }
        }

        private int HexDigit()
        {
            char c = Peek();
            at++;
            if (c >= '0' && c <= '9') return c - '0';
            if (c >= 'a' && c <= 'f') return c - 'a' + 10;
            if (c >= 'A' && c <= 'F') return c - 'A' + 10;
            throw UnexpectedAt(at - 1);
        }

        private object Number()
        {
            int start = at;
            Take('-');
            if (!Take('0')) Digits();
            bool whole = true;
            if (Take('.'))
            {
                whole = false;
                Digits();
            }
            if (Take('e') || Take('E'))
            {
                whole = false;
                if (!Take('+')) Take('-');
                Digits();
            }
            string digits = text.Substring(start, at - start);
            if (whole && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer))
                return integer;
            // .NET Framework throws for a number beyond the range of double, .NET gives infinity.
            if (!double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) || double.IsInfinity(real))
                throw UnexpectedAt(start);
            return real;
        }

        private void Digits()
        {
            int start = at;
            while (at < text.Length && text[at] >= '0' && text[at] <= '9') at++;
            if (at == start) throw Unexpected();
        }

        private void Literal(string word)
        {
            if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0) throw Unexpected();
            at += word.Length;
        }

        private void SkipWhiteSpace()
        {
            while (at < text.Length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) at++;
        }

        private char Peek()
        {
            if (at >= text.Length) throw new FormatException("The JSON text ends too early.");
            return text[at];
        }

        private bool Take(char wanted)
        {
            if (at >= text.Length || text[at] != wanted) return false;
            at++;
            return true;
        }

        private void Expect(char wanted)
        {
            if (!Take(wanted)) throw Unexpected();
        }

        private void CheckDepth(int depth)
        {
            if (depth > MaximumDepth) throw new FormatException($"The JSON text is deeper than {MaximumDepth} levels.");
        }

        private FormatException Unexpected()
        {
            return UnexpectedAt(at);
        }

        private FormatException UnexpectedAt(int position)
        {
            return position >= text.Length
                ? new FormatException("The JSON text ends too early.")
                : new FormatException($"The JSON text has an unexpected character U+{(int)text[position]:X4} at position {position}.");
        }
    }
}
