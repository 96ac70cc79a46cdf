using System.Collections.Generic;
using System.IO;
using System.Management.Automation;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>Makes an HTML page for people from the report of a run.</summary>
    /// <remarks>
    /// <para>
    /// The page shows what the run did, every change with the values before and after, what was held back, and a chart
    /// of the runs whose reports lie beside it. It is one file that needs no other, no script and no network, so it can
    /// be mailed or kept. A page that is there already is replaced.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code>
    /// Sync-DeviceWriteback -ConfigurationPath .\writeback.json -Credential $account | ConvertTo-DeviceWritebackReport | Invoke-Item
    /// </code>
    /// <para>
    /// Syncs, makes the page beside the report of the run, and opens it.
    /// </para>
    /// </example>
    /// <example>
    /// <code>
    /// ConvertTo-DeviceWritebackReport -Path .\report-20261125T021730Z-61cb52.json -OutFile .\Desktop\monday.html
    /// </code>
    /// <para>
    /// Makes the page of an earlier run in another place.
    /// </para>
    /// </example>
    [Cmdlet(VerbsData.ConvertTo, "DeviceWritebackReport", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
    [OutputType(typeof(FileInfo))]
    public sealed class ConvertToDeviceWritebackReportCommand : EngineCmdlet
    {
        /// <summary>The report: the JSON file that ReportPath of a run names.</summary>
        [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
        [Alias("ReportPath", "FullName")]
        [ValidateNotNullOrEmpty]
        public string Path { get; set; } = "";

        /// <summary>The page. The default is the file of the report with the ending .html.</summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? OutFile { get; set; }

        /// <summary>Makes the page of each report.</summary>
        protected override void ProcessRecord()
        {
            string report = GetUnresolvedProviderPathFromPSPath(Path);
            string page = OutFile == null ? System.IO.Path.ChangeExtension(report, ".html") : GetUnresolvedProviderPathFromPSPath(OutFile);
            if (!ShouldProcess(page, $"Write the page of the report {report}")) return;
            Fields made = Call("report/page", new Dictionary<string, object?> { ["path"] = report, ["outFile"] = page });
            WriteObject(new FileInfo(made.Text("path") ?? page));
        }
    }
}
