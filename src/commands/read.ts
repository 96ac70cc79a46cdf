import { keysOf } from '../device/altSecurityIdentities.ts';
import { readAnchor } from '../device/anchor.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { throwIfCancelled, WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import { CensusTaker } from '../plan/census.ts';
import type { Absence, PlanInput } from '../plan/computePlan.ts';
import { deviceIdOf } from '../plan/decide.ts';
import { SCOPE_UNREAD } from '../plan/draft.ts';
import type { Policy } from '../plan/policy.ts';
import { scopeOf, type Scope } from '../plan/scope.ts';
import type { DeviceSource, Directory, Hints } from '../ports.ts';
import type { Outputs } from '../protocol/messages.ts';
import type { Place } from './place.ts';

/** What a plan is made from and what it does not find out by reading. */
export interface Sides extends Pick<
  PlanInput,
  'reading' | 'devices' | 'undecided' | 'entraDevices' | 'objects' | 'absences' | 'census'
> {
  /** The delta link that the next run begins with; null where the tenant has none. */
  readonly deltaLink: string | null;
}

/** Where and what is read. */
export interface Reader {
  readonly source: DeviceSource;
  readonly directory: Directory;
  readonly place: Place;
  readonly tenantId: Guid;
  readonly scope: Scope;
  readonly policy: Policy;
  readonly log: Log;
  readonly outputs: Pick<Outputs, 'progress'>;
  readonly signal: AbortSignal;
}

/** Some kinds of tenant have no delta (external and B2C tenants): then every run is a full one. */
export async function startDelta(source: DeviceSource, log: Log, signal: AbortSignal): Promise<string | null> {
  try {
    return await source.startDelta(signal);
  } catch (thrown) {
    if (!(thrown instanceof WritebackError) || thrown.code !== 'GraphFailed' || thrown.retryable) throw thrown;
    log.warning(`${thrown.message} Every run of this tenant reads everything.`);
    return null;
  }
}

/** Changed devices are asked for in batches of 20, the list gives 999 at a time. */
const MOST_CHANGED = 2000;

/**
 * What changed in Entra since the hints were left, and the objects that it leads to. Without a change nothing of the
 * container is read; with a device that is not simply there all of it is, for the anchor is not indexed and the
 * threshold needs the count.
 * Returns the reason where only a full read will do.
 */
export async function readChanges(reader: Reader, hints: Hints): Promise<Sides | { readonly fullBecause: string }> {
  const { source, signal } = reader;
  const answer = await source.changesSince(hints.deltaLink, signal);
  if (answer.state === 'refused') return { fullBecause: answer.why };
  const ids = [...new Set([...answer.ids, ...hints.pending])];
  if (ids.length > MOST_CHANGED) return { fullBecause: `${ids.length} devices changed, and the list costs less` };
  const found = await ask(ids, reader);
  const sorted = await sortByScope(found.devices, reader);
  const absences = new Map([...found.absences, ...sorted.absences]);
  const removes = absences.size > 0 || sorted.devices.some(hasLostItsKeys);
  const related = await relatedObjects(sorted.devices, new Set(ids), removes, reader);
  const { objects, census } = related;
  const former = await formerDevices(sorted.devices, objects, new Set(ids), reader);
  return {
    reading: 'delta',
    devices: [...sorted.devices, ...former.devices],
    undecided: [...sorted.undecided, ...former.undecided],
    entraDevices: found.devices.length,
    objects,
    absences: new Map([...absences, ...former.absences]),
    census,
    deltaLink: answer.link,
  };
}

/** Such a device may disable an object, which the removal threshold counts. */
function hasLostItsKeys(device: EntraDevice): boolean {
  return device.alternativeSecurityIds?.length === 0;
}

