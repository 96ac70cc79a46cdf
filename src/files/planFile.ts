import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sameName } from '../device/distinguishedName.ts';
import { WritebackError } from '../errors.ts';
import type { Change } from '../plan/change.ts';
import type { PlanExpectation, SavedPlan } from '../ports.ts';
import { writeAll, writeAtomically } from './atomicFile.ts';
import { isMissing, onOutFile } from './failure.ts';
import { FormFault } from './form.ts';
import { jsonLines } from './jsonLines.ts';
import { parseSavedPlan } from './planForm.ts';

/** The digest of a plan's changes; the files do not know how it is made. */
export type DigestOf = (changes: readonly Change[]) => string;

/** Saves a plan for a later run. Throws OutFileUnwritable. */
export function savePlan(path: string, saved: SavedPlan): void {
  onOutFile('save the plan', path, () => writePlan(path, saved));
}

/** Writes a plan as people review it. Throws OutFileUnwritable. */
export function saveText(path: string, text: string): void {
  onOutFile('save the plan', path, () => writeAtomically(path, (fd) => writeAll(fd, Buffer.from(text))));
}

/** Changes and held differences stand one a line. Throws what node:fs throws. */
export function writePlan(path: string, saved: SavedPlan): void {
  const { formatVersion, made, tenantId, container, containerGuid, server, digest } = saved;
  const { complete, reading, summary, refusal, notices, held, changes } = saved;
  const binding = { formatVersion, made, tenantId, container, containerGuid, server, digest };
  const head = { ...binding, complete, reading, summary, refusal, notices };
  writeAtomically(path, (fd) => {
    for (const text of jsonLines(head, { held, changes })) writeAll(fd, Buffer.from(text));
  });
}

/**
 * Reads a plan that was saved, and trusts it for nothing: its form is checked in every part, its digest is made anew and
 * must be the file's and the expected one. Whether its changes are such as a plan may have is checkPlan's to say.
 * Throws PlanFileInvalid, PlanFileForeign, DigestMismatch, PlanFileTooOld.
 */
export function loadPlan(path: string, expected: PlanExpectation, digestOf: DigestOf): SavedPlan {
  const file = resolve(path);
  const saved = parse(file, readText(file));
  refuseForeign(file, saved, expected);
  refuseOtherDigest(file, saved, expected.digest, digestOf(saved.changes));
  refuseOld(file, saved, expected);
  return saved;
}

/** What V8 can hold in one text is little more. */
const LARGEST = 500 * 1024 * 1024;

function readText(file: string): string {
  try {
    const status = statSync(file);
    if (!status.isFile()) throw invalid(file, 'it is not a regular file');
    if (status.size > LARGEST) throw invalid(file, `it is larger than ${LARGEST} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (thrown) {
    if (thrown instanceof WritebackError) throw thrown;
    if (isMissing(thrown)) throw invalid(file, 'there is no such file', thrown);
    const isText = !(thrown instanceof TypeError);
    throw invalid(file, isText ? 'it cannot be read' : 'it is not UTF-8 text', thrown);
  }
}

function parse(file: string, text: string): SavedPlan {
  try {
    return parseSavedPlan(JSON.parse(text));
  } catch (thrown) {
    if (thrown instanceof FormFault) throw invalid(file, thrown.message);
    if (thrown instanceof SyntaxError) throw invalid(file, 'it is not valid JSON', thrown);
    throw thrown;
  }
}

function invalid(file: string, what: string, cause?: unknown): WritebackError {
  return new WritebackError('PlanFileInvalid', `Could not use the plan in ${file}: ${what}.`, {
    target: file,
    remedy: 'Make a new plan with Get-DeviceWritebackPlan -OutFile, and do not change it.',
    detail: cause instanceof Error ? cause.message : null,
    cause,
  });
}

function refuseForeign(file: string, saved: SavedPlan, expected: PlanExpectation): void {
  const { tenantId, container, containerGuid } = saved;
  const foreign = (what: string): WritebackError =>
    new WritebackError('PlanFileForeign', `The plan in ${file} is for ${what}.`, {
      target: file,
      remedy: 'Give the plan that was made for this tenant and directory, or make a new one.',
    });
  if (tenantId !== expected.tenantId) throw foreign(`tenant ${tenantId}, not ${expected.tenantId}`);
  if (!sameName(container, expected.container)) throw foreign(`the container ${container}, not ${expected.container}`);
  if (containerGuid !== expected.containerGuid) {
    throw foreign(`the object ${containerGuid}; the container ${container} is ${expected.containerGuid} now`);
  }
}

function refuseOtherDigest(file: string, saved: SavedPlan, approved: string, made: string): void {
  const mismatch = (message: string): WritebackError =>
    new WritebackError('DigestMismatch', message, {
      target: file,
      remedy: 'Look at the plan again, and give the digest of the one that you approve.',
      detail: `The digest of its changes is ${made}, the file says ${saved.digest}, approved is ${approved}.`,
    });
  if (saved.digest !== made) throw mismatch(`The plan in ${file} was changed after it was made.`);
  if (made !== approved.toLowerCase()) {
    throw mismatch(`The plan in ${file} has the digest ${made}, not the approved ${approved}.`);
  }
}

const HOUR = 60 * 60 * 1000;
/** Of the clocks of two machines, in milliseconds. */
const CLOCKS_APART = 5 * 60 * 1000;

function refuseOld(file: string, saved: SavedPlan, { now, maximumAgeHours }: PlanExpectation): void {
  const age = now.getTime() - Date.parse(saved.made);
  if (age < -CLOCKS_APART) throw invalid(file, `it was made at ${saved.made}, which lies in the future`);
  // An undo plan cannot be made again, and each of its changes still asks for the values that its run left.
  const undoes = saved.changes.length > 0 && saved.changes.every(({ cause }) => cause === 'undo');
  if (undoes || age <= maximumAgeHours * HOUR) return;
  throw new WritebackError(
    'PlanFileTooOld',
    `The plan in ${file} was made at ${saved.made}, more than ${maximumAgeHours} hours ago.`,
    { target: file, remedy: 'Make a new plan with Get-DeviceWritebackPlan -OutFile, look at it, apply it sooner.' },
  );
}
