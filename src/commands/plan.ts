import { ATTRIBUTE_FLOW_VERSION } from '../device/attributeFlow.ts';
import { ATTRIBUTE_NAMES, type AttributeName } from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Census, Plan } from '../plan/change.ts';
import { computePlan } from '../plan/computePlan.ts';
import type { Policy } from '../plan/policy.ts';
import { renderSummary } from '../plan/render.ts';
import type { Scope } from '../plan/scope.ts';
import type { DeviceSource, Directory, Hints, Outside, Reading, RunFiles, RunInputs } from '../ports.ts';
import type { Outputs, PlanResult } from '../protocol/messages.ts';
import {
  directorySettings,
  fullAfterHours,
  policyOf,
  scopeOptions,
  sourceSettings,
  stateSettings,
  type Options,
} from './options.ts';
import {
  availableAttributes,
  directoryClock,
  domainOf,
  findPlace,
  millisecondsSince,
  refuseOtherTenant,
  refuseOtherToken,
  type Place,
} from './place.ts';
import { planInFull, type FullRead, type Watch } from './fullRead.ts';
import { readChanges, type Reader, type Sides } from './read.ts';
import { Strangers } from './strangers.ts';
import { refusalError, wireChange, wireHeld } from './wire.ts';

/** A plan with the sides it was made from and the connections that apply goes on to use. */
export interface PlannedRun {
  readonly plan: Plan;
  readonly reading: Reading;
  readonly inputs: RunInputs;
  readonly place: Place;
  readonly available: ReadonlySet<AttributeName>;
  /** Those that the wish watches for; of a delta run all that it read. */
  readonly devices: readonly EntraDevice[];
  readonly objects: readonly DeviceObject[];
  readonly source: DeviceSource;
  readonly directory: Directory;
  readonly files: RunFiles;
  /** Signs of another machine that writes here. */
  readonly strangers: Strangers;
  /** The domain controller's clock now. */
  directoryTime(): Date;
  /** The hints that were found. */
  readonly previous: Hints | null;
  /** The hints for the next run, if every change of this one is applied; null: the next run reads everything. */
  readonly next: Hints | null;
  close(): Promise<void>;
}

/** What a command is told to read. */
export interface Wish {
  /** Both sides whole, whatever the hints say. */
  readonly full: boolean;
  /** What to keep the values of in a full run, which else are gone when the plan is made; null for nothing. */
  readonly watch: Watch | null;
}

/** Reads what is needed and makes the plan. Reads only. */
export async function makePlan(
  options: Options,
  wish: Wish,
  outside: Outside,
  log: Log,
  outputs: Pick<Outputs, 'progress'>,
  signal: AbortSignal,
): Promise<PlannedRun> {
  const settings = sourceSettings(options, log);
  const policy = policyOf(options);
  const scope = scopeOptions(options);
  const directory = await outside.openDirectory(directorySettings(options), log);
  try {
    const source = await outside.openSource(settings, log);
    refuseOtherToken(settings.tenantId, await source.signIn(signal));
    const place = await findPlace(directory, options.text('domainName'), signal);
    const files = outside.openRunFiles(stateSettings(options, settings.tenantId, domainOf(place.rootDse)), log);
    const reader: Reader = {
      source,
      directory,
      place,
      tenantId: settings.tenantId,
      scope,
      policy,
      log,
      outputs,
      signal,
    };
    const grounds = groundsOf(place, settings.tenantId, scope, policy);
    const hints = files.readHints();
    const began = outside.clock.now();
    const strangers = new Strangers(settings.tenantId, hints?.witness ?? null);
    const whole = (why: string): Promise<Planned> => planWhole(why, wish.watch, strangers, reader, files);
    const why =
      wish.full || policy.adopt ? 'it was asked for' : whyFull(hints, grounds, fullAfterHours(options), began);
    tellOtherController(hints, grounds, log);
    const planned =
      hints === null || why !== null ? await whole(why ?? NO_HINTS) : await planChanges(hints, reader, whole);
    const { plan, reading, sides } = planned;
    log.verbose(`A ${reading.kind} run: ${reading.why}.`);
    for (const notice of plan.notices) log.warning(notice);
    tellUnproven(sides, plan, log);
    log.verbose(`Plan ${plan.digest}: ${renderSummary(plan.summary, plan.reading)}.`);
    return {
      plan,
      reading: { ...reading, milliseconds: millisecondsSince(began, outside.clock) },
      inputs: { policy, scope },
      place,
      available: planned.available,
      devices: sides.devices,
      objects: sides.objects,
      source,
      directory,
      files,
      strangers,
      directoryTime: directoryClock(place.rootDse, began, outside.clock),
      previous: hints,
      next:
        sides.deltaLink === null
          ? null
          : {
              deltaLink: sides.deltaLink,
              grounds,
              completeRead: reading.kind === 'full' || hints === null ? began.toISOString() : hints.completeRead,
              pending: unprovenIds(sides),
            },
      close: () => directory.close(),
    };
  } catch (error) {
    await directory.close();
    throw error;
  }
}

/** Streams the plan: changes in the order of applying, then what is held. */
export async function emitPlan(run: PlannedRun, outputs: Outputs): Promise<Omit<PlanResult, 'handle'>> {
  const { plan } = run;
  for (const [number, change] of plan.changes.entries()) await outputs.emit('change', wireChange(change, number));
  for (const held of plan.held) await outputs.emit('change', wireHeld(held));
  return {
    digest: plan.digest,
    changes: plan.changes.length,
    held: plan.held.length,
    unchanged: plan.summary.unchanged,
    summary: renderSummary(plan.summary, plan.reading),
    refusal: plan.refusal === null ? null : refusalError(plan.refusal, plan.container).toJSON(),
  };
}

