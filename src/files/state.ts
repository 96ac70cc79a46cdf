import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, win32 } from 'node:path';
import type { Guid } from '../device/guid.ts';
import { toWritebackError, WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Change, Plan } from '../plan/change.ts';
import type { RunEnding, RunFiles, RunHeader } from '../ports.ts';
import { isTemporary, makerOf, temporaryPath, writeAll, writeAtomically } from './atomicFile.ts';
import { isMissing, onState } from './failure.ts';
import { readHints, writeHints } from './hints.ts';
import {
  createJournal,
  hasLivingRun,
  isJournal,
  readJournal,
  removeJournal,
  type JournalContent,
  type OpenJournal,
} from './journal.ts';
import { takeLock } from './lock.ts';
import { writePlan } from './planFile.ts';
import { isOver, SILENCE } from './processIdentity.ts';
import {
  hasReport,
  reportChanges,
  writeReport,
  type ReportChange,
  type ReportEnding,
  type ReportResult,
} from './report.ts';
import { DEFAULT_KEPT_REPORTS, removeOldReports } from './reports.ts';
import { safeName } from './safeName.ts';
import { createSpool } from './spool.ts';

/** Where the files of one tenant and domain lie. */
export interface StatePlace {
  /** null for the default of the platform. */
  readonly statePath: string | null;
  readonly tenantId: Guid;
  /** DNS name of the domain. */
  readonly domain: string;
}

export interface RunFilesSettings {
  /** The plan that takes a run back, from the changes that it began; the files do not know how it is made. */
  undoPlan(run: RunHeader, begun: Iterable<BegunChange>): Plan;
  /** Of so many runs report and undo plan are kept; 100 if not given. */
  readonly keepReports?: number;
  /** An undo plan has at most so many changes, and a run that began more leaves several; 50,000 if not given. */
  readonly changesOfUndo?: number;
}

