using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace DeviceWriteback.Services
{
    /// <summary>
    /// The one entry to what only .NET can do for the engine. The PowerShell side calls it by reflection and edge-js by
    /// name, so the way that a request came makes no difference. An instance holds the security contexts that it opened.
    /// </summary>
    public sealed class HostServices : IDisposable
    {
        private readonly Negotiate negotiate = new Negotiate();

        /// <summary>
        /// Works one request: members service, operation and those of the operation; bytes are byte[]. The result is what
        /// src/host/operations.ts declares for the operation, or { error: { code, message } }. The task is complete at
        /// once, but for the two operations that may ask a domain controller: negotiate/open and negotiate/step.
        /// </summary>
        public Task<object?> Invoke(object? input)
        {
            try
            {
                var request = new Input(input);
                Func<object?> work = Find(request, out bool mayTakeLong);
                return mayTakeLong ? Task.Run(() => Answer(work)) : Task.FromResult(Answer(work));
            }
            catch (ServiceFailure failure)
            {
                return Task.FromResult<object?>(Error(failure.Code, failure.Message));
            }
        }

        /// <summary>Closes every security context that is open.</summary>
        public void Dispose()
        {
            negotiate.Dispose();
        }

        private Func<object?> Find(Input request, out bool mayTakeLong)
        {
            string name = $"{request.Text("service")}/{request.Text("operation")}";
            mayTakeLong = name == "negotiate/open" || name == "negotiate/step";
            switch (name)
            {
                case "negotiate/open": return () => negotiate.Open(request);
                case "negotiate/step": return () => negotiate.Step(request);
                case "negotiate/wrap": return () => negotiate.Wrap(request);
                case "negotiate/unwrap": return () => negotiate.Unwrap(request);
                case "negotiate/close": return () => negotiate.Close(request);
                case "certificate/find": return () => Certificates.Find(request);
                case "certificate/sign": return () => Certificates.Sign(request);
                case "secret/protect": return () => Secrets.Protect(request);
                case "secret/unprotect": return () => Secrets.Unprotect(request);
                default: throw new ServiceFailure("RequestInvalid", $"There is no operation {name}.");
            }
        }

        private static object? Answer(Func<object?> work)
        {
            try
            {
                return work();
            }
            catch (ServiceFailure failure)
            {
                return Error(failure.Code, failure.Message);
            }
            catch (Exception error)
            {
                return Error("Unexpected", $"{error.GetType().FullName}: {error.Message}");
            }
        }

        private static Dictionary<string, object?> Error(string code, string message)
        {
            return new Dictionary<string, object?>
            {
                ["error"] = new Dictionary<string, object?> { ["code"] = code, ["message"] = message },
            };
        }
    }
}
