using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// The way from host/* requests to the assembly DeviceWriteback.Services, which is loaded on the first of them. On the
    /// bridge bytes are base64, in the assembly they are byte[]. One engine has one instance, whose security contexts end
    /// with it.
    /// </summary>
    internal sealed class HostServices : IDisposable
    {
        private const string Prefix = "host/";

        private static readonly string[] Services = { "negotiate", "certificate", "secret" };

        /// <summary>The members that are bytes: BYTE_MEMBERS of src/host/operations.ts.</summary>
        private static readonly string[] ByteMembers = { "token", "data", "signature", "certificate" };

        private object? instance;
        private Func<object?, Task<object?>>? invoke;

        /// <summary>What works the method host/SERVICE/OPERATION, null if there is no such service.</summary>
        public Func<object?, Task<object?>>? Find(string method)
        {
            string[] parts = method.StartsWith(Prefix, StringComparison.Ordinal) ? method.Substring(Prefix.Length).Split('/') : new string[0];
            if (parts.Length != 2 || !Services.Contains(parts[0])) return null;
            return parameters => Work(parts[0], parts[1], parameters);
        }

        public void Dispose()
        {
            (instance as IDisposable)?.Dispose();
        }

        private async Task<object?> Work(string service, string operation, object? parameters)
        {
            invoke ??= Load();
            var request = new Dictionary<string, object?> { ["service"] = service, ["operation"] = operation };
            if (parameters is Dictionary<string, object?> members)
            {
                foreach (KeyValuePair<string, object?> member in members)
                    request[member.Key] = IsBytes(member) ? Convert.FromBase64String((string)member.Value!) : member.Value;
            }
            object? answer = await invoke(request).ConfigureAwait(false);
            return (answer as Dictionary<string, object?>)?.ToDictionary(
                member => member.Key,
                member => member.Value is byte[] bytes ? Convert.ToBase64String(bytes) : member.Value);
        }

        private static bool IsBytes(KeyValuePair<string, object?> member)
        {
            return member.Value is string && ByteMembers.Contains(member.Key);
        }

        private Func<object?, Task<object?>> Load()
        {
            string bin = Path.GetDirectoryName(typeof(HostServices).Assembly.Location)!;
            // .NET Framework says 4; the build for .NET 8 runs on every later one.
            string build = Environment.Version.Major >= 8 ? "net8.0" : "netstandard2.0";
            Assembly assembly = Assembly.LoadFrom(Path.Combine(bin, "services", build, "DeviceWriteback.Services.dll"));
            Type type = assembly.GetType("DeviceWriteback.Services.HostServices", throwOnError: true)!;
            instance = Activator.CreateInstance(type);
            return (Func<object?, Task<object?>>)Delegate.CreateDelegate(typeof(Func<object?, Task<object?>>), instance, "Invoke");
        }
    }
}
