using System;
using System.Collections.Generic;

namespace DeviceWriteback.Services
{
    /// <summary>The security contexts that are open, by handle.</summary>
    internal sealed class Negotiate : IDisposable
    {
#if NET8_0_OR_GREATER
        private readonly System.Collections.Concurrent.ConcurrentDictionary<int, NegotiateContext> contexts = new();
        private int lastHandle;

        /// <summary>
        /// Opens a context for the service principal name in target, as userName and password, or without these as the
        /// account that runs this process.
        /// </summary>
        public object Open(Input request)
        {
            var context = new NegotiateContext(request.Text("target"), request.OptionalText("userName"), request.OptionalText("password"));
            try
            {
                Dictionary<string, object?> answer = context.Step([]);
                int handle = System.Threading.Interlocked.Increment(ref lastHandle);
                contexts[handle] = context;
                answer["handle"] = handle;
                return answer;
            }
            catch
            {
                context.Dispose();
                throw;
            }
        }

        public object Step(Input request)
        {
            return Context(request).Step(request.Bytes("token"));
        }

        public object Wrap(Input request)
        {
            return Data(Context(request).Wrap(request.Bytes("data")));
        }

        public object Unwrap(Input request)
        {
            return Data(Context(request).Unwrap(request.Bytes("data")));
        }

        public object Close(Input request)
        {
            if (contexts.TryRemove(request.Integer("handle"), out NegotiateContext? context)) context.Dispose();
            return new Dictionary<string, object?>();
        }

        public void Dispose()
        {
            foreach (int handle in contexts.Keys)
            {
                if (contexts.TryRemove(handle, out NegotiateContext? context)) context.Dispose();
            }
        }

        private static Dictionary<string, object?> Data(byte[] data)
        {
            return new Dictionary<string, object?> { ["data"] = data };
        }

        private NegotiateContext Context(Input request)
        {
            int handle = request.Integer("handle");
            return contexts.TryGetValue(handle, out NegotiateContext? context)
                ? context
                : throw new ServiceFailure("ContextBroken", $"The security context {handle} is not open.");
        }
#else
        public object Open(Input request)
        {
            throw TooOld();
        }

        public object Step(Input request)
        {
            throw TooOld();
        }

        public object Wrap(Input request)
        {
            throw TooOld();
        }

        public object Unwrap(Input request)
        {
            throw TooOld();
        }

        public object Close(Input request)
        {
            throw TooOld();
        }

        public void Dispose()
        {
        }

        private static ServiceFailure TooOld()
        {
            string framework = System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription;
            return new ServiceFailure("FrameworkTooOld", $"{framework} cannot seal a connection with Kerberos; .NET 8 and later can.");
        }
#endif
    }
}
