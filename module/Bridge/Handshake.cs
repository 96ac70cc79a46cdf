using System;
using System.Management.Automation;
using System.Threading;

namespace DeviceWriteback.Bridge
{
    /// <summary>The engine's first line, $/hello: which protocol it speaks and which Node runs it.</summary>
    internal sealed class Handshake
    {
        /// <summary>PROTOCOL_VERSION of the engine that this assembly was built with.</summary>
        public const int Protocol = 1;

        /// <summary>The oldest major version of Node that runs the engine.</summary>
        public const int OldestNode = 22;

        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        private readonly ManualResetEventSlim settled = new ManualResetEventSlim();
        private volatile WritebackException? refusal;

        /// <summary>Whether the engine may be spoken to.</summary>
        public bool IsDone => settled.IsSet && refusal == null;

        /// <summary>Takes the engine's first message.</summary>
        /// <exception cref="WritebackException">EngineIncompatible.</exception>
        public void Accept(Fields message, EngineLocation location)
        {
            Fields hello = message.Object("params");
            if (message.Text("method") != "$/hello" || !hello.Exist)
                throw Incompatible("The engine did not begin with its greeting", location.Script, null);
            if (hello.Integer("protocol") != Protocol)
            {
                string text = $"The engine {hello.Text("version")} speaks protocol {hello.Value("protocol")}, and this module speaks protocol {Protocol}";
                throw Incompatible(text, location.Script, "The parts of the module are of different versions: install it again, or in a checkout run its build.");
            }
            if (MajorVersion(hello.Text("node")) < OldestNode)
            {
                string text = $"The engine runs on Node {hello.Text("node")} from {location.Node}, and Node {OldestNode} or later is needed";
                throw Incompatible(text, location.Node, $"Set the environment variable {EngineLocation.NodeVariable} to a newer Node, or remove it to use the one of the module.");
            }
            settled.Set();
        }

        public void Fail(WritebackException reason)
        {
            if (settled.IsSet) return;
            refusal = reason;
            settled.Set();
        }

        /// <exception cref="WritebackException">The engine was refused, ended, or said nothing.</exception>
        public void Wait(CancellationToken token)
        {
            if (!settled.Wait((int)Patience.TotalMilliseconds, token))
                throw Incompatible($"The engine said nothing for {Patience.TotalSeconds} seconds", null, "Run the command again; if it happens again, see what keeps Node from starting.");
            if (refusal != null) throw refusal;
        }

        private static int MajorVersion(string? version)
        {
            string digits = (version ?? "").TrimStart('v').Split('.')[0];
            return int.TryParse(digits, out int major) ? major : 0;
        }

        private static WritebackException Incompatible(string text, string? target, string? remedy)
        {
            string advice = remedy ?? "Install the module again, or in a checkout run its build.";
            return new WritebackException("EngineIncompatible", ErrorCategory.InvalidOperation, $"{text}.", advice, target);
        }
    }
}
