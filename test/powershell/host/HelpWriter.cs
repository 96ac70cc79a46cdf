using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace DeviceWriteback.Testing
{
    /// <summary>
    /// Makes the help of compiled cmdlets (MAML) from the assembly and its XML documentation: summary is the synopsis, the
    /// paragraphs of remarks the description, and each example holds code and a paragraph. What is missing is an error.
    /// </summary>
    internal sealed class HelpWriter
    {
        private static readonly XNamespace Help = "http://msh";
        private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
        private static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
        private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

        private static readonly Dictionary<string, string> ShouldProcessParameters = new Dictionary<string, string>
        {
            ["WhatIf"] = "Shows what would happen. Nothing is written.",
            ["Confirm"] = "Asks before each change.",
        };

        /// <summary>What a cmdlet gives by types that are not its own.</summary>
        private static readonly Dictionary<string, string> ForeignTypes = new Dictionary<string, string>
        {
            ["System.Boolean"] = "True or false.",
            ["System.IO.FileInfo"] = "The file that was written.",
        };

        private readonly Dictionary<string, XElement> members;

        private HelpWriter(string documentation)
        {
            members = XDocument.Load(documentation).Descendants("member").ToDictionary(member => (string)member.Attribute("name"));
        }

        public static void Write(string assembly, string documentation, string output)
        {
            var writer = new HelpWriter(documentation);
            IEnumerable<Type> cmdlets = Assembly.LoadFrom(assembly).GetExportedTypes()
                .Where(type => type.GetCustomAttribute<CmdletAttribute>() != null)
                .OrderBy(type => type.FullName, StringComparer.Ordinal);
            var root = new XElement(Help + "helpItems", new XAttribute("schema", "maml"), cmdlets.Select(writer.Cmdlet));
            root.Add(
                new XAttribute(XNamespace.Xmlns + "maml", Maml),
                new XAttribute(XNamespace.Xmlns + "command", Command),
                new XAttribute(XNamespace.Xmlns + "dev", Dev));
            var settings = new XmlWriterSettings { Indent = true, NewLineChars = "\n", Encoding = new UTF8Encoding(false) };
            using var xml = XmlWriter.Create(output, settings);
            root.Save(xml);
        }

        private XElement Cmdlet(Type type)
        {
            CmdletAttribute cmdlet = type.GetCustomAttribute<CmdletAttribute>();
            string name = cmdlet.VerbName + "-" + cmdlet.NounName;
            XElement documentation = Member("T:" + type.FullName);
            Parameter[] parameters = Parameters(type, cmdlet).ToArray();
            return new XElement(
                Command + "command",
                new XElement(
                    Command + "details",
                    new XElement(Command + "name", name),
                    Description(Paragraphs(documentation, "summary")),
                    new XElement(Command + "verb", cmdlet.VerbName),
                    new XElement(Command + "noun", cmdlet.NounName)),
                Description(Paragraphs(documentation, "remarks")),
                new XElement(
                    Command + "syntax",
                    ParameterSets(parameters).Select(set => new XElement(
                        Command + "syntaxItem",
                        new XElement(Maml + "name", name),
                        parameters.Where(parameter => parameter.IsIn(set)).Select(parameter => parameter.Xml(false))))),
                new XElement(Command + "parameters", parameters.Select(parameter => parameter.Xml(true))),
                new XElement(
                    Command + "inputTypes",
                    parameters.Where(parameter => parameter.TakesPipeline).Select(parameter => new XElement(
                        Command + "inputType", TypeName(parameter.Type.FullName), Description(parameter.Description)))),
                new XElement(
                    Command + "returnValues",
                    type.GetCustomAttributes<OutputTypeAttribute>().SelectMany(output => output.Type).Select(Output)),
                new XElement(Command + "examples", Examples(name, documentation)));
        }

        private IEnumerable<Parameter> Parameters(Type type, CmdletAttribute cmdlet)
        {
            foreach (PropertyInfo property in type.GetProperties())
            {
                ParameterAttribute attribute = property.GetCustomAttribute<ParameterAttribute>();
                if (attribute == null) continue;
                yield return new Parameter
                {
                    Name = property.Name,
                    Type = property.PropertyType,
                    Aliases = property.GetCustomAttribute<AliasAttribute>()?.AliasNames ?? new List<string>(),
                    Attribute = attribute,
                    Description = Paragraphs(Member("P:" + property.DeclaringType.FullName + "." + property.Name), "summary"),
                };
            }
            if (!cmdlet.SupportsShouldProcess) yield break;
            foreach ((string name, string description) in ShouldProcessParameters)
            {
                yield return new Parameter
                {
                    Name = name,
                    Type = typeof(SwitchParameter),
                    Aliases = new[] { name == "WhatIf" ? "wi" : "cf" },
                    Attribute = new ParameterAttribute(),
                    Description = new[] { description },
                };
            }
        }

        /// <summary>The names of the sets; of a cmdlet without any the one that all its parameters are in.</summary>
        private static string[] ParameterSets(Parameter[] parameters)
        {
            string[] named = parameters
                .Select(parameter => parameter.Attribute.ParameterSetName)
                .Where(name => name != ParameterAttribute.AllParameterSets)
                .Distinct()
                .ToArray();
            return named.Length > 0 ? named : new[] { ParameterAttribute.AllParameterSets };
        }

        private XElement Output(PSTypeName type)
        {
            string[] description = ForeignTypes.TryGetValue(type.Name, out string text)
                ? new[] { text }
                : Paragraphs(Member("T:" + type.Name), "summary");
            return new XElement(Command + "returnValue", TypeName(type.Name), Description(description));
        }

        private static IEnumerable<XElement> Examples(string name, XElement documentation)
        {
            XElement[] examples = documentation.Elements("example").ToArray();
            if (examples.Length < 2) throw new InvalidDataException(name + " has fewer than two examples.");
            return examples.Select((example, index) => new XElement(
                Command + "example",
                new XElement(Maml + "title", "Example " + (index + 1)),
                new XElement(Dev + "code", Code(example)),
                new XElement(Dev + "remarks", Paragraphs(example, "para").Select(text => new XElement(Maml + "para", text)))));
        }

        private static string Code(XElement example)
        {
            string code = example.Element("code")?.Value ?? throw new InvalidDataException("An example has no code: " + example);
            return string.Join("\n", code.Trim().Split('\n').Select(line => line.Trim()));
        }

        private XElement Member(string name)
        {
            return members.TryGetValue(name, out XElement member) ? member : throw new InvalidDataException(name + " has no documentation.");
        }

        /// <summary>The texts of the child elements of this name, or of the paragraphs inside them.</summary>
        private static string[] Paragraphs(XElement documentation, string child)
        {
            string[] texts = documentation.Elements(child)
                .SelectMany(element => element.Elements("para").Any() ? element.Elements("para") : new[] { element })
                .Select(element => Regex.Replace(element.Value, @"\s+", " ").Trim())
                .Where(text => text.Length > 0)
                .ToArray();
            return texts.Length > 0 ? texts : throw new InvalidDataException("There is no " + child + " in " + documentation);
        }

        private static XElement Description(IEnumerable<string> paragraphs)
        {
            return new XElement(Maml + "description", paragraphs.Select(text => new XElement(Maml + "para", text)));
        }

        private static XElement TypeName(string name)
        {
            return new XElement(Dev + "type", new XElement(Maml + "name", name));
        }

        private sealed class Parameter
        {
            public string Name { get; init; }

            public Type Type { get; init; }

            public IList<string> Aliases { get; init; }

            public ParameterAttribute Attribute { get; init; }

            public string[] Description { get; init; }

            public bool IsIn(string set)
            {
                return Attribute.ParameterSetName == ParameterAttribute.AllParameterSets || Attribute.ParameterSetName == set;
            }

            public bool TakesPipeline => Attribute.ValueFromPipeline || Attribute.ValueFromPipelineByPropertyName;

            public XElement Xml(bool full)
            {
                string type = Type == typeof(object) ? "Object" : Type.Name.Replace("SwitchParameter", "");
                var xml = new XElement(
                    Command + "parameter",
                    new XAttribute("required", Attribute.Mandatory ? "true" : "false"),
                    new XAttribute("globbing", "false"),
                    new XAttribute("pipelineInput", PipelineInput()),
                    new XAttribute("position", Attribute.Position >= 0 ? Attribute.Position.ToString() : "named"),
                    new XAttribute("aliases", Aliases.Count > 0 ? string.Join(", ", Aliases) : "none"),
                    new XElement(Maml + "name", Name));
                if (full) xml.Add(HelpWriter.Description(Description));
                if (type.Length > 0) xml.Add(new XElement(Command + "parameterValue", new XAttribute("required", "true"), type));
                if (full) xml.Add(HelpWriter.TypeName(Type.FullName));
                return xml;
            }

            private string PipelineInput()
            {
                var ways = new List<string>();
                if (Attribute.ValueFromPipeline) ways.Add("ByValue");
                if (Attribute.ValueFromPipelineByPropertyName) ways.Add("ByPropertyName");
                return ways.Count == 0 ? "false" : "true (" + string.Join(", ", ways) + ")";
            }
        }
    }
}