/** A change that a run began, and how it ended; unknown: the run noted no result. */
export interface BegunChange {
  readonly change: Change;
  readonly state: ReportResult['state'];
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
 * Journals, reports and undo plans in the folder of one tenant and domain. Folders and files are made for their owner
 * only; on Windows they inherit the access control list of the folder above. Every method throws StateUnwritable; finish
 * throws StateInvalid where somebody has destroyed the header of its journal.
 */
export function createRunFiles(place: StatePlace, log: Log, settings: RunFilesSettings): RunFiles {
  const folder = stateFolder(place);
  return {
    probe: () => onState('write state', folder, () => probe(folder)),
    recover: () => onState('make the reports of earlier runs', folder, () => recover(folder, log, settings)),
    lock: () =>
      onState('keep other runs out', folder, () => {
        makeFolder(folder);
        return takeLock(folder);
      }),
    readHints: () => readHints(folder, log),
    openSpool: () => {
      const doing = 'keep what was read from Entra for the time of the run';
      const spool = createSpool(folder, () => makeFolder(folder));
      return {
        append: (text) => onState(doing, folder, () => spool.append(text)),
        read: (offset) => onState('read again what was kept of Entra', folder, () => spool.read(offset)),
        close: () => onState('remove what was kept of Entra', folder, () => spool.close()),
      };
    },
    saveHints: (hints) => onState('keep the hints for the next run', folder, () => writeHints(folder, hints)),
    openJournal: (header) => {
      const doing = `write the journal of run ${header.runId}`;
      const journal = onState(doing, folder, () => {
        makeFolder(folder);
        return createJournal(folder, header);
      });
      return {
        append: (...lines) => onState(doing, folder, () => journal.append(...lines)),
        finish: (ending) =>
          onState(`write the report of run ${header.runId}`, folder, () =>
            finish(folder, journal, ending, log, settings),
          ),
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
  const path = temporaryPath(join(folder, 'probe'));
  writeAtomically(path, (fd) => writeAll(fd, Buffer.from('DeviceWriteback can write here.\n')));
  rmSync(path);
}

/** Where the report cannot be written the journal stays, closed, for the next run to make the report from. */
function finish(folder: string, journal: OpenJournal, ending: RunEnding, log: Log, settings: RunFilesSettings): string {
  let path: string;
  try {
    const content = readJournal(journal.fd, journal.path);
    path = writeResults(folder, journal.fd, content, ending, settings);
    journal.close();
    removeJournal(journal.path);
  } finally {
    journal.close();
  }
  tidy(folder, log, settings);
  return path;
}

/**
 * Each part of the undo plan is written when the report comes to its changes, so that they are read once; the report has
 * its name only after that, for where there is one, nothing is left to make from the journal.
 */
function writeResults(
  folder: string,
  fd: number,
  content: JournalContent,
  ending: ReportEnding,
  settings: RunFilesSettings,
): string {
  const { header, entries } = content;
  const { server, containerGuid, runId } = header;
  const size = settings.changesOfUndo ?? CHANGES_OF_UNDO;
  const parts = Math.ceil(entries.length / size);
  const reported = function* (): Generator<ReportChange> {
    for (let part = 1; part <= parts; part += 1) {
      const some = entries.slice((part - 1) * size, part * size);
      const changes = [...reportChanges(fd, some)];
      const plan = settings.undoPlan(header, changes.flatMap(begun));
      const notices = parts === 1 ? plan.notices : [...plan.notices, `It is part ${part} of ${parts}.`];
      writePlan(undoPath(folder, runId, part), { ...plan, notices, made: ending.ended, server, containerGuid });
      yield* changes;
    }
  };
  return writeReport(folder, content, reported(), ending);
}

/** What a plan takes in memory, and one JSON text can hold, is bounded; the changes of a run are not. */
const CHANGES_OF_UNDO = 50_000;

/** The undo plan of a run, or one part of it; a run that began no change has none. */
export function undoPath(folder: string, runId: string, part = 1): string {
  // No safe name has a tilde.
  return join(folder, `undo-${safeName(runId)}${part === 1 ? '' : `~${part}`}.json`);
}

function begun({ change, result }: ReportChange): readonly BegunChange[] {
  return change === null ? [] : [{ change, state: result.state }];
}

/** Old reports in the way are no reason to call a run failed that is done. */
function tidy(folder: string, log: Log, { keepReports = DEFAULT_KEPT_REPORTS }: RunFilesSettings): void {
  try {
    onState('remove old reports', folder, () => removeOldReports(folder, keepReports));
  } catch (thrown) {
    log.warning(toWritebackError(thrown).message);
  }
}

function recover(folder: string, log: Log, settings: RunFilesSettings): string[] {
  const now = new Date();
  const reports: string[] = [];
  for (const name of readFolder(folder)) {
    const path = join(folder, name);
    if (isTemporary(name)) removeForgotten(path, now);
    else if (isJournal(name) && !hasLivingRun(path, now)) {
      const report = recoverJournal(folder, path, log, settings);
      if (report !== null) reports.push(report);
    }
  }
  if (reports.length > 0) tidy(folder, log, settings);
  return reports;
}

/** Two runs that do this at once make the same report; the first one's removal of the journal is no error for the other. */
function recoverJournal(folder: string, path: string, log: Log, settings: RunFilesSettings): string | null {
  const fd = openIfThere(path);
  if (fd === null) return null;
  try {
    const content = readJournal(fd, path);
    const ending: ReportEnding = {
      ended: fstatSync(fd).mtime.toISOString(),
      outcome: 'interrupted',
      graphRequests: null,
      directoryRequests: null,
      cancelled: 0,
      error: null,
    };
    const { runId } = content.header;
    const made = hasReport(folder, runId) ? null : writeResults(folder, fd, content, ending, settings);
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

/** Removes a temporary file whose process was killed; where that cannot be seen, silence for so long tells it. */
function removeForgotten(path: string, now: Date): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  const maker = makerOf(basename(path));
  const over = maker === null ? null : isOver(maker);
  if (over ?? now.getTime() - status.mtimeMs > SILENCE) rmSync(path, { force: true });
}
