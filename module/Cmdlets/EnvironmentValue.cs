using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace DeviceWriteback
{
    /// <summary>The value of -Environment as the protocol has it: a name, or the two base addresses of a custom cloud.</summary>
    internal static class EnvironmentValue
    {
        private static readonly string[] AddressNames = { "graph", "login" };

        /// <summary>Throws ParameterInvalid for all else: a value that is not understood must not become the default cloud.</summary>
        public static object? Wire(object? environment)
        {
            object? plain = Plain(environment);
            if (plain == null) return null;
            if (plain is string name) return IsText(name) ? name : throw Invalid("it is an empty text");
            return Addresses(plain is IDictionary hashtable ? Entries(hashtable) : Properties(environment!), plain.GetType().Name);
        }

        private static Dictionary<string, object?> Addresses(IReadOnlyCollection<KeyValuePair<string, Func<object?>>> members, string type)
        {
            string[] names = members.Select(member => member.Key.ToLowerInvariant()).OrderBy(name => name, StringComparer.Ordinal).ToArray();
            if (!names.SequenceEqual(AddressNames))
                throw Invalid(names.Length == 0 ? $"it is a {type}" : $"it is a {type} with {string.Join(", ", members.Select(member => member.Key))}");
            var addresses = new Dictionary<string, object?>();
            foreach (KeyValuePair<string, Func<object?>> member in members)
            {
                if (!(Plain(member.Value()) is string address) || !IsText(address)) throw Invalid($"its {member.Key} is not a text");
                addresses[member.Key.ToLowerInvariant()] = address;
            }
            return addresses;
        }

        private static List<KeyValuePair<string, Func<object?>>> Entries(IDictionary hashtable)
        {
            return hashtable.Cast<DictionaryEntry>()
                .Select(entry => new KeyValuePair<string, Func<object?>>(entry.Key.ToString() ?? "", () => entry.Value))
                .ToList();
        }

        private static List<KeyValuePair<string, Func<object?>>> Properties(object value)
        {
            return PSObject.AsPSObject(value).Properties
                .Select(property => new KeyValuePair<string, Func<object?>>(property.Name, () => property.Value))
                .ToList();
        }

        private static object? Plain(object? value)
        {
            return value is PSObject wrapped ? wrapped.BaseObject : value;
        }

        private static bool IsText(string text)
        {
            return text.Trim().Length > 0;
        }

        private static WritebackException Invalid(string why)
        {
            return new WritebackException(
                "ParameterInvalid",
                ErrorCategory.InvalidArgument,
                $"Environment must be the name of an environment, or both of its base addresses, graph and login, and no more; {why}.",
                "Correct -Environment: a name such as USGov, or @{ graph = 'https://...'; login = 'https://...' }.",
                "Environment");
        }
    }
}
