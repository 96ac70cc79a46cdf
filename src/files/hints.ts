import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseGuid } from '../device/guid.ts';
import type { Log } from '../log.ts';
import type { Hints } from '../ports.ts';
import { writeAll, writeAtomically } from './atomicFile.ts';
import { isMissing } from './failure.ts';

const FORMAT_VERSION = 1;

interface Stored {
  readonly checksum?: unknown;
  readonly hints?: unknown;
}

/**
 * What one run leaves for the next, beside its checksum. Losing it costs one full read, so whatever is wrong with the
 * file is a warning and never an error.
 */
export function readHints(folder: string, log: Log): Hints | null {
  const path = hintsPath(folder);
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Stored | null;
    if (stored?.checksum === checksum(stored?.hints) && areHints(stored?.hints)) return stored.hints;
    log.warning(`${path} is damaged: this run reads everything.`);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) log.warning(`${path} is damaged: this run reads everything.`);
    else if (!isMissing(thrown)) log.warning(`${path} cannot be read (${String(thrown)}): this run reads everything.`);
  }
  return null;
}

/** Writes the hints for their owner only, or removes them. Throws what node:fs throws. */
export function writeHints(folder: string, hints: Hints | null): void {
  if (hints === null) {
    rmSync(hintsPath(folder), { force: true });
    return;
  }
  const stored = { formatVersion: FORMAT_VERSION, checksum: checksum(hints), hints };
  writeAtomically(hintsPath(folder), (fd) => writeAll(fd, Buffer.from(`${JSON.stringify(stored, null, 2)}\n`)));
}

function hintsPath(folder: string): string {
  return join(folder, 'hints.json');
}

function checksum(hints: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(hints) ?? '')
    .digest('hex');
}

function areHints(value: unknown): value is Hints {
  const hints = value as Partial<Record<keyof Hints, unknown>> | null | undefined;
  return (
    typeof hints?.deltaLink === 'string' &&
    typeof hints.completeRead === 'string' &&
    !Number.isNaN(Date.parse(hints.completeRead)) &&
    typeof hints.grounds === 'object' &&
    hints.grounds !== null &&
    Object.values(hints.grounds).every((ground) => typeof ground === 'string') &&
    Array.isArray(hints.pending) &&
    hints.pending.every((id) => typeof id === 'string' && parseGuid(id) === id) &&
    (hints.witness === undefined || isWitness(hints.witness))
  );
}

function isWitness(value: unknown): value is NonNullable<Hints['witness']> {
  const witness = value as Partial<Record<'seen' | 'created', unknown>> | null;
  return (
    typeof witness?.seen === 'string' &&
    !Number.isNaN(Date.parse(witness.seen)) &&
    Number.isSafeInteger(witness.created)
  );
}
