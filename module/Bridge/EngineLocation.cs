using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;

namespace DeviceWriteback.Bridge
{
    /// <summary>Where Node and the engine lie. PATH is never searched: an account must not run code that PATH names.</summary>
    internal sealed class EngineLocation
    {
        /// <summary>Environment variable that names another Node, as a full path.</summary>
        public const string NodeVariable = "DEVICEWRITEBACK_NODE";

        /// <summary>
        /// Keeps each half of the space for new objects to so many MiB. Left alone, Node lets it grow on a large machine to more than the rows of
        /// a million devices take, and saves little by it.
        /// </summary>
        private const string NewSpaceOption = "--max-semi-space-size=16";

        private EngineLocation(string node, string script, string folder)
        {
            Node = node;
            Script = script;
            Folder = folder;
        }

        public string Node { get; }

        public string Script { get; }

        /// <summary>The module folder, which is the engine's working folder.</summary>
        public string Folder { get; }

        /// <exception cref="WritebackException">EngineMissing: there is no Node where one may be.</exception>
        public static EngineLocation Find()
        {
            string bin = Path.GetDirectoryName(typeof(EngineLocation).Assembly.Location)!;
            string folder = Path.GetDirectoryName(bin)!;
            return new EngineLocation(FindNode(bin, folder), Path.Combine(bin, "engine", "engine.mjs"), folder);
        }

        /// <summary>
        /// How to start the engine: all three streams redirected, and an environment in which no inherited variable can
        /// name code or settings for Node.
        /// </summary>
        public ProcessStartInfo StartInfo()
        {
            var start = new ProcessStartInfo(Node, $"{NewSpaceOption} {Quote(Script)}")
            {
                UseShellExecute = false,
                CreateNoWindow = true,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardErrorEncoding = new UTF8Encoding(false),
                WorkingDirectory = Folder,
            };
            foreach (string name in start.Environment.Keys.Where(IsNodeVariable).ToList()) start.Environment.Remove(name);
            return start;
        }

        private static bool IsNodeVariable(string name)
        {
            return name.StartsWith("NODE_", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("EDGE_", StringComparison.OrdinalIgnoreCase);
        }

        private static string FindNode(string bin, string folder)
        {
            string? named = Environment.GetEnvironmentVariable(NodeVariable);
            if (!string.IsNullOrEmpty(named))
            {
                if (Path.IsPathRooted(named) && File.Exists(named)) return named!;
                throw new WritebackException(
                    "EngineMissing",
                    ErrorCategory.NotInstalled,
                    $"The environment variable {NodeVariable} names {named}, which is not a file given by its full path.",
                    "Set it to the full path of a Node executable, version 22 or later, or remove it.",
                    named);
            }
            string? found = Candidates(bin, folder).FirstOrDefault(File.Exists);
            if (found != null) return found;
            throw new WritebackException(
                "EngineMissing",
                ErrorCategory.NotInstalled,
                $"There is no Node executable in {Path.Combine(bin, "node")}.",
                $"Install the module again, in a checkout run its build, or set the environment variable {NodeVariable} to the full path of Node 22 or later.",
                Path.Combine(bin, "node"));
        }

        private static IEnumerable<string> Candidates(string bin, string folder)
        {
            foreach (string name in new[] { "node.exe", "node" })
            {
                yield return Path.Combine(bin, "node", name);
                yield return Path.Combine(bin, name);
                yield return Path.Combine(Path.GetDirectoryName(folder) ?? folder, "node_modules", "node", "bin", name);
            }
        }

        /// <summary>One argument: netstandard2.0 has no list of arguments. A path ends in no backslash, so quotes are enough.</summary>
        private static string Quote(string path)
        {
            return "\"" + path.Replace("\"", "\\\"") + "\"";
        }
    }
}
