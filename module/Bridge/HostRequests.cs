using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// Requests from the engine to this process, named host/*: what only .NET can do. They are begun one after the other on
    /// a thread of their own: never on the reader and never on a pipeline thread. One that waits, as for a domain controller,
    /// does not keep the next one waiting.
    /// </summary>
    internal sealed class HostRequests
    {
        private const int MethodNotFound = -32601;
        private const int HandlerFailed = -32000;

        private static readonly ConcurrentDictionary<string, Func<object?, Task<object?>>> Handlers =
            new ConcurrentDictionary<string, Func<object?, Task<object?>>>();

        private readonly HostServices services = new HostServices();
        private readonly BlockingCollection<Fields> queue = new BlockingCollection<Fields>();
        private readonly Outbox outbox;

        public HostRequests(Outbox outbox)
        {
            this.outbox = outbox;
            new Thread(WorkAll) { IsBackground = true, Name = "DeviceWriteback host requests" }.Start();
        }

        /// <summary>Lets the engine call this handler by this name, in every engine process.</summary>
        public static void Register(string method, Func<object?, Task<object?>> handler)
        {
            Handlers[method] = handler;
        }

        public void Add(Fields request)
        {
            queue.Add(request);
        }

        public void Close()
        {
            queue.CompleteAdding();
        }

        private void WorkAll()
        {
            foreach (Fields request in queue.GetConsumingEnumerable()) _ = PostAnswer(request);
            services.Dispose();
        }

        private async Task PostAnswer(Fields request)
        {
            outbox.Post(await Answer(request).ConfigureAwait(false));
        }

        private async Task<Dictionary<string, object?>> Answer(Fields request)
        {
            var answer = new Dictionary<string, object?> { ["jsonrpc"] = "2.0", ["id"] = request.Value("id") };
            string method = request.Text("method") ?? "";
            Func<object?, Task<object?>>? handler = Handlers.TryGetValue(method, out handler) ? handler : services.Find(method);
            if (handler == null)
            {
                answer["error"] = Error(MethodNotFound, $"method not found: {method}");
                return answer;
            }
            try
            {
                object? result = await handler(request.Value("params")).ConfigureAwait(false);
                // A result without a JSON form must fail here: on the writer's thread it would end this process.
                JsonWriter.WriteLine(Stream.Null, result);
                answer["result"] = result;
            }
            catch (Exception error)
            {
                answer["error"] = Error(HandlerFailed, error.Message);
            }
            return answer;
        }

        private static Dictionary<string, object?> Error(int code, string message)
        {
            return new Dictionary<string, object?> { ["code"] = code, ["message"] = message };
        }
    }
}
