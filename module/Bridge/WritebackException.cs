using System;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>An error of DeviceWriteback: what was being done, to which object, and what the other side answered.</summary>
    public sealed class WritebackException : Exception
    {
        /// <summary>Makes an error of the module itself.</summary>
        public WritebackException(string code, ErrorCategory category, string message, string remedy, string? target = null, string? detail = null)
            : base(message)
        {
            Code = code;
            Category = category;
            Remedy = remedy;
            Target = target;
            Detail = detail;
        }

        /// <summary>The error code; also the first part of FullyQualifiedErrorId.</summary>
        public string Code { get; }

        /// <summary>The category that the error record carries.</summary>
        public ErrorCategory Category { get; }

        /// <summary>What to do about it.</summary>
        public string Remedy { get; }

        /// <summary>The object that the error is about: a distinguished name, a host, a file, a device id.</summary>
        public string? Target { get; }

        /// <summary>The other side's own words, or the technical cause.</summary>
        public string? Detail { get; }

        /// <summary>The error that the engine sent: the ErrorData of the protocol.</summary>
        internal static WritebackException FromEngine(Fields error, string? message = null)
        {
            bool known = Enum.TryParse(error.Text("category"), out ErrorCategory category);
            return new WritebackException(
                error.Text("code") ?? "EngineFault",
                known ? category : ErrorCategory.InvalidResult,
                error.Text("message") ?? message ?? "The engine answered with an error without a text.",
                error.Text("remedy") ?? "Report it with the command that was run.",
                error.Text("target"),
                error.Text("detail"));
        }

        /// <summary>
        /// The record that PowerShell shows: one line, the message followed by the remedy. RecommendedAction stays empty:
        /// PowerShell 7 would show the remedy a second time, and Windows PowerShell shows nothing but this line.
        /// </summary>
        internal ErrorRecord ToErrorRecord()
        {
            string line = $"{Message} {Remedy}".Replace("\r\n", " ").Replace('\n', ' ').Replace('\r', ' ');
            return new ErrorRecord(this, Code, Category, Target) { ErrorDetails = new ErrorDetails(line) };
        }
    }
}
