using System;
using System.Collections.Generic;

namespace DeviceWriteback.Services
{
    /// <summary>The members of one request, read by type.</summary>
    internal sealed class Input
    {
        private readonly IDictionary<string, object?> members;

        /// <exception cref="ServiceFailure">RequestInvalid: the request is no object.</exception>
        public Input(object? request)
        {
            members = request as IDictionary<string, object?> ?? throw Invalid("the request is no object");
        }

        /// <exception cref="ServiceFailure">RequestInvalid: there is no such text.</exception>
        public string Text(string name)
        {
            return OptionalText(name) ?? throw Invalid($"{name} must be a text");
        }

        public string? OptionalText(string name)
        {
            return Value(name) as string;
        }

        /// <exception cref="ServiceFailure">RequestInvalid: there are no such bytes.</exception>
        public byte[] Bytes(string name)
        {
            return Value(name) as byte[] ?? throw Invalid($"{name} must be bytes");
        }

        /// <exception cref="ServiceFailure">RequestInvalid: there is no such whole number.</exception>
        public int Integer(string name)
        {
            switch (Value(name))
            {
                case int number: return number;
                case long number when number >= int.MinValue && number <= int.MaxValue: return (int)number;
                case double number when number == Math.Floor(number) && Math.Abs(number) < int.MaxValue: return (int)number;
                default: throw Invalid($"{name} must be a whole number");
            }
        }

        private static ServiceFailure Invalid(string why)
        {
            return new ServiceFailure("RequestInvalid", $"The request cannot be read: {why}.");
        }

        private object? Value(string name)
        {
            return members.TryGetValue(name, out object? value) ? value : null;
        }
    }
}