/** The objects that share anchor, device id, name or key with the devices that changed, sought in the whole container or not. */
async function relatedObjects(
  devices: readonly EntraDevice[],
  ids: ReadonlySet<Guid>,
  whole: boolean,
  reader: Reader,
): Promise<Pick<Sides, 'objects' | 'census'>> {
  const { directory, place, signal } = reader;
  const deviceIds = new Set(devices.flatMap(({ deviceId }) => deviceId ?? []));
  const keys = new Set(devices.flatMap((device) => keysOf(device.alternativeSecurityIds ?? [])));
  const isRelated = (object: DeviceObject): boolean => {
    const anchor = readAnchor(object.attributes['msDS-CloudAnchor']);
    return (
      (anchor !== null && ids.has(anchor)) ||
      deviceIds.has(deviceIdOf(object)) ||
      deviceIds.has(object.name.toLowerCase()) ||
      (object.attributes.altSecurityIdentities ?? []).some((key) => keys.has(key))
    );
  };
  const objects: DeviceObject[] = [];
  if (whole) {
    const census = new CensusTaker(reader.tenantId);
    const count = counting(READING_OBJECTS, reader.outputs);
    for await (const object of directory.devices(place.container, signal)) {
      count();
      census.add(object);
      if (isRelated(object)) objects.push(object);
    }
    throwIfCancelled(signal);
    return { objects, census: census.counts() };
  }
  if (devices.length === 0) return { objects, census: null };
  const names = { deviceIds: [...deviceIds], names: [...deviceIds], keys: [...keys] };
  for await (const object of directory.devicesNamed(place.container, names, signal)) {
    if (isRelated(object)) objects.push(object);
  }
  return { objects, census: null };
}

/**
 * An object whose device id a changed device has and whose anchor is another device's: that other one decides whether the
 * device registered anew or two devices share an id, so it is asked for too.
 */
async function formerDevices(
  devices: readonly EntraDevice[],
  objects: readonly DeviceObject[],
  asked: ReadonlySet<Guid>,
  reader: Reader,
): Promise<Pick<Sides, 'devices' | 'undecided' | 'absences'>> {
  const deviceIds = new Set(devices.map((device) => device.deviceId));
  const anchors = objects
    .filter((object) => deviceIds.has(deviceIdOf(object)))
    .flatMap((object) => readAnchor(object.attributes['msDS-CloudAnchor']) ?? [])
    .filter((anchor) => !asked.has(anchor));
  const found = await ask([...new Set(anchors)], reader);
  const sorted = await sortByScope(found.devices, reader);
  return { ...sorted, absences: new Map([...found.absences, ...sorted.absences]) };
}

/** Asks for each id; only 404 is gone. */
export async function ask(
  ids: readonly Guid[],
  { source, signal }: Reader,
): Promise<{ readonly devices: readonly EntraDevice[]; readonly absences: ReadonlyMap<Guid, Absence> }> {
  const devices: EntraDevice[] = [];
  const absences = new Map<Guid, Absence>();
  if (ids.length === 0) return { devices, absences };
  for await (const presence of source.devicesById(ids, signal)) {
    if (presence.state === 'present') devices.push(presence.device);
    else absences.set(presence.id, presence);
  }
  return { devices, absences };
}

/** In scope, out of it, or not to be told. The members of a group are read once, when there is a device to sort. */
async function sortByScope(
  all: readonly EntraDevice[],
  { source, scope, signal }: Reader,
): Promise<Pick<Sides, 'devices' | 'undecided' | 'absences'>> {
  const devices: EntraDevice[] = [];
  const undecided: EntraDevice[] = [];
  const absences = new Map<Guid, Absence>();
  if (all.length === 0) return { devices, undecided, absences };
  const members = await membersOf(scope, source, signal);
  for (const device of all) {
    const answer = scopeOf(device, scope, members);
    if (answer === 'in') devices.push(device);
    else if (answer === 'out') absences.set(device.id, { state: 'outOfScope' });
    else {
      undecided.push(device);
      absences.set(device.id, { state: 'unproven', device, why: SCOPE_UNREAD });
    }
  }
  return { devices, undecided, absences };
}

export async function membersOf(
  scope: Scope,
  source: DeviceSource,
  signal: AbortSignal,
): Promise<ReadonlySet<Guid> | null> {
  if (scope.groups.length === 0) return null;
  const members = new Set<Guid>();
  for (const group of scope.groups) for (const id of await source.groupMembers(group, signal)) members.add(id);
  return members;
}

export const READING_OBJECTS = 'Reading device objects';

/** To be called for each element that is read: the count is told as it grows. */
export function counting(activity: string, outputs: Reader['outputs']): () => void {
  let count = 0;
  return () => {
    count += 1;
    if (count % 100 === 0) outputs.progress({ activity, status: `${count} read`, percent: -1 });
  };
}
