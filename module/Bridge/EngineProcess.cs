using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Management.Automation;
using System.Threading;

namespace DeviceWriteback.Bridge
{
    /// <summary>
    /// The engine: one Node child of this process, shared by its runspaces. It is started by the first call, replaced by
    /// the next call when it has died, and ended when nobody has called for IdleLimit or this process ends, which closes
    /// its standard input. Remove-Module does not end it: other runspaces may be using it.
    /// </summary>
    internal sealed class EngineProcess
    {
        /// <summary>How long an engine may live without a call.</summary>
        internal static TimeSpan IdleLimit = TimeSpan.FromMinutes(15);

        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
        private static readonly object Gate = new object();
        private static EngineProcess? shared;
        private static long lastId;

        private readonly ConcurrentDictionary<long, EngineCall> calls = new ConcurrentDictionary<long, EngineCall>();
        private readonly EngineLocation location;
        private readonly Process process;
        private readonly ErrorTail errors;
        private readonly Outbox outbox;
        private readonly HostRequests hostRequests;
        private readonly Handshake handshake = new Handshake();
        private readonly JsonReader json = new JsonReader();
        private readonly Timer idle;
        private volatile WritebackException? lost;

        private EngineProcess(EngineLocation location)
        {
            this.location = location;
            process = StartProcess(location);
            errors = new ErrorTail(process);
            outbox = new Outbox(process.StandardInput.BaseStream);
            hostRequests = new HostRequests(outbox);
            idle = new Timer(_ => EndIfIdle());
            new Thread(ReadAll) { IsBackground = true, Name = "DeviceWriteback reader" }.Start();
        }

        private bool Usable => lost == null && !process.HasExited;

        /// <summary>Sends a request to the engine, which is started if there is none.</summary>
        /// <exception cref="WritebackException">EngineMissing, EngineIncompatible or EngineLost.</exception>
        /// <exception cref="OperationCanceledException">The token fired before the engine was ready.</exception>
        public static EngineCall Begin(string method, IReadOnlyDictionary<string, object?> parameters, CancellationToken token)
        {
            EngineCall call;
            EngineProcess engine;
            lock (Gate)
            {
                if (shared == null || !shared.Usable) shared = new EngineProcess(EngineLocation.Find());
                engine = shared;
                call = engine.AddCall();
            }
            try
            {
                engine.handshake.Wait(token);
            }
            catch
            {
                call.Close();
                throw;
            }
            engine.Request(call.Id, method, parameters);
            return call;
        }

        /// <summary>Sends a request whose answer nobody waits for, if the engine is alive.</summary>
        public static void Tell(string method, IReadOnlyDictionary<string, object?> parameters)
        {
            lock (Gate)
            {
                if (shared != null && shared.Usable) shared.Request(Interlocked.Increment(ref lastId), method, parameters);
            }
        }

        public void Notify(string method, IReadOnlyDictionary<string, object?> parameters)
        {
            outbox.Post(new Dictionary<string, object?> { ["jsonrpc"] = "2.0", ["method"] = method, ["params"] = parameters });
        }

        public void Forget(EngineCall call)
        {
            lock (Gate)
            {
                calls.TryRemove(call.Id, out _);
                if (calls.IsEmpty && lost == null) idle.Change(IdleLimit, Timeout.InfiniteTimeSpan);
            }
        }

        private static Process StartProcess(EngineLocation location)
        {
            try
            {
                return Process.Start(location.StartInfo())!;
            }
            catch (Exception error) when (error is Win32Exception || error is InvalidOperationException)
            {
                throw new WritebackException(
                    "EngineMissing",
                    ErrorCategory.NotInstalled,
                    $"Node could not be started from {location.Node}: {error.Message.TrimEnd('.')}.",
                    "See that the file is an executable for this computer and that this account and its application control policy may run it.",
                    location.Node);
            }
        }

        private EngineCall AddCall()
        {
            var call = new EngineCall(this, Interlocked.Increment(ref lastId));
            calls[call.Id] = call;
            idle.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return call;
        }

