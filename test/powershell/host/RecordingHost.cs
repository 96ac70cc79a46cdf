using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace DeviceWriteback.Testing
{
    /// <summary>A PowerShell host without a screen: it keeps or echoes what is written and answers prompts from a list.</summary>
    public sealed class RecordingHost : PSHost
    {
        private readonly RecordingUi ui;

        public RecordingHost(IEnumerable<string> answers, TextWriter echo, int width)
        {
            ui = new RecordingUi(answers, echo, width);
        }

        public override CultureInfo CurrentCulture { get; } = CultureInfo.GetCultureInfo("en-US");

        public override CultureInfo CurrentUICulture { get; } = CultureInfo.GetCultureInfo("en-US");

        public override Guid InstanceId { get; } = Guid.NewGuid();

        public override string Name => "RecordingHost";

        public override PSHostUserInterface UI => ui;

        public override Version Version { get; } = new Version(1, 0);

        /// <summary>What `exit` gave, null if the script did not exit.</summary>
        public int? ExitCode { get; private set; }

        /// <summary>Lines "kind: text" in the order in which they were written.</summary>
        public IReadOnlyList<string> Lines => ui.Lines;

        public override void EnterNestedPrompt() => throw new NotSupportedException();

        public override void ExitNestedPrompt() => throw new NotSupportedException();

        public override void NotifyBeginApplication()
        {
        }

        public override void NotifyEndApplication()
        {
        }

        public override void SetShouldExit(int exitCode) => ExitCode = exitCode;
    }

    internal sealed class RecordingUi : PSHostUserInterface
    {
        private readonly Queue<string> answers;
        private readonly TextWriter echo;
        private readonly List<string> lines = new List<string>();
        private string open = "";

        public RecordingUi(IEnumerable<string> answers, TextWriter echo, int width)
        {
            this.answers = new Queue<string>(answers);
            this.echo = echo;
            RawUI = new RecordingRawUi(width);
        }

        public override PSHostRawUserInterface RawUI { get; }

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (lines) return lines.ToArray();
            }
        }

        public override void Write(string value)
        {
            lock (lines) open += value;
        }

        public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(value);

        public override void WriteLine(string value)
        {
            string text;
            lock (lines)
            {
                text = open + value;
                open = "";
            }
            Add("host", text, text);
        }

        public override void WriteErrorLine(string value) => Add("error", value, value);

        public override void WriteDebugLine(string message) => Add("debug", message, "DEBUG: " + message);

        public override void WriteVerboseLine(string message) => Add("verbose", message, "VERBOSE: " + message);

        public override void WriteWarningLine(string message) => Add("warning", message, "WARNING: " + message);

        public override void WriteProgress(long sourceId, ProgressRecord record)
        {
        }

        public override string ReadLine() => answers.Count > 0 ? answers.Dequeue() : throw new PSInvalidOperationException("Nobody answers.");

        public override SecureString ReadLineAsSecureString()
        {
            var secret = new SecureString();
            foreach (char c in ReadLine()) secret.AppendChar(c);
            return secret;
        }

        public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions)
        {
            Add("prompt", caption + "|" + message, message);
            return descriptions.ToDictionary(field => field.Name, field => PSObject.AsPSObject(ReadLine()));
        }

        public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
        {
            Add("choice", caption + "|" + message, caption + Environment.NewLine + message);
            string answer = ReadLine();
            for (int i = 0; i < choices.Count; i++)
            {
                if (choices[i].Label.Replace("&", "").Equals(answer, StringComparison.OrdinalIgnoreCase)) return i;
            }
            throw new PSInvalidOperationException("No choice is called " + answer + ".");
        }

        public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName)
        {
            return new PSCredential(string.IsNullOrEmpty(userName) ? ReadLine() : userName, ReadLineAsSecureString());
        }

        public override PSCredential PromptForCredential(
            string caption, string message, string userName, string targetName, PSCredentialTypes types, PSCredentialUIOptions options)
        {
            return PromptForCredential(caption, message, userName, targetName);
        }

        /// <summary>Without colours: a host is handed decorated text and removes what it cannot show.</summary>
        private static string Plain(string text) => new System.Management.Automation.Internal.StringDecorated(text).ToString(OutputRendering.PlainText);

        private void Add(string kind, string text, string shown)
        {
            lock (lines) lines.Add(kind + ": " + Plain(text));
            echo?.WriteLine(Plain(shown));
        }
    }

    internal sealed class RecordingRawUi : PSHostRawUserInterface
    {
        public RecordingRawUi(int width)
        {
            BufferSize = new Size(width, 3000);
            WindowSize = new Size(width, 50);
        }

        public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;

        public override Size BufferSize { get; set; }

        public override Coordinates CursorPosition { get; set; }

        public override int CursorSize { get; set; } = 25;

        public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.Gray;

        public override bool KeyAvailable => false;

        public override Size MaxPhysicalWindowSize => WindowSize;

        public override Size MaxWindowSize => WindowSize;

        public override Coordinates WindowPosition { get; set; }

        public override Size WindowSize { get; set; }

        public override string WindowTitle { get; set; } = "";

        public override void FlushInputBuffer()
        {
        }

        public override BufferCell[,] GetBufferContents(Rectangle rectangle) => new BufferCell[0, 0];

        public override KeyInfo ReadKey(ReadKeyOptions options) => throw new NotSupportedException();

        public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill)
        {
        }

        public override void SetBufferContents(Coordinates origin, BufferCell[,] contents)
        {
        }

        public override void SetBufferContents(Rectangle rectangle, BufferCell fill)
        {
        }
    }
}
