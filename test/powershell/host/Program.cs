using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text;

namespace DeviceWriteback.Testing
{
    /// <summary>
    /// PowerShellHost -Serve               scripts as JSON lines on standard input, see ScenarioServer
    /// PowerShellHost -File PATH [args]    one script, rendered as text on standard output; the exit code is the script's
    /// PowerShellHost -Help ASSEMBLY DOCUMENTATION OUTPUT    makes the help of the assembly's cmdlets
    /// </summary>
    internal static class Program
    {
        private static int Main(string[] arguments)
        {
            // As on an administrator's computer: PowerShell breaks lines between words only in languages that it knows.
            CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.GetCultureInfo("en-US");
            // CreateDefault needs assemblies of the console host, which are not published as a package.
            InitialSessionState session = InitialSessionState.CreateDefault2();
            if (OperatingSystem.IsWindows()) session.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.Bypass;
            switch (arguments.FirstOrDefault())
            {
                case "-Serve":
                    ScenarioServer.Serve(session);
                    return 0;
                case "-File" when arguments.Length > 1:
                    return RunFile(session, arguments[1], arguments.Skip(2));
                case "-Help" when arguments.Length == 4:
                    HelpWriter.Write(arguments[1], arguments[2], arguments[3]);
                    return 0;
                default:
                    Console.Error.WriteLine("usage: PowerShellHost -Serve | -File PATH [arguments] | -Help ASSEMBLY DOCUMENTATION OUTPUT");
                    return 64;
            }
        }

        private static int RunFile(InitialSessionState session, string path, System.Collections.Generic.IEnumerable<string> arguments)
        {
            using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
            string columns = Environment.GetEnvironmentVariable("COLUMNS");
            int width = int.TryParse(columns, NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? Math.Max(given, 40) : 120;
            var host = new RecordingHost(Enumerable.Empty<string>(), output, width);
            using Runspace runspace = RunspaceFactory.CreateRunspace(host, session);
            runspace.Open();
            using PowerShell shell = PowerShell.Create();
            shell.Runspace = runspace;
            Console.CancelKeyPress += (sender, press) =>
            {
                press.Cancel = true;
                shell.BeginStop(null, null);
            };
            shell.AddCommand(Path.GetFullPath(path));
            foreach (string argument in arguments) shell.AddArgument(argument);
            shell.Commands.Commands[0].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
            shell.AddCommand("Out-Default");
            try
            {
                shell.Invoke();
                // `exit` of a script file that is a command of a pipeline only sets this variable.
                return host.ExitCode ?? runspace.SessionStateProxy.GetVariable("LASTEXITCODE") as int? ?? 0;
            }
            catch (PipelineStoppedException)
            {
                return 130;
            }
            catch (RuntimeException error)
            {
                ShowError(runspace, error);
                return 1;
            }
        }

        private static void ShowError(Runspace runspace, RuntimeException error)
        {
            using PowerShell shell = PowerShell.Create();
            shell.Runspace = runspace;
            shell.AddCommand("Out-Default").Invoke(new[] { error.ErrorRecord });
        }
    }
}
