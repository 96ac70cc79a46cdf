/** The hints that one run leaves for the next, read and changed past the engine. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Hints } from '../../src/ports.ts';

/** The file below this state path; null if there is none. */
export async function hintsFile(statePath: string): Promise<string | null> {
  const name = (await readdir(statePath, { recursive: true })).find((one) => path.basename(one) === 'hints.json');
  return name === undefined ? null : path.join(statePath, name);
}

export async function readHints(statePath: string): Promise<Hints | null> {
  const file = await hintsFile(statePath);
  return file === null ? null : (JSON.parse(await readFile(file, 'utf8')) as { readonly hints: Hints }).hints;
}

/** Writes them back changed, under a checksum that fits. */
export async function changeHints(statePath: string, change: (hints: Hints) => Partial<Hints>): Promise<void> {
  const file = await hintsFile(statePath);
  if (file === null) throw new Error(`There are no hints below ${statePath}.`);
  const stored = JSON.parse(await readFile(file, 'utf8')) as { readonly hints: Hints };
  const hints = { ...stored.hints, ...change(stored.hints) };
  const checksum = createHash('sha256').update(JSON.stringify(hints)).digest('hex');
  await writeFile(file, JSON.stringify({ ...stored, checksum, hints }));
}
