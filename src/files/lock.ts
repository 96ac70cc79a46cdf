/**
 * That one run of a tenant and domain is at work. Each run lays down a claim under a name that is used once, then looks
 * for the claims of others: whoever comes later sees the one that was there, so two never both go on. A claim is removed
 * by its run, or by anybody once its process is dead; no removal can hit the claim of a living one.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { WritebackError } from '../errors.ts';
import type { RunLock } from '../ports.ts';
import { writeAll, writeAtomically } from './atomicFile.ts';
import { isMissing } from './failure.ts';
import { isProcessIdentity, mayRun, ownIdentity, SILENCE, type ProcessIdentity } from './processIdentity.ts';

interface Claim {
  readonly process: ProcessIdentity;
  /** When the run began, ISO 8601, UTC. */
  readonly since: string;
}

/** Claims of this process: its own identity cannot tell a run of it from one that is over. */
const ownClaims = new Set<string>();

/** Two runs that start at once see each other: both step back, wait some of these milliseconds, and try again. */
const LONGEST_WAIT = 40;
const ATTEMPTS = 12;

/** Takes the lock. Throws RunInProgress, and what node:fs throws. */
export function takeLock(folder: string): RunLock {
  const since = new Date();
  for (let attempt = 1; ; attempt += 1) {
    const path = layClaim(folder, since);
    const other = otherClaim(folder, path);
    if (other === null) return hold(path);
    withdraw(path);
    if (attempt === ATTEMPTS) throw inProgress(other.path, other.claim);
    waitFor(Math.random() * LONGEST_WAIT);
  }
}

function layClaim(folder: string, since: Date): string {
  const path = join(folder, `lock-${process.pid}-${randomBytes(6).toString('hex')}.json`);
  const claim: Claim = { process: ownIdentity(), since: since.toISOString() };
  ownClaims.add(path);
  try {
    writeAtomically(path, (fd) => writeAll(fd, Buffer.from(`${JSON.stringify(claim)}\n`)));
  } catch (thrown) {
    ownClaims.delete(path);
    throw thrown;
  }
  return path;
}

function withdraw(path: string): void {
  rmSync(path, { force: true });
  ownClaims.delete(path);
}

/** A run of another host or container is known to live by its claim's time alone: it is renewed in good time. */
function hold(path: string): RunLock {
  const renewal = setInterval(() => renew(path), SILENCE / 6).unref();
  return {
    release: () => {
      clearInterval(renewal);
      withdraw(path);
    },
  };
}

function renew(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // The claim still stands for every run of this host; one of another host has an hour for the next renewal.
  }
}

/** A living claim beside this one, null if there is none; dead ones are removed. */
function otherClaim(folder: string, own: string): { readonly path: string; readonly claim: Claim | null } | null {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!/^lock-.+\.json$/.test(name) || path === own) continue;
    const claim = readClaim(path);
    if (lives(path, claim)) return { path, claim };
    rmSync(path, { force: true });
  }
  return null;
}

function lives(path: string, claim: Claim | null): boolean {
  if (ownClaims.has(path)) return true;
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined || isOwn(claim)) return false;
  const now = new Date();
  // A claim is whole from its first instant; one that cannot be read was damaged, by whom cannot be known.
  return claim === null ? now.getTime() - status.mtimeMs < SILENCE : mayRun(claim.process, status.mtime, now);
}

function isOwn(claim: Claim | null): boolean {
  return claim !== null && JSON.stringify(claim.process) === JSON.stringify(ownIdentity());
}

function readClaim(path: string): Claim | null {
  try {
    const claim = JSON.parse(readFileSync(path, 'utf8')) as Partial<Claim> | null;
    return isProcessIdentity(claim?.process) && typeof claim.since === 'string' ? (claim as Claim) : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || isMissing(thrown)) return null;
    throw thrown;
  }
}

function inProgress(path: string, claim: Claim | null): WritebackError {
  const who =
    claim === null
      ? 'its claim cannot be read'
      : `process ${claim.process.pid} on ${claim.process.host}, since ${claim.since}`;
  return new WritebackError('RunInProgress', `Another run for this tenant and domain is at work: ${who}.`, {
    target: path,
    remedy: `Wait until it ends, then run again. If it hangs, end that process; if there is no such run, remove ${path}.`,
    retryable: true,
  });
}

/** Blocks the thread. */
function waitFor(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
