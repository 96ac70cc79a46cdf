using System;
using System.IO;

namespace DeviceWriteback.Bridge
{
    /// <summary>Reads lines of bytes from a pipe, each of bounded length.</summary>
    internal sealed class LineReader
    {
        /// <summary>The protocol allows 1 MB a line; a line past this is no protocol.</summary>
        public const int MaximumLine = 4 * 1024 * 1024;

        private readonly Stream stream;
        private byte[] buffer = new byte[64 * 1024];
        private int start;
        private int end;

        public LineReader(Stream stream)
        {
            this.stream = stream;
        }

        /// <summary>The next line without its end, valid until the next call; false at the end of the stream.</summary>
        /// <exception cref="FormatException">The line is longer than MaximumLine.</exception>
        public bool Read(out ArraySegment<byte> line)
        {
            int scanned = start;
            for (; ; )
            {
                int feed = Array.IndexOf(buffer, (byte)'\n', scanned, end - scanned);
                if (feed >= 0)
                {
                    line = new ArraySegment<byte>(buffer, start, feed - start);
                    start = feed + 1;
                    return true;
                }
                scanned = end - start;
                MakeRoom();
                int count = stream.Read(buffer, end, buffer.Length - end);
                if (count <= 0)
                {
                    line = new ArraySegment<byte>(buffer, start, 0);
                    return false;
                }
                end += count;
            }
        }

        private void MakeRoom()
        {
            if (start > 0)
            {
                Buffer.BlockCopy(buffer, start, buffer, 0, end - start);
                end -= start;
                start = 0;
            }
            if (end < buffer.Length) return;
            if (buffer.Length >= MaximumLine) throw new FormatException($"The engine wrote a line of more than {MaximumLine} bytes.");
            Array.Resize(ref buffer, buffer.Length * 2);
        }
    }
}
