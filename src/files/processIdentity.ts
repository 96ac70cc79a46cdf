import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process wrote a file, told so exactly that a later process can see whether it still runs. */
export interface ProcessIdentity {
  readonly host: string;
  /** Linux's boot id, null elsewhere: process ids and start times begin anew with each boot. */
  readonly boot: string | null;
  /** Linux's process id namespace, null elsewhere: containers of one host have their own process ids. */
  readonly namespace: string | null;
  readonly pid: number;
  /** Start time in clock ticks since boot (proc(5), /proc/pid/stat field 22), null where there is no /proc. */
  readonly started: string | null;
}

/** Where it cannot be seen whether a process runs, silence for this long, in milliseconds, counts as its end. */
export const SILENCE = 60 * 60 * 1000;

let own: ProcessIdentity | null = null;

export function ownIdentity(): ProcessIdentity {
  own ??= {
    host: hostname(),
    boot: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    started: startOf(process.pid),
  };
  return own;
}

/**
 * Whether a process may still run. Seen exactly on the same Linux host in the same namespace: a process with this id and
 * this start time is there and is no zombie. After another boot of the host it does not run. Where the process id alone
 * says that it may run (Windows: ids are used again), and for another host or container, it counts as running until it
 * has written nothing for an hour; no single write to a directory takes that long.
 */
export function mayRun(identity: ProcessIdentity, lastWritten: Date, now: Date): boolean {
  const self = ownIdentity();
  if (identity.host === self.host) {
    if (identity.boot !== self.boot) return false;
    if (identity.namespace === self.namespace) {
      if (self.started !== null) return startOf(identity.pid) === identity.started;
      if (!exists(identity.pid)) return false;
    }
  }
  return now.getTime() - lastWritten.getTime() < SILENCE;
}

/** This process as a part of a file name: letters, digits and two hyphens. */
export function ownTag(): string {
  const { host, boot, namespace, pid, started } = ownIdentity();
  const place = createHash('sha256')
    .update(JSON.stringify([host, boot, namespace]))
    .digest('hex');
  return `${place.slice(0, 12)}-${pid}-${started ?? ''}`;
}

/** Whether the process that has this tag is over; null where that cannot be seen from here. */
export function isOver(tag: string): boolean | null {
  const [place, pid, started] = tag.split('-');
  if (place !== ownTag().split('-')[0]) return null;
  if (started !== '') return startOf(Number(pid)) !== started;
  return exists(Number(pid)) ? null : true;
}

export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { host, boot, namespace, pid, started } = value as Record<keyof ProcessIdentity, unknown>;
  return typeof host === 'string' && Number.isInteger(pid) && [boot, namespace, started].every(isTextOrNull);
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

/** The start time of a running process, null if there is none or no /proc. */
function startOf(pid: number): string | null {
  const stat = orNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (stat === null) return null;
  // The name in parentheses may hold spaces and parentheses; the fields after it, from the third, may not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const dead = fields[0] === 'Z' || fields[0] === 'X';
  return dead ? null : (fields[19] ?? null);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
