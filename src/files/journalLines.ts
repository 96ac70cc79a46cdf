/** The lines of a journal: newline-delimited JSON, the header first. */
import { readSync } from 'node:fs';
import { ACTIONS, type Action } from '../plan/change.ts';
import type { JournalLine, ResultState, RunHeader } from '../ports.ts';
import { isProcessIdentity, type ProcessIdentity } from './processIdentity.ts';

export const JOURNAL_FORMAT_VERSION = 1;

/** The first line: the run, and the process that writes. */
export interface HeaderLine {
  readonly kind: 'run';
  readonly formatVersion: typeof JOURNAL_FORMAT_VERSION;
  readonly process: ProcessIdentity;
  readonly run: RunHeader;
}

/** A line after the header. */
export type EntryLine = Exclude<JournalLine, { kind: 'run' }>;

const STATES: readonly ResultState[] = ['applied', 'failed', 'skipped', 'cancelled'];

/** null for what is no whole line. */
export function parseLine(text: string): EntryLine | null {
  const line = parseObject(text);
  if (line === null || !Number.isInteger(line['number'])) return null;
  const { kind, change, result } = line as Record<string, Record<string, unknown> | undefined>;
  const isBefore = (kind as unknown) === 'before' && ACTIONS.includes(change?.['action'] as Action);
  const isAfter = (kind as unknown) === 'after' && STATES.includes(result?.['state'] as ResultState);
  return isBefore || isAfter ? (line as unknown as EntryLine) : null;
}

/** null for what is no header. */
export function parseHeader(text: string): HeaderLine | null {
  const line = parseObject(text);
  if (line?.['kind'] !== 'run' || line['formatVersion'] !== JOURNAL_FORMAT_VERSION) return null;
  const run = line['run'] as Partial<RunHeader> | null | undefined;
  return isProcessIdentity(line['process']) && typeof run?.runId === 'string' ? (line as unknown as HeaderLine) : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export function lineText(line: HeaderLine | EntryLine): string {
  return `${JSON.stringify(line)}\n`;
}

export interface Line {
  readonly at: number;
  readonly length: number;
  readonly text: string;
  /** Whether a line feed ends it; without one it is a half line. */
  readonly ended: boolean;
}

const CHUNK = 256 * 1024;
const LINE_FEED = 10;

/** The lines of a file, first to last. Throws what node:fs throws. */
export function* readLines(fd: number): Generator<Line, undefined> {
  let at = 0;
  let read = 0;
  let pieces: Buffer[] = [];
  const take = (ended: boolean): Line => {
    const bytes = Buffer.concat(pieces);
    const line = { at, length: bytes.length, text: bytes.toString(), ended };
    pieces = [];
    at += bytes.length + 1;
    return line;
  };
  for (;;) {
    const buffer = Buffer.allocUnsafe(CHUNK);
    const chunk = buffer.subarray(0, readSync(fd, buffer, 0, CHUNK, read));
    if (chunk.length === 0) break;
    read += chunk.length;
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      pieces.push(chunk.subarray(from, end));
      yield take(true);
      from = end + 1;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
  }
  if (pieces.length > 0) yield take(false);
}
