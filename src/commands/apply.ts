import { randomBytes } from 'node:crypto';
import { readAnchor } from '../device/anchor.ts';
import type { Guid } from '../device/guid.ts';
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
import { appliesThoughRefused } from '../plan/thresholds.ts';
import type { PlannedRun } from './plan.ts';
import { capital, refusalError, wireResult } from './wire.ts';

/** What the host wants of a plan that it was shown. */
export interface Approval {
  /** Numbers of the changes that are not to be done. */
  readonly declined: ReadonlySet<number>;
  /** Whether each change is told again with how it ended; the report has that in any case. */
  readonly results: boolean;
}

/**
 * Applies a plan, less what was declined, as the one run of its directory on this machine. A report comes in every case;
 * what ends the run is thrown after it.
 */
export async function applyPlan(
  run: PlannedRun,
  approval: Approval,
  outside: Outside,
  log: Log,
  outputs: Outputs,
  signal: AbortSignal,
): Promise<WireRun> {
  run.files.probe();
  const lock = run.files.lock();
  try {
    return await applyAlone(run, approval, outside, log, outputs, signal);
  } finally {
    lock.release();
  }
}

async function applyAlone(
  run: PlannedRun,
  approval: Approval,
  outside: Outside,
  log: Log,
  outputs: Outputs,
  signal: AbortSignal,
): Promise<WireRun> {
  const { plan, directory, files } = run;
  const { declined } = approval;
  const approved = approvedChanges(plan, declined);

  const started = outside.clock.now();
  const header: RunHeader = {
    runId: runIdAt(started),
    started: started.toISOString(),
    reading: run.reading,
    inputs: run.inputs,
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
  let interrupted = true;
  try {
    // Whatever is killed from here on, there is a journal to tell the next run that this machine has written.
    interrupted = tellInterrupted(files, log);
    if (!interrupted) run.strangers.tell(log);
    await writeAll(run, approved, journal, tally, approval.results, outputs, signal);
  } catch (thrown) {
    fatal = toWritebackError(thrown);
  }
  const ending = endingOf(run, tally, fatal, signal, outside.clock.now());
  // What a killed run created is in no count.
  const created = interrupted ? null : tally.applied.create + tally.unansweredCreates;
  // Where the directory let nothing be written, all was read all the same, and what was refused comes again.
  const whole = fatal === null || fatal.code === 'DirectoryForbidden';
  saveHints(run, whole && plan.refusal === null ? nextHints(run, tally.done) : run.previous, created, log);
  // Last, and never before the hints: a run that has neither would take what this one created for another machine's.
  const reportPath = finishJournal(journal, ending, fatal, tally);
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
  forbiddenCreates = 0;
  /** One that was sent and has no answer: its object may be there. */
  unansweredCreates = 0;

  begin(change: Change): void {
    this.unansweredCreates = change.action === 'create' ? 1 : 0;
  }

  add({ number, change }: NumberedChange, result: ChangeResult): void {
    this.states[result.state] += 1;
    this.total += 1;
    this.unansweredCreates = 0;
    if (result.code === 'DirectoryForbidden') {
      this.forbidden += 1;
      if (change.action === 'create') this.forbiddenCreates += 1;
    }
    if (result.state !== 'applied') return;
    this.applied[change.action] += 1;
    this.done.add(number);
  }
}

interface NumberedChange {
  readonly number: number;
  readonly change: Change;
}

function approvedChanges(plan: Plan, declined: ReadonlySet<number>): readonly NumberedChange[] {
  return plan.changes
    .map((change, number) => ({ number, change }))
    .filter(({ number }) => !declined.has(number))
    .filter(({ change }) => plan.refusal === null || appliesThoughRefused(change));
}

async function writeAll(
  run: PlannedRun,
  changes: readonly NumberedChange[],
  journal: Journal,
  tally: Tally,
  results: boolean,
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
      tally.begin(change);
      const began = performance.now();
      const outcome = await run.directory.write(change, signal);
      const result = resultOf(outcome, Math.round(performance.now() - began));
      unsaid = [{ kind: 'after', number, result }];
      tally.add({ number, change }, result);
      if (outcome.state === 'failed') failures.push(outcome.error);
      await refuseWithoutRights(run, tally, begun === changes.length, signal);
      // As long as every write is refused for want of rights, one error may yet stand for all.
      if (tally.forbidden < tally.total || begun === changes.length)
        for (const error of failures.splice(0)) outputs.error(error.toJSON());
      if (results) await outputs.emit('result', wireResult(change, number, result));
      const percent = Math.floor((100 * begun) / changes.length);
      outputs.progress({ activity: 'Writing device objects', status: `${begun} of ${changes.length}`, percent });
    }
  } finally {
    if (unsaid.length > 0) journal.append(...unsaid);
    if (signal.aborted) tally.states.cancelled = changes.length - begun;
  }
}

function resultOf(outcome: WriteOutcome, milliseconds: number): ChangeResult {
  if (outcome.state === 'applied') return { state: 'applied', why: null, code: null, milliseconds };
  if (outcome.state === 'skipped') return { state: 'skipped', why: outcome.why, code: null, milliseconds };
  const { message, remedy, code } = outcome.error;
  return { state: 'failed', why: `${message} ${remedy}`, code, milliseconds };
}

