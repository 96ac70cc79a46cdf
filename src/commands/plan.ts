import { ATTRIBUTE_FLOW_VERSION } from '../device/attributeFlow.ts';
import type { AttributeName } from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Plan } from '../plan/change.ts';
import { computePlan } from '../plan/computePlan.ts';
import { ownershipOf } from '../plan/decide.ts';
import type { Policy } from '../plan/policy.ts';
import { renderSummary } from '../plan/render.ts';
import type { Scope } from '../plan/scope.ts';
import type { DeviceSource, Directory, Hints, Outside, Reading, RunFiles } from '../ports.ts';
import type { Outputs, PlanResult } from '../protocol/messages.ts';
import { directorySettings, fullAfterHours, policyOf, scopeOptions, sourceSettings, type Options } from './options.ts';
import { availableAttributes, domainOf, findPlace, parseConnectionPoint, type Place } from './place.ts';
import { readAll, readChanges, type Reader, type Sides } from './read.ts';
import { refusalError, wireChange, wireHeld } from './wire.ts';

/** A plan with the sides it was made from and the connections that apply goes on to use. */
export interface PlannedRun {
  readonly plan: Plan;
  readonly reading: Reading;
  readonly place: Place;
  readonly available: ReadonlySet<AttributeName>;
  readonly devices: readonly EntraDevice[];
  readonly objects: readonly DeviceObject[];
  readonly source: DeviceSource;
  readonly directory: Directory;
  readonly files: RunFiles;
  /** The hints for the next run, if every change of this one is applied. */
  readonly next: Hints;
  close(): Promise<void>;
}

/** What a command is told to read. */
export interface Wish {
  /** Both sides whole, whatever the hints say. */
  readonly full: boolean;
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
  const settings = sourceSettings(options);
  const policy = policyOf(options);
  const scope = scopeOptions(options);
  const directory = await outside.openDirectory(directorySettings(options), log);
  try {
    const source = await outside.openSource(settings, log);
    await source.signIn(signal);
    const place = await findPlace(directory, signal);
    const files = outside.openRunFiles(options.text('statePath'), settings.tenantId, domainOf(place.rootDse), log);
    const reader: Reader = { source, directory, place, tenantId: settings.tenantId, scope, policy, outputs, signal };
    const grounds = groundsOf(place, settings.tenantId, scope, policy);
    const hints = files.readHints();
    const began = outside.clock.now();
    const { sides, reading } = await readSides(reader, hints, wish, grounds, fullAfterHours(options), began, log);
    log.verbose(`A ${reading.kind} run: ${reading.why}.`);
    const touched = sides.objects.length > 0 || sides.devices.length > 0 || sides.reading === 'full';
    const available = touched ? await availableAttributes(directory, place, signal) : new Set<AttributeName>();
    if (touched) refuseOtherTenant(settings.tenantId, await directory.serviceConnectionPoint(signal));
    refuseForeignContainer(settings.tenantId, sides.objects, place.container);
    const plan = computePlan({
      ...sides,
      tenantId: settings.tenantId,
      container: place.container,
      available,
      directoryTime: place.rootDse.currentTime,
      sourceTime: source.serverTime(),
      policy,
    });
    for (const notice of plan.notices) log.warning(notice);
    log.verbose(`Plan ${plan.digest}: ${renderSummary(plan.summary)}.`);
    return {
      plan,
      reading,
      place,
      available,
      devices: sides.devices,
      objects: sides.objects,
      source,
      directory,
      files,
      next: {
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
    summary: renderSummary(plan.summary),
    refusal: plan.refusal === null ? null : refusalError(plan.refusal, plan.container).toJSON(),
  };
}

/** What changed if the hints allow it, else everything. */
async function readSides(
  reader: Reader,
  hints: Hints | null,
  wish: Wish,
  grounds: Hints['grounds'],
  hours: number,
  now: Date,
  log: Log,
): Promise<{ readonly sides: Sides; readonly reading: Reading }> {
  let why = wish.full ? 'it was asked for' : whyFull(hints, grounds, hours, now);
  if (hints !== null && why === null) {
    const sides = await readChanges(reader, hints);
    if (!('fullBecause' in sides)) {
      return {
        sides,
        reading: { kind: 'delta', why: `changes since the run before, last complete read ${hints.completeRead}` },
      };
    }
    why = sides.fullBecause;
    log.warning(`Everything is read: ${why}.`);
  }
  return {
    sides: await readAll(reader),
    reading: { kind: 'full', why: why ?? 'there are no hints of an earlier run' },
  };
}

const HOUR = 60 * 60 * 1000;

/** Why these hints do not do, or null. */
function whyFull(hints: Hints | null, grounds: Hints['grounds'], hours: number, now: Date): string | null {
  if (hints === null) return 'there are no hints of an earlier run';
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
    'the domain controller': place.rootDse.dnsHostName,
    'the scope': JSON.stringify(scope),
    'the policy': `${policy.keepRemoved ? 'keep removed' : `delete after ${policy.deleteAfterDays} days`}`,
    'the attribute flow': ATTRIBUTE_FLOW_VERSION,
  };
}

function unprovenIds({ absences }: Sides): readonly Guid[] {
  return [...absences].filter(([, absence]) => absence.state === 'unproven').map(([id]) => id);
}

function refuseOtherTenant(tenantId: Guid, keywords: readonly string[] | null): void {
  const point = parseConnectionPoint(keywords ?? []);
  if (point.kind !== 'cloud' || point.tenantId === tenantId) return;
  throw new WritebackError(
    'OtherTenant',
    `The service connection point of this forest names tenant ${point.tenantId}, not ${tenantId}.`,
    {
      target: point.tenantId,
      remedy: 'Sync the tenant that the forest is joined to, or correct azureADId in its keywords.',
    },
  );
}

function refuseForeignContainer(tenantId: Guid, objects: readonly DeviceObject[], container: string): void {
  const ownerships = objects.map((object) => ownershipOf(object, tenantId));
  if (!ownerships.includes('foreign') || ownerships.includes('owned')) return;
  const foreign = ownerships.filter((ownership) => ownership === 'foreign').length;
  throw new WritebackError(
    'OtherTenant',
    `All ${foreign} marks in ${container} are another tenant's, none is of ${tenantId}.`,
    {
      target: container,
      remedy:
        'A forest takes the devices of one tenant: give the TenantId whose mark the objects carry (adminDescription).',
    },
  );
}
