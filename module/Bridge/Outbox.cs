using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Threading;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// The one way to the engine: a queue and a thread that writes. Whoever posts never waits, so that the reader of the
    /// engine's output can post while the engine blocks on its own output. A line is made just before it is written.
    /// </summary>
    internal sealed class Outbox
    {
        private readonly BlockingCollection<IReadOnlyDictionary<string, object?>> queue =
            new BlockingCollection<IReadOnlyDictionary<string, object?>>();

        private readonly Stream stream;

        public Outbox(Stream stream)
        {
            this.stream = stream;
            new Thread(WriteAll) { IsBackground = true, Name = "DeviceWriteback writer" }.Start();
        }

        /// <summary>Posts one message; after Close it goes nowhere.</summary>
        public void Post(IReadOnlyDictionary<string, object?> message)
        {
            try
            {
                queue.Add(message);
            }
            catch (InvalidOperationException)
            {
                // Closed: the engine is ending, and the calls that are open learn it from the reader.
            }
        }

        /// <summary>Closes the engine's input once everything posted is written.</summary>
        public void Close()
        {
            queue.CompleteAdding();
        }

        private void WriteAll()
        {
            try
            {
                foreach (IReadOnlyDictionary<string, object?> message in queue.GetConsumingEnumerable())
                    JsonWriter.WriteLine(stream, message);
                stream.Dispose();
            }
            catch (Exception error) when (error is IOException || error is ObjectDisposedException)
            {
                // The engine has closed its input: the reader sees its end and says so.
            }
            finally
            {
                queue.CompleteAdding();
            }
        }
    }
}
