using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace DeviceWriteback.Testing
{
    /// <summary>
    /// Runs scripts that arrive one a line as JSON, each in a new runspace, and answers one line each with everything that
    /// the script gave. A request is { id, script, answers?, stopAfterMs?, stopWhen?: { stream, text } }.
    /// Streams of stopWhen: progress, verbose, warning, output.
    /// </summary>
    public static class ScenarioServer
    {
        public static void Serve(InitialSessionState session)
        {
            using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
            using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
            Console.SetOut(TextWriter.Null);
            var scenarios = new List<Task>();
            for (string line; (line = input.ReadLine()) != null;)
            {
                JsonNode request = JsonNode.Parse(line);
                scenarios.Add(Task.Factory.StartNew(
                    () =>
                    {
                        string answer = new Scenario(request, session.Clone()).Run().ToJsonString();
                        lock (output) output.WriteLine(answer);
                    },
                    TaskCreationOptions.LongRunning));
            }
            Task.WaitAll(scenarios.ToArray());
        }
    }

    internal sealed class Scenario
    {
        private readonly JsonNode request;
        private readonly InitialSessionState session;
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private double stoppedAt = -1;
        private int stopping;

        public Scenario(JsonNode request, InitialSessionState session)
        {
            this.request = request;
            this.session = session;
        }

        public JsonObject Run()
        {
            string[] answers = (request["answers"] as JsonArray ?? new JsonArray()).Select(answer => (string)answer).ToArray();
            var host = new RecordingHost(answers, null, 120);
            using Runspace runspace = RunspaceFactory.CreateRunspace(host, session);
            runspace.Open();
            using PowerShell shell = PowerShell.Create();
            shell.Runspace = runspace;
            shell.AddScript((string)request["script"], useLocalScope: false);
            var input = new PSDataCollection<PSObject>();
            input.Complete();
            var output = new PSDataCollection<PSObject>();
            WatchForStop(shell, output);
            JsonNode terminating = null;
            double began = clock.Elapsed.TotalMilliseconds;
            using Timer timer = StopTimer(shell);
            try
            {
                shell.Invoke(input, output);
            }
            catch (RuntimeException error)
            {
                terminating = ObjectJson.FromError(error.ErrorRecord);
            }
            double ended = clock.Elapsed.TotalMilliseconds;
            PSDataStreams streams = shell.Streams;
            return new JsonObject
            {
                ["id"] = request["id"]?.DeepClone(),
                ["output"] = List(output, one => ObjectJson.From(one)),
                ["errors"] = List(streams.Error, ObjectJson.FromError),
                ["terminating"] = terminating,
                ["verbose"] = List(streams.Verbose, one => one.Message),
                ["warnings"] = List(streams.Warning, one => one.Message),
                ["debug"] = List(streams.Debug, one => one.Message),
                ["information"] = List(streams.Information, one => one.MessageData?.ToString()),
                ["progress"] = List(streams.Progress, one => new JsonObject
                {
                    ["activity"] = one.Activity,
                    ["status"] = one.StatusDescription,
                    ["percent"] = one.PercentComplete,
                    ["type"] = one.RecordType.ToString(),
                }),
                ["host"] = List(host.Lines, one => one),
                ["state"] = shell.InvocationStateInfo.State.ToString(),
                ["milliseconds"] = Math.Round(ended - began, 1),
                ["stopMilliseconds"] = stoppedAt < 0 ? null : Math.Round(ended - stoppedAt, 1),
            };
        }

        private static JsonArray List<T>(IEnumerable<T> values, Func<T, JsonNode> json)
        {
            return new JsonArray(values.ToArray().Select(json).ToArray());
        }

        private Timer StopTimer(PowerShell shell)
        {
            return request["stopAfterMs"] is JsonNode delay ? new Timer(_ => Stop(shell), null, (int)delay, Timeout.Infinite) : null;
        }

        private void WatchForStop(PowerShell shell, PSDataCollection<PSObject> output)
        {
            if (request["stopWhen"] is not JsonNode condition) return;
            string text = (string)condition["text"];
            void Watch<T>(PSDataCollection<T> stream, Func<T, string> read)
            {
                stream.DataAdded += (sender, added) =>
                {
                    if ((read(stream[added.Index]) ?? "").Contains(text)) Stop(shell);
                };
            }
            switch ((string)condition["stream"])
            {
                case "progress": Watch(shell.Streams.Progress, one => one.Activity + " " + one.StatusDescription); break;
                case "verbose": Watch(shell.Streams.Verbose, one => one.Message); break;
                case "warning": Watch(shell.Streams.Warning, one => one.Message); break;
                case "output": Watch(output, one => one.ToString()); break;
                default: throw new ArgumentException("stopWhen.stream is not a stream that can be watched.");
            }
        }

        /// <summary>As Ctrl+C does: from another thread.</summary>
        private void Stop(PowerShell shell)
        {
            if (Interlocked.Exchange(ref stopping, 1) == 1) return;
            stoppedAt = clock.Elapsed.TotalMilliseconds;
            Task.Run(shell.Stop);
        }
    }
}
