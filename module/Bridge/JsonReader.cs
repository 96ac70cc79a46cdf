using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// Reads JSON texts (RFC 8259) in UTF-8, strictly. Objects become Dictionary&lt;string, object?&gt; (of equal names the
    /// last wins), arrays object?[], whole numbers that fit long, other numbers double. The readers that .NET Framework
    /// holds drop names, accept truncated texts or change strings, and a package would collide inside other people's
    /// processes. It reads bytes, because strings as large as whole lines make nearly every garbage collection a full one.
    /// One reader is for one thread.
    /// </summary>
    internal sealed class JsonReader
    {
        /// <summary>Arrays and objects inside each other; a deeper text is refused.</summary>
        public const int MaximumDepth = 64;

        private static readonly object?[] NoValues = new object?[0];

        private readonly RecentTexts texts = new RecentTexts();
        private readonly StringBuilder built = new StringBuilder();

        /// <summary>The values of the arrays, and names and values of the objects, whose end has not been read.</summary>
        private readonly List<object?> open = new List<object?>();

        private byte[] bytes = new byte[0];
        private int start;
        private int at;
        private int end;

        /// <exception cref="FormatException">The bytes are not one JSON text in UTF-8.</exception>
        public object? Read(byte[] buffer, int offset, int count)
        {
            bytes = buffer;
            start = at = offset;
            end = offset + count;
            open.Clear();
            try
            {
                object? value = Value(0);
                SkipWhiteSpace();
                if (at != end) throw Unexpected();
                return value;
            }
            catch (DecoderFallbackException error)
            {
                throw new FormatException("The text is not UTF-8.", error);
            }
        }

        private object? Value(int depth)
        {
            SkipWhiteSpace();
            switch (Peek())
            {
                case (byte)'{': return Object(depth + 1);
                case (byte)'[': return Array(depth + 1);
                case (byte)'"': return String();
                case (byte)'t': Literal("true"); return true;
                case (byte)'f': Literal("false"); return false;
                case (byte)'n': Literal("null"); return null;
                default: return Number();
            }
        }

        private Dictionary<string, object?> Object(int depth)
        {
            CheckDepth(depth);
            int first = open.Count;
            at++;
            SkipWhiteSpace();
            if (!Take('}'))
            {
                do
                {
                    SkipWhiteSpace();
                    if (Peek() != '"') throw Unexpected();
                    open.Add(String());
                    SkipWhiteSpace();
                    Expect(':');
                    open.Add(Value(depth));
                    SkipWhiteSpace();
                }
                while (Take(','));
                Expect('}');
            }
            var members = new Dictionary<string, object?>((open.Count - first) / 2, StringComparer.Ordinal);
            for (int i = first; i < open.Count; i += 2) members[(string)open[i]!] = open[i + 1];
            open.RemoveRange(first, open.Count - first);
            return members;
        }

        private object?[] Array(int depth)
        {
            CheckDepth(depth);
            int first = open.Count;
            at++;
            SkipWhiteSpace();
            if (Take(']')) return NoValues;
            do
            {
                open.Add(Value(depth));
                SkipWhiteSpace();
            }
            while (Take(','));
            Expect(']');
            var values = new object?[open.Count - first];
            open.CopyTo(first, values, 0, values.Length);
            open.RemoveRange(first, values.Length);
            return values;
        }

        private string String()
        {
            at++;
            int length = Run();
            if (Take('"')) return texts.Text(bytes, at - 1 - length, length);
            built.Clear();
            for (; ; )
            {
                built.Append(texts.Text(bytes, at - length, length));
                if (Take('"')) return built.ToString();
                if (!Take('\\')) throw Unexpected();
                built.Append(Escape());
                length = Run();
            }
        }

        /// <summary>Goes past what stands for itself in a string; the number of bytes.</summary>
        private int Run()
        {
            int from = at;
            while (at < end && bytes[at] != '"' && bytes[at] != '\\' && bytes[at] >= ' ') at++;
            return at - from;
        }

        private char Escape()
        {
            byte c = Peek();
            at++;
            switch (c)
            {
                case (byte)'"':
                case (byte)'\\':
                case (byte)'/': return (char)c;
                case (byte)'b': return '\b';
                case (byte)'f': return '\f';
                case (byte)'n': return '\n';
                case (byte)'r': return '\r';
                case (byte)'t': return '\t';
                case (byte)'u':
                    int unit = 0;
                    for (int i = 0; i < 4; i++) unit = unit * 16 + HexDigit();
                    return (char)unit;
                default: throw UnexpectedAt(at - 1);
            }
        }

        private int HexDigit()
        {
            byte c = Peek();
            at++;
            if (c >= '0' && c <= '9') return c - '0';
            if (c >= 'a' && c <= 'f') return c - 'a' + 10;
            if (c >= 'A' && c <= 'F') return c - 'A' + 10;
            throw UnexpectedAt(at - 1);
        }

        private object Number()
        {
            int from = at;
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
            string digits = Encoding.ASCII.GetString(bytes, from, at - from);
            if (whole && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer))
                return integer;
            // .NET Framework throws for a number beyond the range of double, .NET gives infinity.
            if (!double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) || double.IsInfinity(real))
                throw UnexpectedAt(from);
            return real;
        }

        private void Digits()
        {
            int from = at;
            while (at < end && bytes[at] >= '0' && bytes[at] <= '9') at++;
            if (at == from) throw Unexpected();
        }

        private void Literal(string word)
        {
            foreach (char letter in word) Expect(letter);
        }

        private void SkipWhiteSpace()
        {
            while (at < end && (bytes[at] == ' ' || bytes[at] == '\t' || bytes[at] == '\n' || bytes[at] == '\r')) at++;
        }

        private byte Peek()
        {
            if (at >= end) throw Unexpected();
            return bytes[at];
        }

        private bool Take(char wanted)
        {
            if (at >= end || bytes[at] != wanted) return false;
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
            return position >= end
                ? new FormatException("The JSON text ends too early.")
                : new FormatException($"The JSON text has an unexpected byte 0x{bytes[position]:X2} at position {position - start}.");
        }
    }
}