function endingOf(
  { plan, source, directory }: PlannedRun,
  tally: Tally,
  fatal: WritebackError | null,
  signal: AbortSignal,
  ended: Date,
): RunEnding {
  const requests = { graphRequests: source.requests(), directoryRequests: directory.requests() };
  const end = { ended: ended.toISOString(), ...requests, cancelled: tally.states.cancelled };
  if (signal.aborted) return { ...end, outcome: 'cancelled', error: (fatal ?? cancelled()).toJSON() };
  if (fatal !== null) return { ...end, outcome: 'interrupted', error: fatal.toJSON() };
  if (plan.refusal !== null) {
    return { ...end, outcome: 'refused', error: refusalError(plan.refusal, plan.container).toJSON() };
  }
  return { ...end, outcome: tally.states.failed > 0 ? 'failures' : 'completed', error: null };
}

/** What ended the run is the first cause: that its report cannot be written either only adds to it. */
function finishJournal(journal: Journal, ending: RunEnding, fatal: WritebackError | null, tally: Tally): string {
  try {
    return journal.finish(ending);
  } catch (thrown) {
    const { code, message, target, remedy, detail } = fatal ?? toWritebackError(thrown);
    const written = `${tally.states.applied} changes were written; the journal stays, and the next run makes the report.`;
    throw new WritebackError(code, message, { target, remedy: `${remedy} ${written}`, detail, cause: thrown });
  }
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

/** Of a device that registered anew: should it go too, its object is found by the anchor that it still has. */
function formerAnchor({ attributes }: Change): readonly Guid[] {
  const anchor = readAnchor(attributes.find(({ attribute }) => attribute === 'msDS-CloudAnchor')?.before);
  return anchor === null ? [] : [anchor];
}

/** Moves the hints on. What was not applied, could not be proven or could not be read comes again with the next run. */
function nextHints({ plan, next }: PlannedRun, done: ReadonlySet<number>): Hints | null {
  const undone = plan.changes.filter((_, number) => !done.has(number));
  const open = [
    ...undone,
    // Owners are seen by full runs only, like every change of an owner.
    ...plan.held.filter(({ reason, attribute }) => reason === 'Unreadable' && attribute !== 'msDS-RegisteredOwner'),
    ...plan.held.filter(({ reason }) => WAITS_FOR_ANOTHER.has(reason)),
  ];
  const pending = new Set([
    ...(next?.pending ?? []),
    ...open.flatMap(({ objectId }) => objectId ?? []),
    ...undone.flatMap(formerAnchor),
  ]);
  return next === null || pending.size > MOST_PENDING ? null : { ...next, pending: [...pending].toSorted() };
}

/** @param created objects that this run created or may have created; null where that is not known */
function saveHints(run: PlannedRun, hints: Hints | null, created: number | null, log: Log): void {
  try {
    if (hints === null) return run.files.saveHints(null);
    const { witness: _former, ...others } = hints;
    const witness = witnessAfter(run, created);
    run.files.saveHints(witness === null ? others : { ...others, witness });
  } catch (thrown) {
    log.warning(`${toWritebackError(thrown).message} The next run reads again what this one has read.`);
  }
}

/**
 * What tells this machine's objects from those of another: a whole read has seen all until now, and since then this
 * machine has created so many. Null where that is not known; then nothing is evidence until the next whole read.
 */
function witnessAfter(
  { reading, previous, directoryTime }: PlannedRun,
  created: number | null,
): NonNullable<Hints['witness']> | null {
  if (reading.kind === 'full') return { seen: directoryTime().toISOString(), created: 0 };
  const before = previous?.witness;
  return before === undefined || created === null ? null : { ...before, created: before.created + created };
}

/** Whether a run of this machine was killed. */
function tellInterrupted(files: RunFiles, log: Log): boolean {
  const reports = files.recover();
  for (const path of reports) log.warning(`An earlier run was interrupted; its report is ${path}.`);
  return reports.length > 0;
}

/** So many creates refused for want of rights, and none done: the others would be refused too. */
const ENOUGH_REFUSALS = 5;

/**
 * Ends a run that lacks rights on the container, with one error instead of one for each object: when many creates were
 * refused, which come after all disables, and at the end when everything was. An object that alone denies the account
 * ends no run.
 */
async function refuseWithoutRights(
  { plan, directory }: PlannedRun,
  tally: Tally,
  isLast: boolean,
  signal: AbortSignal,
): Promise<void> {
  const none = isLast && tally.forbidden === tally.total;
  if (!none && (tally.forbiddenCreates < ENOUGH_REFUSALS || tally.applied.create > 0)) return;
  if (tally.forbidden === 0 || (await directory.effectiveRights(plan.container, signal)).createDevices) return;
  const written = tally.states.applied === 0 ? ' Nothing was written.' : '';
  throw new WritebackError(
    'DirectoryForbidden',
    `The bound account may not write the device objects in ${plan.container}: ${tally.forbidden} changes were refused.`,
    {
      target: plan.container,
      remedy: `Run Enable-DeviceWriteback -AdConnectorAccount with this account, as an administrator.${written}`,
    },
  );
}

/** Sorts by time, and is unique when two machines start a run at once. */
function runIdAt(time: Date): string {
  return `${time.toISOString().replaceAll(/[-:.]/g, '')}-${randomBytes(3).toString('hex')}`;
}
