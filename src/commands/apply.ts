import { randomBytes } from 'node:crypto';
import { cancelled, toWritebackError, WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Action, Change, HeldReason, Plan } from '../plan/change.ts';
import type {
  ChangeResult,
  Hints,
  Journal,
  JournalLine,
  Outside,
  ResultState,
  RunEnding,
  RunFiles,
  RunHeader,
  WriteOutcome,
} from '../ports.ts';
import type { Outputs, WireRun } from '../protocol/messages.ts';
import type { PlannedRun } from './plan.ts';
import { capital, refusalError, wireResult } from './wire.ts';

/**
 * Applies a plan, less what was declined, as the one run of its directory on this machine. A report comes in every case;
 * what ends the run is thrown after it.
 */
export async function applyPlan(
  run: PlannedRun,
  declined: ReadonlySet<number>,
  outside: Outside,
  log: Log,
  outputs: Outputs,
  signal: AbortSignal,
): Promise<WireRun> {
  run.files.probe();
  const lock = run.files.lock();
  try {
    if (!tellInterrupted(run.files, log)) run.strangers.tell(log);
    return await applyAlone(run, declined, outside, log, outputs, signal);
  } finally {
    lock.release();
  }
}

async function applyAlone(
  run: PlannedRun,
  declined: ReadonlySet<number>,
  outside: Outside,
  log: Log,
  outputs: Outputs,
  signal: AbortSignal,
): Promise<WireRun> {
  const { plan, directory, files } = run;
  const approved = approvedChanges(plan, declined);

  const started = outside.clock.now();
  const header: RunHeader = {
    runId: runIdAt(started),
    started: started.toISOString(),
    reading: run.reading,
    tenantId: plan.tenantId,
    server: directory.server,
    container: plan.container,
    containerGuid: run.place.objectGuid,
    digest: plan.digest,
    held: plan.held,
    summary: plan.summary,
    refusal: plan.refusal,
    declined: declined.size,
  };
  const journal = files.openJournal(header);
  const tally = new Tally();
  let fatal: WritebackError | null = null;
  try {
    await writeAll(run, approved, journal, tally, outputs, signal);
  } catch (thrown) {
    fatal = toWritebackError(thrown);
  }
  const ending = endingOf(plan, tally, fatal, signal, outside.clock.now(), run.source.requests());
  const reportPath = journal.finish(ending);
  // Where the directory let nothing be written, all was read all the same, and what was refused comes again.
  const whole = fatal === null || fatal.code === 'DirectoryForbidden';
  saveHints(run, whole && plan.refusal === null ? nextHints(run, tally.done) : run.previous, log);
  if (fatal !== null && ending.outcome === 'interrupted') throw withReport(fatal, reportPath);
  return {
    runId: header.runId,
    reading: capital(run.reading.kind),
    why: run.reading.why,
    tenantId: plan.tenantId,
    server: directory.server,
    container: plan.container,
    started: header.started,
    ended: ending.ended,
    outcome: OUTCOMES[ending.outcome],
    created: tally.applied.create,
    updated: tally.applied.update,
    disabled: tally.applied.disable,
    enabled: tally.applied.enable,
    deleted: tally.applied.delete,
    failed: tally.states.failed,
    skipped: tally.states.skipped,
    cancelled: tally.states.cancelled,
    declined: declined.size,
    held: plan.held.length,
    unchanged: plan.summary.unchanged,
    digest: plan.digest,
    reportPath,
    error: ending.error,
  };
}

const OUTCOMES = {
  completed: 'Completed',
  failures: 'Failures',
  refused: 'Refused',
  cancelled: 'Cancelled',
  interrupted: 'Cancelled',
} as const satisfies Record<RunEnding['outcome'], WireRun['outcome']>;

/** Counts of what the server answered. */
class Tally {
  readonly applied: Record<Action, number> = { create: 0, update: 0, disable: 0, enable: 0, delete: 0 };
  readonly states: Record<ResultState, number> = { applied: 0, failed: 0, skipped: 0, cancelled: 0 };
  /** Numbers of the changes that were applied. */
  readonly done = new Set<number>();
  total = 0;
  /** Failures for want of rights. */
  forbidden = 0;

  add({ number, change }: NumberedChange, result: ChangeResult): void {
    this.states[result.state] += 1;
    this.total += 1;
    if (result.code === 'DirectoryForbidden') this.forbidden += 1;
    if (result.state !== 'applied') return;
    this.applied[change.action] += 1;
    this.done.add(number);
  }
}

interface NumberedChange {
  readonly number: number;
  readonly change: Change;
}

/** Of a refused plan only the disables that Entra states: a revocation never waits for an operator. */
function approvedChanges(plan: Plan, declined: ReadonlySet<number>): readonly NumberedChange[] {
  return plan.changes
    .map((change, number) => ({ number, change }))
    .filter(({ number }) => !declined.has(number))
    .filter(({ change }) => plan.refusal === null || (change.action === 'disable' && change.cause === 'stated'));
}

