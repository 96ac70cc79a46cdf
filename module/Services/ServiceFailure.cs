using System;

namespace DeviceWriteback.Services
{
    /// <summary>A failure that the engine understands: its code decides what the engine says, its message is the cause in words.</summary>
    internal sealed class ServiceFailure : Exception
    {
        public ServiceFailure(string code, string message)
            : base(message)
        {
            Code = code;
        }

        /// <summary>One of the codes of HostFailureCode in src/host/failure.ts.</summary>
        public string Code { get; }
    }
}