        private void Request(long id, string method, IReadOnlyDictionary<string, object?> parameters)
        {
            outbox.Post(new Dictionary<string, object?>
            {
                ["jsonrpc"] = "2.0",
                ["id"] = id,
                ["method"] = method,
                ["params"] = parameters,
            });
        }

        private void EndIfIdle()
        {
            lock (Gate)
            {
                if (!calls.IsEmpty) return;
                if (shared == this) shared = null;
                outbox.Close();
            }
        }

        private void ReadAll()
        {
            WritebackException reason;
            try
            {
                var lines = new LineReader(process.StandardOutput.BaseStream);
                while (lines.Read(out ArraySegment<byte> line)) Dispatch(line);
                reason = Ended();
            }
            catch (WritebackException error)
            {
                reason = error;
            }
            catch (Exception error) when (error is IOException || error is FormatException || error is ObjectDisposedException)
            {
                reason = EngineLost($"The engine's output could not be read: {error.Message}", null);
            }
            End(reason);
        }

        private void Dispatch(ArraySegment<byte> line)
        {
            if (line.Count == 0) return;
            Fields message = ParseLine(line);
            if (!message.Exist) return;
            string? method = message.Text("method");
            if (!handshake.IsDone)
            {
                handshake.Accept(message, location);
            }
            else if (method != null && message.Has("id"))
            {
                hostRequests.Add(message);
            }
            else
            {
                object? id = method == null ? message.Value("id") : message.Object("params").Value("id");
                if (id is long number && calls.TryGetValue(number, out EngineCall? call)) call.Add(message);
            }
        }

        /// <summary>A line that is no protocol comes from code that writes to standard output on its own: debug text.</summary>
        private Fields ParseLine(ArraySegment<byte> line)
        {
            try
            {
                var message = new Fields(json.Read(line.Array!, line.Offset, line.Count));
                if (message.Exist) return message;
            }
            catch (FormatException)
            {
                // Told below, like a JSON text that is no object.
            }
            string text = System.Text.Encoding.UTF8.GetString(line.Array!, line.Offset, Math.Min(line.Count, 1000)).TrimEnd();
            foreach (EngineCall call in calls.Values) call.Add(Log("debug", $"The engine wrote: {text}"));
            return default;
        }

        private static Fields Log(string level, string message)
        {
            var parameters = new Dictionary<string, object?> { ["level"] = level, ["message"] = message };
            return new Fields(new Dictionary<string, object?> { ["method"] = "$/log", ["params"] = parameters });
        }

        private WritebackException Ended()
        {
            string ending = process.WaitForExit((int)Patience.TotalMilliseconds) ? $"with exit code {process.ExitCode}" : "its output";
            string tail = errors.Text(Patience);
            if (!handshake.IsDone && !File.Exists(location.Script))
            {
                return new WritebackException(
                    "EngineMissing",
                    ErrorCategory.NotInstalled,
                    $"The engine is missing: there is no file {location.Script}.",
                    "Install the module again, or in a checkout run its build.",
                    location.Script,
                    tail);
            }
            string last = tail.Length == 0 ? "It wrote no error." : $"Its last words: {tail}";
            return EngineLost($"The engine ended {ending} {(handshake.IsDone ? "before it answered" : "before it was ready")}. {last}", tail);
        }

        private WritebackException EngineLost(string message, string? detail)
        {
            return new WritebackException(
                "EngineLost",
                ErrorCategory.ProtocolError,
                message,
                "Run the command again, which starts a new engine; what was written before is found by the next run.",
                location.Script,
                detail);
        }

        /// <summary>Every call learns why; the process ends, whatever state it was in.</summary>
        private void End(WritebackException reason)
        {
            lock (Gate)
            {
                lost = reason;
                if (shared == this) shared = null;
                foreach (EngineCall call in calls.Values) call.Fail(reason);
                idle.Dispose();
            }
            handshake.Fail(reason);
            hostRequests.Close();
            outbox.Close();
            if (process.WaitForExit((int)Patience.TotalMilliseconds)) return;
            try
            {
                process.Kill();
            }
            catch (Exception error) when (error is InvalidOperationException || error is Win32Exception)
            {
                // It ended by itself meanwhile.
            }
        }
    }
}
