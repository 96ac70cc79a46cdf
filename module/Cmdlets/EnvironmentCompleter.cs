using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace DeviceWriteback
{
    /// <summary>Completes the names of the Microsoft clouds.</summary>
    public sealed class EnvironmentCompleter : IArgumentCompleter
    {
        private static readonly string[] Names = { "Global", "USGov", "USGovDoD", "China" };

        /// <inheritdoc />
        public IEnumerable<CompletionResult> CompleteArgument(
            string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
        {
            return Names
                .Where(name => name.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase))
                .Select(name => new CompletionResult(name));
        }
    }
}
