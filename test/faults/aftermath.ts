/** What a killed run may leave, and what the next one must make of it. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadPlan } from '../../src/files/planFile.ts';
import type { Report } from '../../src/files/report.ts';
import { digest } from '../../src/plan/digest.ts';
import type { Snapshot } from './snapshot.ts';

/** The names in the folder of a tenant and domain once no run is at work. */
const LASTING = /^(?:hints|report-.+|undo-.+)\.json$/;

/** What is wrong with the files: half-written ones, and such as belong to no finished run. */
export async function wrongFiles(folder: string): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const name of await readdir(folder)) {
    if (!LASTING.test(name)) wrong.push(`${name} was left`);
    if (!name.endsWith('.json')) continue;
    try {
      JSON.parse(await readFile(path.join(folder, name), 'utf8'));
    } catch (error) {
      wrong.push(`${name} is half-written: ${String(error)}`);
    }
  }
  return wrong;
}

/** Run ids of the files that begin and end so. */
export async function runIds(folder: string, kind: 'report' | 'undo' | 'journal'): Promise<readonly string[]> {
  const form = new RegExp(`^${kind}-(.+)\\.(?:json|ndjson)$`);
  return (await readdir(folder)).flatMap((name) => form.exec(name)?.[1] ?? []);
}

/** How many objects of the tenant differ between the two. */
export function countChanged(before: Snapshot, after: Snapshot): number {
  const ids = new Set([...before.own.keys(), ...after.own.keys()]);
  return [...ids].filter((id) => !isDeepStrictEqual(before.own.get(id), after.own.get(id))).length;
}

/** A run that was killed. */
export interface Killing {
  /** Run ids of the journals that it began: one or none. */
  readonly begun: readonly string[];
  /** So many objects it changed. */
  readonly changed: number;
  /** Both sides after it. */
  readonly after: Snapshot;
  /** How it was killed, for who reads a failure. */
  readonly tale: object;
}

/** What is wrong with its report and undo plan. */
export async function wrongTelling(folder: string, { begun, changed }: Killing): Promise<readonly string[]> {
  const [runId, another] = begun;
  if (runId === undefined) return changed === 0 ? [] : [`${changed} objects changed without a journal.`];
  if (another !== undefined) return [`One run began ${begun.length} journals.`];
  const report = JSON.parse(await readFile(path.join(folder, `report-${runId}.json`), 'utf8')) as Report;
  const { unknown, created, updated, disabled, enabled, deleted } = report.counts;
  const applied = created + updated + disabled + enabled + deleted;
  const told = `The report of ${runId} tells ${applied} applied and ${unknown} unknown changes, ${changed} objects changed.`;
  const wrong = applied > changed || applied + unknown < changed || unknown > 1 ? [told] : [];
  if (report.changes.length === 0) return wrong;
  const undo = path.join(folder, `undo-${runId}.json`);
  const { digest: approved } = JSON.parse(await readFile(undo, 'utf8')) as { readonly digest: string };
  const { tenantId, container, containerGuid } = report;
  const expected = { tenantId, container, containerGuid, digest: approved, now: new Date(), maximumAgeHours: 1 };
  const { changes } = loadPlan(undo, expected, digest);
  if (changes.length !== applied) wrong.push(`The undo plan of ${runId} takes ${changes.length} of ${applied} back.`);
  return wrong;
}
