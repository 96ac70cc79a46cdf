using System;
using System.Collections.Generic;
using System.Globalization;

namespace DeviceWriteback.Bridge
{
    /// <summary>The members of a JSON object, read by type. A member that is absent reads as null, 0, false or no value.</summary>
    internal readonly struct Fields
    {
        private static readonly Dictionary<string, object?> None = new Dictionary<string, object?>();
        private static readonly object?[] NoValues = new object?[0];

        private readonly Dictionary<string, object?>? members;

        public Fields(object? value)
        {
            members = value as Dictionary<string, object?>;
        }

        /// <summary>Whether the value was an object at all.</summary>
        public bool Exist => members != null;

        public bool Has(string name)
        {
            return members != null && members.ContainsKey(name);
        }

        public object? Value(string name)
        {
            return (members ?? None).TryGetValue(name, out object? value) ? value : null;
        }

        public string? Text(string name)
        {
            return Value(name) as string;
        }

        public int Integer(string name)
        {
            return Value(name) is long number ? (int)Math.Max(int.MinValue, Math.Min(int.MaxValue, number)) : 0;
        }

        public bool Flag(string name)
        {
            return Value(name) is true;
        }

        /// <summary>A time in ISO 8601; UTC.</summary>
        public DateTime? Time(string name)
        {
            const DateTimeStyles style = DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal;
            bool valid = DateTime.TryParse(Text(name), CultureInfo.InvariantCulture, style, out DateTime time);
            return valid ? time : (DateTime?)null;
        }

        public string[] Texts(string name)
        {
            return Array.ConvertAll(List(name), value => value as string ?? "");
        }

        public Fields Object(string name)
        {
            return new Fields(Value(name));
        }

        public object?[] List(string name)
        {
            return Value(name) as object?[] ?? NoValues;
        }

        public T[] Objects<T>(string name, Func<Fields, T> read)
        {
            return Array.ConvertAll(List(name), value => read(new Fields(value)));
        }
    }
}
