using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;

namespace DeviceWriteback.Testing
{
    /// <summary>What a pipeline gives, as JSON: objects with "$type" (the first type name) and their properties.</summary>
    public static class ObjectJson
    {
        private const int MaximumDepth = 5;

        public static JsonNode From(object value) => From(value, 0);

        /// <summary>What a script sees of an error record.</summary>
        public static JsonNode FromError(ErrorRecord record)
        {
            if (record == null) return null;
            return new JsonObject
            {
                ["id"] = record.FullyQualifiedErrorId,
                ["message"] = record.ToString(),
                ["exceptionMessage"] = record.Exception?.Message,
                ["exception"] = record.Exception?.GetType().FullName,
                ["category"] = record.CategoryInfo.Category.ToString(),
                ["target"] = record.TargetObject?.ToString(),
                ["recommendedAction"] = record.ErrorDetails?.RecommendedAction,
            };
        }

        private static JsonNode From(object value, int depth)
        {
            if (value is PSObject wrapped && wrapped.BaseObject is not PSCustomObject) value = wrapped.BaseObject;
            switch (value)
            {
                case null: return null;
                case string text: return Text(text);
                case char c: return Text(c.ToString());
                case bool flag: return flag;
                case int number: return number;
                case long number: return number;
                case double number: return number;
                case DateTime time: return time.ToString("o", CultureInfo.InvariantCulture);
                case Type type: return type.FullName;
                case ErrorRecord record: return FromError(record);
                case Enum or Guid or Version or Uri or SwitchParameter: return value.ToString();
            }
            if (depth == MaximumDepth) return value.ToString();
            if (value is IDictionary pairs)
            {
                var members = new JsonObject();
                foreach (DictionaryEntry pair in pairs) members[pair.Key.ToString()] = From(pair.Value, depth + 1);
                return members;
            }
            if (value is IEnumerable values) return new JsonArray(values.Cast<object>().Select(one => From(one, depth + 1)).ToArray());
            return Properties(PSObject.AsPSObject(value), depth);
        }

        private static JsonObject Properties(PSObject value, int depth)
        {
            var members = new JsonObject { ["$type"] = value.TypeNames.FirstOrDefault() };
            foreach (PSPropertyInfo property in value.Properties)
            {
                try
                {
                    members[property.Name] = From(property.Value, depth + 1);
                }
                catch (GetValueException error)
                {
                    members[property.Name] = "! " + error.Message;
                }
            }
            return members;
        }

        /// <summary>A lone surrogate has no JSON text in this writer, so texts with one are given as their code units.</summary>
        private static JsonNode Text(string text)
        {
            bool whole = true;
            for (int i = 0; i < text.Length && whole; i++)
            {
                if (!char.IsSurrogate(text[i])) continue;
                whole = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
                i++;
            }
            return whole ? text : new JsonObject { ["$units"] = string.Join(" ", text.Select(c => ((int)c).ToString("x4", CultureInfo.InvariantCulture))) };
        }
    }
}
