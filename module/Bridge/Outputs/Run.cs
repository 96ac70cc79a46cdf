using System;
using DeviceWriteback.Bridge;

namespace DeviceWriteback
{
    /// <summary>One run: what was applied, and where its report is.</summary>
    public sealed class Run
    {
        internal Run(Fields fields)
        {
            RunId = fields.Text("runId");
            Reading = fields.Text("reading");
            Why = fields.Text("why");
            TenantId = fields.Text("tenantId");
            Server = fields.Text("server");
            Container = fields.Text("container");
            Started = fields.Time("started");
            Ended = fields.Time("ended");
            Outcome = fields.Text("outcome");
            Created = fields.Integer("created");
            Updated = fields.Integer("updated");
            Disabled = fields.Integer("disabled");
            Enabled = fields.Integer("enabled");
            Deleted = fields.Integer("deleted");
            Failed = fields.Integer("failed");
            Skipped = fields.Integer("skipped");
            Cancelled = fields.Integer("cancelled");
            Declined = fields.Integer("declined");
            Held = fields.Integer("held");
            Unchanged = fields.Integer("unchanged");
            Digest = fields.Text("digest");
            ReportPath = fields.Text("reportPath");
        }

        /// <summary>Completed, Failures, Refused or Cancelled.</summary>
        public string? Outcome { get; }

        /// <summary>Full, Delta or PlanFile: both sides whole, what Entra said had changed, or the plan of a file.</summary>
        public string? Reading { get; }

        /// <summary>Why it was read so.</summary>
        public string? Why { get; }

        /// <summary>Device objects created.</summary>
        public int Created { get; }

        /// <summary>Device objects updated.</summary>
        public int Updated { get; }

        /// <summary>Device objects disabled.</summary>
        public int Disabled { get; }

        /// <summary>Device objects enabled.</summary>
        public int Enabled { get; }

        /// <summary>Device objects deleted.</summary>
        public int Deleted { get; }

        /// <summary>Changes that the directory refused.</summary>
        public int Failed { get; }

        /// <summary>Changes left out because the object had changed since it was read.</summary>
        public int Skipped { get; }

        /// <summary>Changes not begun because the run was stopped.</summary>
        public int Cancelled { get; }

        /// <summary>Changes that were answered with No.</summary>
        public int Declined { get; }

        /// <summary>Differences that the plan holds back; a delta run knows those of what it read.</summary>
        public int Held { get; }

        /// <summary>Device objects that need no change; a delta run knows those of what it read.</summary>
        public int Unchanged { get; }

        /// <summary>The domain controller.</summary>
        public string? Server { get; }

        /// <summary>Distinguished name of the container of the device objects.</summary>
        public string? Container { get; }

        /// <summary>The Entra tenant.</summary>
        public string? TenantId { get; }

        /// <summary>When the run began, UTC.</summary>
        public DateTime? Started { get; }

        /// <summary>When the run ended, UTC.</summary>
        public DateTime? Ended { get; }

        /// <summary>Name of the run in journal and report.</summary>
        public string? RunId { get; }

        /// <summary>Digest of the plan: 64 hexadecimal digits.</summary>
        public string? Digest { get; }

        /// <summary>The file that tells every change of the run.</summary>
        public string? ReportPath { get; }

        /// <summary>The run in one line.</summary>
        public override string ToString()
        {
            return $"{Outcome}: {Created} created, {Updated} updated, {Disabled} disabled, {Enabled} enabled, {Deleted} deleted, {Failed} failed";
        }
    }
}
