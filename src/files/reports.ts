/** The reports and undo plans that lie in the folder of one tenant and domain. */
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from './failure.ts';
import { REPORT_FORMAT_VERSION, type ReportHead } from './report.ts';

const NAME = /^(report|undo)-([^~]+)(?:~\d+)?\.json$/;

/** Of so many runs report and undo plan are kept. */
export const DEFAULT_KEPT_REPORTS = 100;

/**
 * Removes report and undo plan of all but the latest runs; a run id begins with the time, so the names are in its order.
 * What belongs to a run that is still at work stays. Throws what node:fs throws.
 */
export function removeOldReports(folder: string, kept: number): void {
  const runs = new Map<string, string[]>();
  for (const name of readdirSync(folder)) {
    const run = NAME.exec(name)?.[2];
    if (run !== undefined) runs.set(run, [...(runs.get(run) ?? []), name]);
  }
  const old = [...runs.keys()].toSorted().slice(0, Math.max(0, runs.size - kept));
  for (const run of old) {
    if (statSync(join(folder, `journal-${run}.ndjson`), { throwIfNoEntry: false }) !== undefined) continue;
    for (const name of runs.get(run) ?? []) rmSync(join(folder, name), { force: true });
  }
}

/** The head of each report in the folder that can be read, oldest first, at most so many of the latest. */
export function readReportHeads(folder: string, most: number): readonly ReportHead[] {
  const names = readdirSync(folder).filter((name) => NAME.exec(name)?.[1] === 'report');
  return names
    .toSorted()
    .slice(-most)
    .flatMap((name) => readReportHead(join(folder, name)) ?? []);
}

/** A head is small; the lists after it need not be read. */
const LARGEST_HEAD = 256 * 1024;

/** null for what is no report of ours. */
function readReportHead(path: string): ReportHead | null {
  const text = readBeginning(path);
  const end = text.indexOf(',\n  "held": [');
  if (end < 0) return null;
  try {
    const head = JSON.parse(`${text.slice(0, end)}\n}`) as ReportHead;
    return head.formatVersion === REPORT_FORMAT_VERSION && typeof head.counts?.created === 'number' ? head : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

function readBeginning(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (thrown) {
    // Another run may have removed it meanwhile.
    if (isMissing(thrown)) return '';
    throw thrown;
  }
  try {
    const bytes = Buffer.alloc(LARGEST_HEAD);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)).toString();
  } finally {
    closeSync(fd);
  }
}
