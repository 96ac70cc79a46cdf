import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve, win32 } from 'node:path';
import type { Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Journal, RunFiles } from '../ports.ts';
import { TEMPORARY_SUFFIX, writeAll, writeAtomically } from './atomicFile.ts';
import { isMissing, onState } from './failure.ts';
import { readHints, writeHints } from './hints.ts';
import { createJournal, hasLivingRun, isJournal, readJournal, removeJournal, type OpenJournal } from './journal.ts';
import { SILENCE } from './processIdentity.ts';
import { hasReport, writeReport } from './report.ts';
import { safeName } from './safeName.ts';

/** Where the files of one tenant and domain lie. */
export interface StatePlace {
  /** null for the default of the platform. */
  readonly statePath: string | null;
  readonly tenantId: Guid;
  /** DNS name of the domain. */
  readonly domain: string;
}

/** The state path that is used where none is given. */
export function defaultStatePath(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): string {
  if (platform !== 'win32') return '/var/lib/devicewriteback';
  return win32.join(environment['ProgramData'] ?? 'C:\\ProgramData', 'DeviceWriteback');
}

/** The folder of one tenant and domain; the same domain written otherwise (case, final full stop) has the same folder. */
export function stateFolder(place: StatePlace): string {
  const path = place.statePath ?? defaultStatePath(process.platform, process.env);
  const domain = place.domain.toLowerCase().replace(/\.$/, '');
  return join(resolve(path), `${safeName(place.tenantId.toLowerCase())}_${safeName(domain)}`);
}

/**
 * Journals and reports in the folder of one tenant and domain. Folders and files are made for their owner only; on
 * Windows they inherit the access control list of the folder above. Every method throws StateUnwritable; finish
 * throws StateInvalid where somebody has destroyed the header of its journal.
 */
export function createRunFiles(place: StatePlace, log: Log): RunFiles {
  const folder = stateFolder(place);
  return {
    probe: () => onState('write state', folder, () => probe(folder)),
    recover: () => onState('make the reports of earlier runs', folder, () => recover(folder, log)),
    readHints: () => readHints(folder, log),
    saveHints: (hints) => onState('keep the hints for the next run', folder, () => writeHints(folder, hints)),
    openJournal: (header) => {
      const doing = `write the journal of run ${header.runId}`;
      const journal = onState(doing, folder, () => {
        makeFolder(folder);
        return createJournal(folder, header);
      });
      return {
        append: (line) => onState(doing, folder, () => journal.append(line)),
        finish: (ending) =>
          onState(`write the report of run ${header.runId}`, folder, () => finish(folder, journal, ending)),
      };
    },
  };
}

/** As mkdir -p; that of node:fs tries for ever where the system denies that the folder above is there, as /proc does. */
function makeFolder(folder: string, mayMakeAbove = true): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (thrown) {
    if (isMissing(thrown) && mayMakeAbove && dirname(folder) !== folder) {
      makeFolder(dirname(folder));
      makeFolder(folder, false);
    } else if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw thrown;
  }
}

function probe(folder: string): void {
  makeFolder(folder);
  const path = join(folder, `probe-${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`);
  writeAtomically(path, (fd) => writeAll(fd, Buffer.from('DeviceWriteback can write here.\n')));
  rmSync(path);
}

/** Where the report cannot be written the journal stays, closed, for the next run to make the report from. */
function finish(folder: string, journal: OpenJournal, ending: Parameters<Journal['finish']>[0]): string {
  try {
    const content = readJournal(journal.fd, journal.path);
    const path = writeReport(folder, journal.fd, content, ending);
    journal.close();
    removeJournal(journal.path);
    return path;
  } finally {
    journal.close();
  }
}

function recover(folder: string, log: Log): string[] {
  const now = new Date();
  const reports: string[] = [];
  for (const name of readFolder(folder)) {
    const path = join(folder, name);
    if (name.endsWith(TEMPORARY_SUFFIX)) removeForgotten(path, now);
    else if (isJournal(name) && !hasLivingRun(path, now)) {
      const report = recoverJournal(folder, path, log);
      if (report !== null) reports.push(report);
    }
  }
  return reports;
}

/** Two runs that do this at once make the same report; the first one's removal of the journal is no error for the other. */
function recoverJournal(folder: string, path: string, log: Log): string | null {
  const fd = openIfThere(path);
  if (fd === null) return null;
  try {
    const content = readJournal(fd, path);
    const made = hasReport(folder, content.header.runId)
      ? null
      : writeReport(folder, fd, content, {
          ended: fstatSync(fd).mtime.toISOString(),
          outcome: 'interrupted',
          graphRequests: null,
          cancelled: 0,
          error: null,
        });
    removeJournal(path);
    return made;
  } catch (thrown) {
    if (!(thrown instanceof WritebackError) || thrown.code !== 'StateInvalid') throw thrown;
    renameSync(path, `${path}.damaged`);
    log.warning(`${thrown.message} It is kept as ${path}.damaged.`);
    return null;
  } finally {
    closeSync(fd);
  }
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** A temporary file that nobody has written to for so long belongs to a process that was killed. */
function removeForgotten(path: string, now: Date): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status !== undefined && now.getTime() - status.mtimeMs > SILENCE) rmSync(path, { force: true });
}