/** A plan and what it was made from. */
interface Planned {
  readonly plan: Plan;
  readonly reading: Pick<Reading, 'kind' | 'why'>;
  readonly available: ReadonlySet<AttributeName>;
  readonly sides: Pick<Sides, 'devices' | 'objects' | 'absences' | 'deltaLink'>;
}

const NO_HINTS = 'there are no hints of an earlier run';

/** The plan of everything. */
async function planWhole(
  why: string,
  watch: Watch | null,
  strangers: Strangers,
  reader: Reader,
  files: RunFiles,
): Promise<Planned> {
  const { directory, place, tenantId, signal } = reader;
  const available = await availableAttributes(directory, place, signal);
  refuseOtherTenant(tenantId, await directory.serviceConnectionPoint(signal));
  const sides: FullRead = await planInFull(
    reader,
    available,
    files,
    watch,
    (census) => refuseForeignContainer(tenantId, census, place.container),
    (object) => strangers.see(object),
  );
  return { plan: sides.plan, reading: { kind: 'full', why }, available, sides };
}

/** The plan of what changed, or of everything where only that will do. */
async function planChanges(hints: Hints, reader: Reader, whole: (why: string) => Promise<Planned>): Promise<Planned> {
  const { source, directory, place, tenantId, policy, log, signal } = reader;
  const sides = await readChanges(reader, hints);
  if ('fullBecause' in sides) {
    log.warning(`Everything is read: ${sides.fullBecause}.`);
    return whole(sides.fullBecause);
  }
  const touched = sides.objects.length > 0 || sides.devices.length > 0;
  // Where nothing is planned no attribute can be lacking, so the schema need not be read.
  const available = touched ? await availableAttributes(directory, place, signal) : new Set(ATTRIBUTE_NAMES);
  if (touched) refuseOtherTenant(tenantId, await directory.serviceConnectionPoint(signal));
  refuseForeignContainer(tenantId, sides.census, place.container);
  const { container } = place;
  const directoryTime = place.rootDse.currentTime;
  const sourceTime = source.serverTime();
  const plan = computePlan({
    ...sides,
    tenantId,
    container,
    available,
    directoryTime,
    sourceTime,
    policy,
  });
  const why = `changes since the run before, last complete read ${hints.completeRead}`;
  return { plan, reading: { kind: 'delta', why }, available, sides };
}

function tellOtherController(hints: Hints | null, grounds: Hints['grounds'], log: Log): void {
  const former = hints?.grounds[DOMAIN_CONTROLLER];
  if (former === undefined || former === grounds[DOMAIN_CONTROLLER]) return;
  log.warning(`Everything is read: the run before used ${former}, this one ${grounds[DOMAIN_CONTROLLER]}.`);
}

const HOUR = 60 * 60 * 1000;

const DOMAIN_CONTROLLER = 'the domain controller';

/** Why these hints do not do, or null. */
function whyFull(hints: Hints | null, grounds: Hints['grounds'], hours: number, now: Date): string | null {
  if (hints === null) return NO_HINTS;
  for (const [name, value] of Object.entries(grounds)) {
    if (hints.grounds[name] !== value) return `${name} is not that of the run before`;
  }
  const age = now.getTime() - Date.parse(hints.completeRead);
  if (age < 0) return 'the last complete read lies in the future';
  return age >= hours * HOUR ? `the last complete read is ${hours} hours old or older` : null;
}

/** What a delta link is good for: with another value of one of these, what did not change may need a change. */
function groundsOf(place: Place, tenantId: Guid, scope: Scope, policy: Policy): Hints['grounds'] {
  return {
    'the tenant': tenantId,
    'the container': place.objectGuid,
    [DOMAIN_CONTROLLER]: place.rootDse.dnsHostName,
    'the scope': JSON.stringify(scope),
    'the policy': policy.keepRemoved ? 'keep removed' : `delete after ${policy.deleteAfterDays} days`,
    'the attribute flow': ATTRIBUTE_FLOW_VERSION,
  };
}

function unprovenIds({ absences }: Planned['sides']): readonly Guid[] {
  return [...absences].filter(([, absence]) => absence.state === 'unproven').map(([id]) => id);
}

/** A device that a delta run could not read may have no object that the plan could show as held. */
function tellUnproven({ absences }: Planned['sides'], plan: Plan, log: Log): void {
  const shown = new Set(plan.held.map(({ objectId }) => objectId));
  const untold = [...absences].flatMap(([id, absence]) =>
    absence.state === 'unproven' && !shown.has(id) ? [`${id} (${absence.why})`] : [],
  );
  if (untold.length === 0) return;
  const which = untold.length === 1 ? untold.join() : `${untold.length} Entra devices, the first of them ${untold[0]}`;
  log.warning(`Left as it is, for it could not be read: ${which}. The next run asks again.`);
}

function refuseForeignContainer(tenantId: Guid, census: Census | null, container: string): void {
  if (census === null || census.foreign === 0 || census.owned > 0) return;
  throw new WritebackError(
    'OtherTenant',
    `All ${census.foreign} marks in ${container} are another tenant's, none is of ${tenantId}.`,
    {
      target: container,
      remedy:
        'A forest takes the devices of one tenant: give the TenantId whose mark the objects carry (adminDescription).',
    },
  );
}
