import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '../plan/change.ts';
import type { ChangeResult, ResultState, RunEnding, RunHeader } from '../ports.ts';
import { writeAll, writeAtomically } from './atomicFile.ts';
import { readChanges, type JournalContent, type JournalEntry } from './journal.ts';
import { jsonLines } from './jsonLines.ts';
import { safeName } from './safeName.ts';

export const REPORT_FORMAT_VERSION = 1;

/** What is told after a run, made from its journal alone. One JSON object; no secret is in it. */
export interface Report extends RunHeader {
  readonly formatVersion: typeof REPORT_FORMAT_VERSION;
  /** ISO 8601, UTC; of a killed run the time of the last line that it wrote. */
  readonly ended: string;
  /** interrupted: an error ended the run, which `error` tells, or its process was killed and a later run made this. */
  readonly outcome: RunEnding['outcome'];
  readonly counts: ReportCounts;
  /** null where the process was killed. */
  readonly graphRequests: number | null;
  readonly directoryRequests: number | null;
  /** What ended the run, null if nothing did. */
  readonly error: RunEnding['error'];
  /** One sentence for each thing that is wrong with the journal. */
  readonly notices: readonly string[];
  /** In the order of the plan. */
  readonly changes: readonly ReportChange[];
}

/** What a report says before its lists. */
export type ReportHead = Omit<Report, 'held' | 'changes'>;

/** Changes by how they ended: applied ones by their action, the others by their state. */
export interface ReportCounts {
  readonly created: number;
  readonly updated: number;
  readonly disabled: number;
  readonly enabled: number;
  readonly deleted: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
  readonly unknown: number;
}

export interface ReportChange {
  readonly number: number;
  /** With the old values; null where the run noted a result without having begun the change. */
  readonly change: Change | null;
  readonly result: ReportResult;
}

/** unknown: begun, and no result noted; the next run finds in the directory what became of it. */
export interface ReportResult extends Omit<ChangeResult, 'state' | 'milliseconds'> {
  readonly state: ResultState | 'unknown';
  readonly milliseconds: number | null;
}

type Requests = 'graphRequests' | 'directoryRequests';

/** How a run ended; a killed one did not say how many requests it sent. */
export type ReportEnding = Omit<RunEnding, Requests> & Pick<Report, Requests>;

export function reportPath(folder: string, runId: string): string {
  return join(folder, `report-${safeName(runId)}.json`);
}

export function hasReport(folder: string, runId: string): boolean {
  return statSync(reportPath(folder, runId), { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * Writes the report of a journal and returns its path. A change is asked for when its turn comes. Throws what node:fs
 * throws.
 */
export function writeReport(
  folder: string,
  content: JournalContent,
  changes: Iterable<ReportChange>,
  ending: ReportEnding,
): string {
  const path = reportPath(folder, content.header.runId);
  const lists = { held: content.header.held, changes };
  writeAtomically(path, (file) => {
    for (const text of jsonLines(headOf(content, ending), lists)) writeAll(file, Buffer.from(text));
  });
  return path;
}

const UNKNOWN: ReportResult = {
  state: 'unknown',
  why: 'The run ended before it noted a result; the next run finds what is true in the directory.',
  code: null,
  milliseconds: null,
};

function headOf(content: JournalContent, ending: ReportEnding): ReportHead {
  const { runId, started, reading, inputs, tenantId, server, container, containerGuid } = content.header;
  const { digest, summary, refusal, declined } = content.header;
  return {
    formatVersion: REPORT_FORMAT_VERSION,
    runId,
    started,
    ended: ending.ended,
    outcome: ending.outcome,
    reading,
    inputs,
    tenantId,
    server,
    container,
    containerGuid,
    digest,
    counts: countResults(content.entries, ending.cancelled),
    declined,
    graphRequests: ending.graphRequests,
    directoryRequests: ending.directoryRequests,
    refusal,
    error: ending.error,
    notices: content.notices,
    summary,
  };
}

/** What the report says of these entries of a journal, in their order. */
export function* reportChanges(fd: number, entries: Iterable<JournalEntry>): Generator<ReportChange> {
  for (const [{ number, result }, change] of readChanges(fd, entries)) {
    yield { number, change, result: result ?? UNKNOWN };
  }
}

const APPLIED = {
  create: 'created',
  update: 'updated',
  disable: 'disabled',
  enable: 'enabled',
  delete: 'deleted',
} as const;

function countResults(entries: readonly JournalEntry[], undone: number): ReportCounts {
  const counts: { -readonly [K in keyof ReportCounts]: number } = {
    created: 0,
    updated: 0,
    disabled: 0,
    enabled: 0,
    deleted: 0,
    failed: 0,
    skipped: 0,
    cancelled: undone,
    unknown: 0,
  };
  for (const { action, result } of entries) {
    if (result?.state !== 'applied') counts[result?.state ?? 'unknown']++;
    else counts[action === null ? 'unknown' : APPLIED[action]]++;
  }
  return counts;
}
