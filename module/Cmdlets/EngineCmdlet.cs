using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>
    /// A cmdlet whose work the engine does. It turns the engine's messages into PowerShell's streams, on the pipeline
    /// thread, and a stop of the pipeline into a cancel of the call.
    /// </summary>
    public abstract class EngineCmdlet : PSCmdlet, IDisposable
    {
        private const int CreditStep = 1024;

        /// <summary>How long a stopped pipeline waits for the engine to finish its write and its report.</summary>
        private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1.8);

        // Never disposed: a stop may still arrive when the cmdlet has been.
        private readonly CancellationTokenSource stop = new CancellationTokenSource();
        private EngineCall? running;
        private string? handle;
        private bool progressShown;

        /// <summary>Drops the plan that the engine keeps for this cmdlet.</summary>
        public void Dispose()
        {
            Release();
            GC.SuppressFinalize(this);
        }

        /// <summary>Stops the call that is running.</summary>
        protected override void StopProcessing()
        {
            stop.Cancel();
            Volatile.Read(ref running)?.Cancel();
        }

        /// <summary>Calls the engine and returns its result; an error of the engine ends the cmdlet.</summary>
        /// <param name="method">One of METHODS of the protocol.</param>
        /// <param name="parameters">Its parameters.</param>
        /// <param name="kind">The kind of the outputs that the call streams.</param>
        /// <param name="output">Takes each of them.</param>
        private protected Fields Call(string method, IReadOnlyDictionary<string, object?> parameters, string? kind = null, Action<Fields>? output = null)
        {
            try
            {
                return Run(method, parameters, kind, output);
            }
            catch (WritebackException error)
            {
                ThrowTerminatingError(error.ToErrorRecord());
                throw;
            }
            catch (OperationCanceledException)
            {
                throw new PipelineStoppedException();
            }
        }

        /// <summary>Remembers what the engine keeps for this cmdlet, so that it is released with it.</summary>
        private protected string? Keep(Fields result)
        {
            handle = result.Text("handle");
            return handle;
        }

        private protected void Release()
        {
            if (handle == null) return;
            EngineProcess.Tell("release", new Dictionary<string, object?> { ["handle"] = handle });
            handle = null;
        }

        /// <summary>Asks PowerShell whether to do it: -WhatIf, -Confirm and their preference variables.</summary>
        private protected bool Approve(string target, string action, string? sentence, out bool whatIf)
        {
            string operation = $"Performing the operation \"{action}\" on target \"{target}\".";
            string text = string.IsNullOrEmpty(sentence) ? operation : $"{operation} {sentence}";
            string question = $"Are you sure you want to perform this action?{Environment.NewLine}{text}";
            bool approved = ShouldProcess(text, question, "Confirm", out ShouldProcessReason reason);
            whatIf = reason == ShouldProcessReason.WhatIf;
            return approved;
        }

        private Fields Run(string method, IReadOnlyDictionary<string, object?> parameters, string? kind, Action<Fields>? output)
        {
            EngineCall call = EngineProcess.Begin(method, WithLevels(parameters), stop.Token);
            Volatile.Write(ref running, call);
            try
            {
                // StopProcessing may have come before the call was there to be cancelled.
                if (stop.IsCancellationRequested) call.Cancel();
                return TakeAll(call, kind, output);
            }
            catch (WritebackException)
            {
                throw;
            }
            catch (Exception)
            {
                // The pipeline ends: stopped, satisfied downstream, or an error that was told to stop it.
                if (!stop.IsCancellationRequested) call.Cancel();
                AwaitEnd(call);
                throw;
            }
            finally
            {
                Volatile.Write(ref running, null);
                call.Close();
                CompleteProgress();
            }
        }

        /// <summary>Asks for the verbose and debug lines that PowerShell will show: the engine makes no others.</summary>
        private Dictionary<string, object?> WithLevels(IReadOnlyDictionary<string, object?> parameters)
        {
            var all = parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value);
            bool? debug = Bound("Debug");
            // -Debug shows the verbose lines too.
            if (Bound("Verbose") ?? (debug == true || IsShown("VerbosePreference"))) all["verbose"] = true;
            if (debug ?? IsShown("DebugPreference")) all["debug"] = true;
            return all;
        }

        private protected bool? Bound(string parameter)
        {
            return MyInvocation.BoundParameters.TryGetValue(parameter, out object? given) ? LanguagePrimitives.IsTrue(given) : (bool?)null;
        }

        private bool IsShown(string preference)
        {
            bool known = LanguagePrimitives.TryConvertTo(GetVariableValue(preference), out ActionPreference action);
            return known && action != ActionPreference.SilentlyContinue && action != ActionPreference.Ignore;
        }

        private Fields TakeAll(EngineCall call, string? kind, Action<Fields>? output)
        {
            int taken = 0;
            for (; ; )
            {
                Fields message = call.Take(stop.Token);
                Fields parameters = message.Object("params");
                switch (message.Text("method"))
                {
                    case null:
                        if (message.Has("error")) throw EngineError(message.Object("error"));
                        return message.Object("result");
                    case "$/output":
                        object?[] items = parameters.List("items");
                        if (parameters.Text("kind") == kind) foreach (object? item in items) output?.Invoke(new Fields(item));
                        taken += items.Length;
                        if (taken < CreditStep) break;
                        call.Credit(taken);
                        taken = 0;
                        break;
                    case "$/progress": ShowProgress(parameters); break;
                    case "$/log": WriteLog(parameters); break;
                    case "$/error": WriteError(WritebackException.FromEngine(parameters.Object("error")).ToErrorRecord()); break;
                }
            }
        }

        /// <summary>Waits a short while for the answer to the cancel, so that what was begun is finished and reported.</summary>
        private static void AwaitEnd(EngineCall call)
        {
            var waited = Stopwatch.StartNew();
            try
            {
                for (; ; )
                {
                    TimeSpan left = StopPatience - waited.Elapsed;
                    if (left <= TimeSpan.Zero) return;
                    using (var patience = new CancellationTokenSource(left))
                    {
                        Fields message = call.Take(patience.Token);
                        if (message.Text("method") == null) return;
                        if (message.Text("method") == "$/output") call.Credit(message.Object("params").List("items").Length);
                    }
                }
            }
            catch (Exception error) when (error is OperationCanceledException || error is WritebackException)
            {
                // Time is up or the engine has died: the next run finds what this one left.
            }
        }

        private static WritebackException EngineError(Fields error)
        {
            return WritebackException.FromEngine(error.Object("data"), error.Text("message"));
        }

        private void WriteLog(Fields log)
        {
            string message = log.Text("message") ?? "";
            switch (log.Text("level"))
            {
                case "warning": WriteWarning(message); break;
                case "verbose": WriteVerbose(message); break;
                default: WriteDebug(message); break;
            }
        }

        private void ShowProgress(Fields progress)
        {
            progressShown = true;
            WriteProgress(Progress(progress.Text("activity"), progress.Text("status"), progress.Integer("percent"), ProgressRecordType.Processing));
        }

        private void CompleteProgress()
        {
            if (!progressShown || Stopping) return;
            progressShown = false;
            WriteProgress(Progress(null, null, -1, ProgressRecordType.Completed));
        }

        private static ProgressRecord Progress(string? activity, string? status, int percent, ProgressRecordType type)
        {
            // PowerShell refuses an empty text.
            string shown = string.IsNullOrEmpty(activity) ? "DeviceWriteback" : activity!;
            return new ProgressRecord(1, shown, string.IsNullOrEmpty(status) ? " " : status!)
            {
                PercentComplete = Math.Max(-1, Math.Min(100, percent)),
                RecordType = type,
            };
        }
    }
}
