using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;

namespace DeviceWriteback.Bridge
{
    /// <summary>Drains a process's standard error and keeps its last part, which is shown only if the process dies.</summary>
    internal sealed class ErrorTail
    {
        private const int MaximumLength = 4096;

        private readonly StringBuilder tail = new StringBuilder();
        private readonly StreamReader reader;
        private readonly Thread thread;

        public ErrorTail(Process process)
        {
            reader = process.StandardError;
            thread = new Thread(Drain) { IsBackground = true, Name = "DeviceWriteback stderr" };
            thread.Start();
        }

        /// <summary>The last part, once the process has ended; waits for it at most so long.</summary>
        public string Text(TimeSpan patience)
        {
            thread.Join(patience);
            lock (tail) return tail.ToString().Trim();
        }

        private void Drain()
        {
            var chunk = new char[1024];
            try
            {
                for (int count; (count = reader.Read(chunk, 0, chunk.Length)) > 0;) Keep(chunk, count);
            }
            catch (IOException)
            {
                // The pipe broke with the process.
            }
        }

        private void Keep(char[] chunk, int count)
        {
            lock (tail)
            {
                tail.Append(chunk, 0, count);
                if (tail.Length > MaximumLength) tail.Remove(0, tail.Length - MaximumLength);
            }
        }
    }
}
