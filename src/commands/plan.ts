import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { throwIfCancelled, WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Plan } from '../plan/change.ts';
import { absencesToProve, computePlan, type Absence } from '../plan/computePlan.ts';
import { ownershipOf } from '../plan/decide.ts';
import { renderSummary } from '../plan/render.ts';
import type { Directory, DeviceSource, Outside, Reading } from '../ports.ts';
import type { Outputs, PlanResult } from '../protocol/messages.ts';
import { directorySettings, policyOf, sourceSettings, type Options } from './options.ts';
import { findPlace, parseConnectionPoint, type Place } from './place.ts';
import { refusalError, wireChange, wireHeld } from './wire.ts';

/** A plan with the sides it was made from and the connections that apply goes on to use. */
export interface PlannedRun {
  readonly plan: Plan;
  readonly reading: Reading;
  readonly place: Place;
  readonly devices: readonly EntraDevice[];
  readonly objects: readonly DeviceObject[];
  readonly source: DeviceSource;
  readonly directory: Directory;
  readonly statePath: string | null;
  close(): Promise<void>;
}

/** Reads both sides whole and makes the plan. Reads only. */
export async function makePlan(
  options: Options,
  outside: Outside,
  log: Log,
  outputs: Pick<Outputs, 'progress'>,
  signal: AbortSignal,
): Promise<PlannedRun> {
  const settings = sourceSettings(options);
  const policy = policyOf(options);
  const directory = await outside.openDirectory(directorySettings(options), log);
  try {
    const source = await outside.openSource(settings, log);
    await source.signIn(signal);
    const place = await findPlace(directory, signal);
    refuseOtherTenant(settings.tenantId, await directory.serviceConnectionPoint(signal));
    const objects = await collect(
      directory.devices(place.container, signal),
      'Reading device objects',
      outputs,
      signal,
    );
    refuseForeignContainer(settings.tenantId, objects, place.container);
    const listed = await collect(source.devices(signal), 'Reading Entra devices', outputs, signal);
    // A device that comes again counts as it came last.
    const read = [...new Map(listed.map((device) => [device.id, device])).values()];
    const input = {
      tenantId: settings.tenantId,
      devices: read,
      objects,
      directoryTime: place.rootDse.currentTime,
      policy,
    };
    const { devices, absences } = await proveAbsences(read, absencesToProve(input), source, signal);
    const plan = computePlan({
      ...input,
      devices,
      container: place.container,
      available: place.available,
      entraDevices: devices.length,
      absences,
      sourceTime: source.serverTime(),
    });
    for (const notice of plan.notices) log.warning(notice);
    log.verbose(`Plan ${plan.digest}: ${renderSummary(plan.summary)}.`);
    const close = (): Promise<void> => directory.close();
    const reading: Reading = { kind: 'full', why: 'every run reads everything' };
    return { plan, reading, place, devices, objects, source, directory, statePath: options.text('statePath'), close };
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

async function collect<T>(
  read: AsyncIterable<T>,
  activity: string,
  outputs: Pick<Outputs, 'progress'>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of read) {
    all.push(one);
    if (all.length % 100 === 0) outputs.progress({ activity, status: `${all.length} read`, percent: -1 });
  }
  throwIfCancelled(signal);
  return all;
}

/** Asks for each device that a removal would say is gone; one that is there after all is planned as read. */
async function proveAbsences(
  devices: readonly EntraDevice[],
  ids: readonly Guid[],
  source: DeviceSource,
  signal: AbortSignal,
): Promise<{ readonly devices: readonly EntraDevice[]; readonly absences: ReadonlyMap<Guid, Absence> }> {
  const absences = new Map<Guid, Absence>();
  const found: EntraDevice[] = [];
  if (ids.length > 0) {
    for await (const presence of source.devicesById(ids, signal)) {
      if (presence.state === 'present') found.push(presence.device);
      else absences.set(presence.id, presence);
    }
  }
  return { devices: [...devices, ...found], absences };
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