async function writeAll(
  run: PlannedRun,
  changes: readonly NumberedChange[],
  journal: Journal,
  tally: Tally,
  outputs: Outputs,
  signal: AbortSignal,
): Promise<void> {
  let begun = 0;
  // The result of one write and the announcement of the next leave in one step: two would be most of the work.
  let unsaid: readonly JournalLine[] = [];
  const failures: WritebackError[] = [];
  try {
    for (const { number, change } of changes) {
      if (signal.aborted) return;
      begun += 1;
      journal.append(...unsaid, { kind: 'before', number, change });
      unsaid = [];
      const outcome = await run.directory.write(change, signal);
      const result = resultOf(outcome);
      unsaid = [{ kind: 'after', number, result }];
      tally.add({ number, change }, result);
      if (outcome.state === 'failed') failures.push(outcome.error);
      refuseWithoutRights(run, tally, begun === changes.length);
      // As long as every write is refused for want of rights, one error may yet stand for all.
      if (tally.forbidden < tally.total) for (const error of failures.splice(0)) outputs.error(error.toJSON());
      await outputs.emit('result', wireResult(change, number, result));
      const percent = Math.floor((100 * begun) / changes.length);
      outputs.progress({ activity: 'Writing device objects', status: `${begun} of ${changes.length}`, percent });
    }
  } finally {
    if (unsaid.length > 0) journal.append(...unsaid);
    if (signal.aborted) tally.states.cancelled = changes.length - begun;
  }
}

function resultOf(outcome: WriteOutcome): ChangeResult {
  if (outcome.state === 'applied') return { state: 'applied', why: null, code: null };
  if (outcome.state === 'skipped') return { state: 'skipped', why: outcome.why, code: null };
  const { message, remedy, code } = outcome.error;
  return { state: 'failed', why: `${message} ${remedy}`, code };
}

function endingOf(
  plan: Plan,
  tally: Tally,
  fatal: WritebackError | null,
  signal: AbortSignal,
  ended: Date,
  graphRequests: number,
): RunEnding {
  const end = { ended: ended.toISOString(), graphRequests, cancelled: tally.states.cancelled };
  if (signal.aborted) return { ...end, outcome: 'cancelled', error: (fatal ?? cancelled()).toJSON() };
  if (fatal !== null) return { ...end, outcome: 'interrupted', error: fatal.toJSON() };
  if (plan.refusal !== null) {
    return { ...end, outcome: 'refused', error: refusalError(plan.refusal, plan.container).toJSON() };
  }
  return { ...end, outcome: tally.states.failed > 0 ? 'failures' : 'completed', error: null };
}

function withReport(error: WritebackError, reportPath: string): WritebackError {
  const { code, message, target, remedy, detail, retryable } = error;
  const told = `${remedy} What was written until then is in ${reportPath}.`;
  return new WritebackError(code, message, { target, remedy: told, detail, retryable, cause: error });
}

/** So many ids to read again cost more than a full read. */
const MOST_PENDING = 1000;

/** Held for the sake of another device or of an answer: what ends the hold does not name this device. */
const WAITS_FOR_ANOTHER: ReadonlySet<HeldReason> = new Set(['AbsenceUnproven', 'DuplicateInSource', 'KeyInUse']);

/** Moves the hints on. What was not applied, could not be proven or could not be read comes again with the next run. */
function nextHints({ plan, next }: PlannedRun, done: ReadonlySet<number>): Hints | null {
  const open = [
    ...plan.changes.filter((_, number) => !done.has(number)),
    // Owners are seen by full runs only, like every change of an owner.
    ...plan.held.filter(({ reason, attribute }) => reason === 'Unreadable' && attribute !== 'msDS-RegisteredOwner'),
    ...plan.held.filter(({ reason }) => WAITS_FOR_ANOTHER.has(reason)),
  ];
  const pending = new Set([...(next?.pending ?? []), ...open.flatMap(({ objectId }) => objectId ?? [])]);
  return next === null || pending.size > MOST_PENDING ? null : { ...next, pending: [...pending].toSorted() };
}

/** Keeps them, with the time that tells this machine's objects from those of another. */
function saveHints(run: PlannedRun, hints: Hints | null, log: Log): void {
  try {
    run.files.saveHints(hints === null ? null : { ...hints, ended: run.directoryTime().toISOString() });
  } catch (thrown) {
    log.warning(`${toWritebackError(thrown).message} The next run reads again what this one has read.`);
  }
}

/** Whether a run of this machine was killed. */
function tellInterrupted(files: RunFiles, log: Log): boolean {
  const reports = files.recover();
  for (const path of reports) log.warning(`An earlier run was interrupted; its report is ${path}.`);
  return reports.length > 0;
}

/** So many refusals for want of rights, and not one success: no write of this run can work. */
const ENOUGH_REFUSALS = 5;

/** Ends a run that the directory lets write nothing, with one error instead of one for each object. */
function refuseWithoutRights({ plan }: PlannedRun, tally: Tally, isLast: boolean): void {
  const refused = tally.forbidden;
  if (refused === 0 || refused < tally.total || (refused < ENOUGH_REFUSALS && !isLast)) return;
  throw new WritebackError(
    'DirectoryForbidden',
    `The bound account may not write the device objects in ${plan.container}: all ${refused} changes so far were refused.`,
    {
      target: plan.container,
      remedy:
        'Run Enable-DeviceWriteback -AdConnectorAccount with this account, as an administrator. Nothing was written.',
    },
  );
}

/** Sorts by time, and is unique when two machines start a run at once. */
function runIdAt(time: Date): string {
  return `${time.toISOString().replaceAll(/[-:.]/g, '')}-${randomBytes(3).toString('hex')}`;
}
