import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { WritebackError } from '../errors.ts';
import { writeAll, writeAtomically } from './atomicFile.ts';
import { onOutFile } from './failure.ts';
import { FormFault } from './form.ts';
import { html, NOTHING, type Html } from './html.ts';
import type { Report, ReportCounts, ReportHead } from './report.ts';
import { parseReport } from './reportForm.ts';
import { changeList, heldList } from './reportLists.ts';
import { PAGE_STYLE } from './reportStyle.ts';
import { readReportHeads } from './reports.ts';
import { chartLegend, runChart } from './runChart.ts';

const MOST_RUNS = 60;

/**
 * Makes a page for people from the report of a run and the counts of the runs beside it: one HTML file that needs no
 * other and no script. Throws ReportInvalid, OutFileUnwritable.
 */
export function writeReportPage(reportPath: string, outFile: string): void {
  const file = resolve(reportPath);
  const report = readReport(file);
  const page = renderReportPage(report, readReportHeads(dirname(file), MOST_RUNS));
  onOutFile('write the page of the report', outFile, () =>
    writeAtomically(outFile, (fd) => writeAll(fd, Buffer.from(page))),
  );
}

const LARGEST = 500 * 1024 * 1024;

function readReport(file: string): Report {
  try {
    if (statSync(file).size > LARGEST) throw new FormFault(`it is larger than ${LARGEST} bytes`);
    return parseReport(JSON.parse(readFileSync(file, 'utf8')));
  } catch (thrown) {
    const what = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WritebackError('ReportInvalid', `Could not read the report ${file}: ${what}.`, {
      target: file,
      remedy: 'Give the path of a report-….json that a run left in its state folder.',
      cause: thrown,
    });
  }
}

/** @param runs heads of the reports beside this one, oldest first */
export function renderReportPage(report: Report, runs: readonly ReportHead[]): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${TITLES[report.outcome]}: DeviceWriteback run ${report.runId}</title>
        <style>
          ${{ html: PAGE_STYLE }}
        </style>
      </head>
      <body>
        <main>
          ${outcome(report)} ${counts(report.counts)} ${troubles(report)} ${heldList(report.held)}
          ${changeList(report.changes)} ${pastRuns(report, runs)} ${particulars(report)}
        </main>
      </body>
    </html> `.html;
}

const TITLES: Readonly<Record<Report['outcome'], string>> = {
  completed: 'Completed',
  failures: 'Completed with failures',
  refused: 'Refused',
  cancelled: 'Cancelled',
  interrupted: 'Interrupted',
};

function outcome({ outcome: ended, counts: counted, error, started, ended: end }: Report): Html {
  const killed = ended === 'interrupted' && error === null;
  return html`<header class="${ended}">
    <h1>${TITLES[ended]}</h1>
    <p>${sentenceOf(counted)} ${killed ? 'The process of the run was killed; this is what its journal says.' : ''}</p>
    <p class="when">${moment(started)} to ${moment(end)} UTC, ${duration(started, end)}</p>
  </header>`;
}

function troubles({ error, refusal, notices }: Report): Html {
  const told = error === null ? NOTHING : trouble(error.code, error.message, error.remedy, error.detail);
  const refused =
    refusal === null || refusal.code === error?.code
      ? NOTHING
      : trouble(refusal.code, refusal.sentence, refusal.remedy, null);
  return html`${told} ${refused} ${notices.map((notice) => html`<p class="notice">${notice}</p>`)}`;
}

function trouble(code: string, message: string, remedy: string, detail: string | null): Html {
  return html`<section class="error">
    <h2>${code}</h2>
    <p>${message}</p>
    <p><strong>What to do:</strong> ${remedy}</p>
    ${detail === null ? NOTHING : html`<pre>${detail}</pre>`}
  </section>`;
}

const APPLIED: readonly (keyof ReportCounts)[] = ['created', 'updated', 'disabled', 'enabled', 'deleted'];
const UNAPPLIED: readonly (keyof ReportCounts)[] = ['failed', 'skipped', 'cancelled', 'unknown'];

function sentenceOf(counted: ReportCounts): string {
  const parts = [...APPLIED, ...UNAPPLIED]
    .filter((name) => counted[name] > 0)
    .map((name) => `${counted[name]} ${name}`);
  return parts.length === 0 ? 'Nothing was written.' : `${parts.join(', ')}.`;
}

function counts(counted: ReportCounts): Html {
  const cell = (name: keyof ReportCounts): Html =>
    html`<div class="${counted[name] === 0 ? 'none' : name}"><b>${counted[name]}</b> ${name}</div>`;
  return html`<section class="counts">${[...APPLIED, ...UNAPPLIED].map(cell)}</section>`;
}

function pastRuns({ runId }: Report, runs: readonly ReportHead[]): Html {
  if (runs.length < 2) return NOTHING;
  const rows = runs.toReversed().map(
    (run) =>
      html`<tr>
        <td>${moment(run.started)}</td>
        <td>${TITLES[run.outcome]}</td>
        <td>${sentenceOf(run.counts)}</td>
      </tr>`,
  );
  return html`<section>
    <h2>The last ${runs.length} runs</h2>
    ${runChart(runs, runId)} ${chartLegend()}
    <details>
      <summary>As a table</summary>
      <table>
        <tr>
          <th>started</th>
          <th>outcome</th>
          <th>changes</th>
        </tr>
        ${rows}
      </table>
    </details>
  </section>`;
}

function particulars(report: Report): Html {
  const { summary, graphRequests, directoryRequests, declined } = report;
  const rows: readonly (readonly [string, string])[] = [
    ['run', report.runId],
    ['tenant', report.tenantId],
    ['container', report.container],
    ['domain controller', report.server],
    ['read', `${report.reading.kind}: ${report.reading.why}; ${lasting(report.reading.milliseconds)}`],
    ['asked for', asked(report.inputs)],
    ['Entra devices', `${summary.inScope} of ${summary.entraDevices} in scope`],
    ['unchanged', String(summary.unchanged)],
    ['declined', String(declined)],
    ['Graph requests', graphRequests === null ? 'not known' : String(graphRequests)],
    ['LDAP requests', directoryRequests === null ? 'not known' : String(directoryRequests)],
    ['digest of the plan', report.digest],
  ];
  return html`<section>
    <h2>The run</h2>
    <dl>
      ${rows.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
  </section>`;
}

function moment(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}

function duration(from: string, to: string): string {
  return lasting(Math.max(0, Date.parse(to) - Date.parse(from)));
}

function lasting(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** Policy and scope in words. */
function asked({ policy, scope }: Report['inputs']): string {
  const { deleteAfterDays, keepRemoved, maximumRemoval, adopt } = policy;
  const limits = scope === null ? [] : [...scope.trustTypes, ...scope.operatingSystems, ...scope.groups];
  return [
    keepRemoved ? 'keep removed' : `delete after ${deleteAfterDays} days`,
    ...(maximumRemoval === null ? [] : [`at most ${maximumRemoval} removals`]),
    ...(adopt ? ['adopt'] : []),
    ...(limits.length === 0 ? [] : [`scope ${limits.join(', ')}`]),
  ].join('; ');
}
