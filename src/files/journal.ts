/**
 * The journal of a run. Its header line is there from the instant at which the file is. Further lines are written with
 * one call each time, so that a killed process leaves at most one half line, the last. A line is safe from the end of the
 * process, not from a power failure: forcing each to the disk would cost more than the write it notes, and the directory
 * tells the next run what is true.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WritebackError } from '../errors.ts';
import type { Action, Change } from '../plan/change.ts';
import type { ChangeResult, JournalLine, RunHeader } from '../ports.ts';
import { writeAll, writeAtomically } from './atomicFile.ts';
import { isMissing } from './failure.ts';
import {
  JOURNAL_FORMAT_VERSION,
  lineText,
  parseHeader,
  parseLine,
  readLines,
  type HeaderLine,
} from './journalLines.ts';
import { mayRun, ownIdentity, type ProcessIdentity } from './processIdentity.ts';
import { safeName } from './safeName.ts';

/** A journal that this process writes. Its methods throw what node:fs throws. */
export interface OpenJournal {
  readonly path: string;
  /** Open for reading too until close. */
  readonly fd: number;
  append(...lines: readonly JournalLine[]): void;
  close(): void;
}

/** What a journal says, but for the changes themselves, which readChanges reads one by one. */
export interface JournalContent {
  readonly header: RunHeader;
  /** By number, in the order of numbers. */
  readonly entries: readonly JournalEntry[];
  /** One sentence for each thing that is wrong with the journal. */
  readonly notices: readonly string[];
}

export interface JournalEntry {
  readonly number: number;
  readonly action: Action | null;
  /** Where the line with the change stands, in bytes; null where the journal has only the result. */
  readonly before: { readonly at: number; readonly length: number } | null;
  /** null where the journal has only the change. */
  readonly result: ChangeResult | null;
}

/** Journals that this process has open; its own identity cannot tell them from those that it gave up. */
const openPaths = new Set<string>();

export function journalPath(folder: string, runId: string): string {
  return join(folder, `journal-${safeName(runId)}.ndjson`);
}

export function isJournal(fileName: string): boolean {
  return /^journal-.+\.ndjson$/.test(fileName);
}

/** Begins a journal with its header line. */
export function createJournal(folder: string, header: RunHeader): OpenJournal {
  const path = journalPath(folder, header.runId);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) throw new Error(`run id ${header.runId} is used twice`);
  const first: HeaderLine = { kind: 'run', formatVersion: JOURNAL_FORMAT_VERSION, process: ownIdentity(), run: header };
  openPaths.add(path);
  try {
    writeAtomically(path, (file) => writeAll(file, Buffer.from(lineText(first))));
    return openForAppending(path);
  } catch (thrown) {
    openPaths.delete(path);
    throw thrown;
  }
}

function openForAppending(path: string): OpenJournal {
  const fd = openSync(path, 'a+');
  let length = fstatSync(fd).size;
  let closed = false;
  return {
    path,
    fd,
    append: (...lines) => {
      if (closed) throw new Error(`the journal ${path} is closed`);
      const bytes = Buffer.from(lines.map(entryText).join(''));
      try {
        writeAll(fd, bytes);
        length += bytes.length;
      } catch (thrown) {
        // Without the half line, one that is written when there is room again stands on a line of its own.
        length += wholeLines(bytes.subarray(0, fstatSync(fd).size - length));
        ftruncateSync(fd, length);
        throw thrown;
      }
    },
    close: () => {
      if (closed) return;
      closed = true;
      closeSync(fd);
      openPaths.delete(path);
    },
  };
}

function entryText(line: JournalLine): string {
  if (line.kind === 'run') throw new Error('the header of a journal is written when it is opened');
  return lineText(line);
}

const LINE_FEED = 10;

/** Length of the lines that are whole. */
function wholeLines(bytes: Buffer): number {
  return bytes.lastIndexOf(LINE_FEED) + 1;
}

/** Whether the run that writes this journal may still be at work; a journal that is gone has none. */
export function hasLivingRun(path: string, now: Date): boolean {
  if (openPaths.has(path)) return true;
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
  try {
    const header = parseHeader(readLines(fd).next().value?.text ?? '');
    if (header === null || sameProcess(header.process)) return false;
    return mayRun(header.process, fstatSync(fd).mtime, now);
  } finally {
    closeSync(fd);
  }
}

function sameProcess(identity: ProcessIdentity): boolean {
  return JSON.stringify(identity) === JSON.stringify(ownIdentity());
}

/** Reads a journal. Throws StateInvalid where its header cannot be read: then no report can be made of it. */
export function readJournal(fd: number, path: string): JournalContent {
  let header: RunHeader | null = null;
  const entries = new Map<number, JournalEntry>();
  const notices: string[] = [];
  let count = 0;
  for (const line of readLines(fd)) {
    count++;
    if (count === 1) {
      header = parseHeader(line.text)?.run ?? null;
      continue;
    }
    const parsed = line.ended ? parseLine(line.text) : null;
    if (parsed === null) {
      notices.push(
        line.ended
          ? `Line ${count} of the journal could not be read.`
          : `The journal ends in the middle of line ${count}: the process was ended while it wrote it.`,
      );
      continue;
    }
    const entry = entries.get(parsed.number) ?? { number: parsed.number, action: null, before: null, result: null };
    entries.set(
      parsed.number,
      parsed.kind === 'before'
        ? { ...entry, action: parsed.change.action, before: { at: line.at, length: line.length } }
        : { ...entry, result: parsed.result },
    );
  }
  if (header === null) {
    throw new WritebackError('StateInvalid', `Could not read the journal ${path}: its first line is not a header.`, {
      target: path,
      remedy:
        'Keep the file if you want to look into it, else remove it; the next run finds what is true in the directory.',
    });
  }
  return { header, entries: [...entries.values()].sort((a, b) => a.number - b.number), notices };
}

/** Bytes that are read at once: lines that follow each other are mostly asked for one after the other. */
const PIECE = 256 * 1024;

/** The changes of entries that readJournal gave, in their order; null where the journal has only a result. */
export function* readChanges(
  fd: number,
  entries: Iterable<JournalEntry>,
): Generator<readonly [JournalEntry, Change | null]> {
  let piece = Buffer.alloc(0);
  let from = 0;
  for (const entry of entries) {
    if (entry.before === null) {
      yield [entry, null];
      continue;
    }
    const { at, length } = entry.before;
    if (at < from || at + length > from + piece.length) {
      const buffer = Buffer.allocUnsafe(Math.max(PIECE, length));
      piece = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, at));
      from = at;
    }
    const line = parseLine(piece.toString('utf8', at - from, at - from + length));
    yield [entry, line?.kind === 'before' ? line.change : null];
  }
}

export function removeJournal(path: string): void {
  rmSync(path, { force: true });
}
