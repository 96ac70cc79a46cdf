using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// One request in flight. The reader adds what belongs to it, the pipeline thread takes it. The queue is unbounded,
    /// because a bounded one would stop the reader and with it every other call; the credit bounds it.
    /// </summary>
    internal sealed class EngineCall
    {
        private readonly BlockingCollection<Fields> queue = new BlockingCollection<Fields>();
        private readonly EngineProcess engine;
        private WritebackException? failure;

        public EngineCall(EngineProcess engine, long id)
        {
            this.engine = engine;
            Id = id;
        }

        public long Id { get; }

        /// <summary>The next message of this call.</summary>
        /// <exception cref="WritebackException">The engine ended before it answered.</exception>
        /// <exception cref="OperationCanceledException">The token fired.</exception>
        public Fields Take(CancellationToken token)
        {
            if (queue.TryTake(out Fields message, Timeout.Infinite, token)) return message;
            throw failure ?? new WritebackException(
                "EngineLost",
                System.Management.Automation.ErrorCategory.ProtocolError,
                "The call was closed before the engine answered.",
                "Run the command again.");
        }

        public void Add(Fields message)
        {
            try
            {
                queue.Add(message);
            }
            catch (InvalidOperationException)
            {
                // The cmdlet has gone: what comes late is dropped.
            }
        }

        public void Fail(WritebackException reason)
        {
            failure = reason;
            queue.CompleteAdding();
        }

        /// <summary>Lets the engine send so many more outputs.</summary>
        public void Credit(int count)
        {
            engine.Notify("$/credit", new Dictionary<string, object?> { ["id"] = Id, ["n"] = count });
        }

        public void Cancel()
        {
            engine.Notify("$/cancel", new Dictionary<string, object?> { ["id"] = Id });
        }

        public void Close()
        {
            queue.CompleteAdding();
            engine.Forget(this);
        }
    }
}
