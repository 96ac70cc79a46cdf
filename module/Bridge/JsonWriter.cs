using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Runtime.InteropServices;
using System.Security;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// Writes one JSON text a line, ASCII only. A PSCredential becomes { userName, password }, a SecureString a string: a
    /// secret is plain text in this buffer alone, which is cleared as soon as the line is written.
    /// </summary>
    internal sealed class JsonWriter
    {
        private const string HexDigits = "0123456789abcdef";

        private byte[] buffer = new byte[1024];
        private int length;

        /// <summary>Writes the value and a line feed.</summary>
        /// <exception cref="ArgumentException">The value holds a type that has no JSON form here, or is too deep.</exception>
        public static void WriteLine(Stream stream, object? value)
        {
            var writer = new JsonWriter();
            try
            {
                writer.Value(value, 0);
                writer.Append('\n');
                stream.Write(writer.buffer, 0, writer.length);
                stream.Flush();
            }
            finally
            {
                Array.Clear(writer.buffer, 0, writer.buffer.Length);
            }
        }

        private void Value(object? value, int depth)
        {
            if (depth > JsonReader.MaximumDepth) throw new ArgumentException("The value is too deep for JSON.");
            switch (value)
            {
                case null: Append("null"); break;
                case string text: String(text); break;
                case bool flag: Append(flag ? "true" : "false"); break;
                case int number: Append(number.ToString(CultureInfo.InvariantCulture)); break;
                case long number: Append(number.ToString(CultureInfo.InvariantCulture)); break;
                case double number: Real(number); break;
                case SecureString secret: Secret(secret); break;
                case PSCredential credential: Credential(credential); break;
                case IReadOnlyDictionary<string, object?> members: Object(members, depth + 1); break;
                case IEnumerable values: List(values, depth + 1); break;
                default: throw new ArgumentException($"{value.GetType()} has no JSON form.");
            }
        }

        private void Object(IReadOnlyDictionary<string, object?> members, int depth)
        {
            Append('{');
            bool first = true;
            foreach (KeyValuePair<string, object?> member in members)
            {
                if (!first) Append(',');
                first = false;
                String(member.Key);
                Append(':');
                Value(member.Value, depth);
            }
            Append('}');
        }

        private void List(IEnumerable values, int depth)
        {
            Append('[');
            bool first = true;
            foreach (object? value in values)
            {
                if (!first) Append(',');
                first = false;
                Value(value, depth);
            }
            Append(']');
        }

        private void Credential(PSCredential credential)
        {
            Append("{\"userName\":");
            String(credential.UserName);
            Append(",\"password\":");
            Secret(credential.Password);
            Append('}');
        }

        private void Secret(SecureString secret)
        {
            Append('"');
            IntPtr plain = Marshal.SecureStringToGlobalAllocUnicode(secret);
            try
            {
                for (int i = 0; i < secret.Length; i++) Character((char)Marshal.ReadInt16(plain, i * 2));
            }
            finally
            {
                Marshal.ZeroFreeGlobalAllocUnicode(plain);
            }
            Append('"');
        }

        private void Real(double number)
        {
            if (double.IsNaN(number) || double.IsInfinity(number)) throw new ArgumentException($"{number} has no JSON form.");
            Append(number.ToString("R", CultureInfo.InvariantCulture));
        }

        private void String(string text)
        {
            Append('"');
            foreach (char c in text) Character(c);
            Append('"');
        }

        private void Character(char c)
        {
            if (c >= ' ' && c < '\x7f' && c != '"' && c != '\\')
            {
                Append(c);
                return;
            }
            Append("\\u");
            for (int shift = 12; shift >= 0; shift -= 4) Append(HexDigits[(c >> shift) & 15]);
        }

        private void Append(string ascii)
        {
            foreach (char c in ascii) Append(c);
        }

        private void Append(char ascii)
        {
            if (length == buffer.Length) Grow();
            buffer[length++] = (byte)ascii;
        }

        private void Grow()
        {
            var larger = new byte[buffer.Length * 2];
            Buffer.BlockCopy(buffer, 0, larger, 0, length);
            Array.Clear(buffer, 0, length);
            buffer = larger;
        }
    }
}
