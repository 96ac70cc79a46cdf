import type { AttributeName } from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { throwIfCancelled, WritebackError } from '../errors.ts';
import type { Census, Plan } from '../plan/change.ts';
import { leadsTo } from '../plan/decide.ts';
import type { Absence } from '../plan/draft.ts';
import { Matcher } from '../plan/matcher.ts';
import { planOfRows, type ValueReader } from '../plan/planOfRows.ts';
import { scopeOf } from '../plan/scope.ts';
import type { RunFiles, Spool } from '../ports.ts';
import { ask, counting, membersOf, READING_OBJECTS, startDelta, type Reader } from './read.ts';

/** What to keep the values of while everything is read. */
export interface Watch {
  object(object: DeviceObject): boolean;
  device(device: EntraDevice): boolean;
}

/** The plan of a full run, and what the next run begins with. */
export interface FullRead {
  readonly plan: Plan;
  /** null where the tenant has no delta link. */
  readonly deltaLink: string | null;
  /** Of the anchors whose devices were asked for by id, those that are gone or about which nothing was proven. */
  readonly absences: ReadonlyMap<Guid, Absence>;
  /** The devices that were watched for, in scope or not, and those that lead to an object that was. */
  readonly devices: readonly EntraDevice[];
  /** The objects that were watched for, and those that these devices lead to. */
  readonly objects: readonly DeviceObject[];
}

/** How often the plan is made anew because objects change while they are read. */
const MOST_ATTEMPTS = 3;

/**
 * Reads both sides whole and plans, in memory that grows by a row for each object and each device and not by their
 * values: those of the devices wait in a spool, those of objects that differ are read again. The delta link comes first,
 * so that nothing falls between it and the list.
 * @param check looks at the whole container before anything is read from Entra; what it throws ends the run
 * @param see gets each object as it is read
 */
export async function planInFull(
  reader: Reader,
  available: ReadonlySet<AttributeName>,
  files: RunFiles,
  watch: Watch | null,
  check: (census: Census) => void,
  see: (object: DeviceObject) => void,
): Promise<FullRead> {
  const { source, directory, place, tenantId, policy, outputs, signal } = reader;
  const kept = new Kept(watch);
  const deltaLink = await startDelta(source, reader.log, signal);
  const directoryTime = place.rootDse.currentTime;
  const matcher = new Matcher({ tenantId, available, directoryTime, policy });
  const countObject = counting(READING_OBJECTS, outputs);
  for await (const object of directory.devices(place.container, signal)) {
    countObject();
    matcher.addObject(object);
    kept.object(object);
    see(object);
  }
  throwIfCancelled(signal);
  check(matcher.census());
  const spool = files.openSpool();
  try {
    const add = await sorting(matcher, spool, kept, reader);
    const countDevice = counting('Reading Entra devices', outputs);
    for await (const device of source.devices(signal)) {
      countDevice();
      add(device);
    }
    throwIfCancelled(signal);
    const values: ValueReader = {
      device: (offset) => JSON.parse(spool.read(offset)) as EntraDevice,
      objects: (objectGuids) => readObjects(objectGuids, reader),
    };
    const absences = new Map<Guid, Absence>();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const found = await ask(
        matcher.absencesToProve().filter((id) => !absences.has(id)),
        reader,
      );
      for (const device of found.devices) add(device);
      for (const [id, absence] of found.absences) absences.set(id, absence);
      const sourceTime = source.serverTime();
      const { container } = place;
      const facts = { tenantId, container, available, reading: 'full', directoryTime, sourceTime, policy } as const;
      const plan = await planOfRows(matcher, facts, absences, values);
      if (plan !== null) {
        const { devices, objects } = await kept.whole(matcher, values);
        return { plan, deltaLink, absences, devices, objects };
      }
      reader.log.verbose('Objects were changed by somebody else while they were read; planning again.');
    }
  } finally {
    spool.close();
  }
  throw new WritebackError(
    'DirectoryFailed',
    `Reading the devices in ${place.container}: objects were changed by somebody else each time they were read.`,
    {
      target: place.container,
      remedy: 'Run again when no other program writes device objects there.',
      retryable: true,
    },
  );
}

/** Takes a device into its row, and its values into the spool where they may be looked at. */
async function sorting(
  matcher: Matcher,
  spool: Spool,
  kept: Kept,
  reader: Reader,
): Promise<(device: EntraDevice) => void> {
  const members = await membersOf(reader.scope, reader.source, reader.signal);
  const keep = (values: EntraDevice): number => spool.append(JSON.stringify(values));
  return (device) => {
    const scope = scopeOf(device, reader.scope, members);
    matcher.addDevice(device, scope, keep);
    kept.device(device);
  };
}

/** The devices and objects that somebody watches for; few. */
class Kept {
  private readonly watch: Watch | null;
  private readonly objects = new Map<Guid, DeviceObject>();
  private readonly devices = new Map<Guid, EntraDevice>();

  constructor(watch: Watch | null) {
    this.watch = watch;
  }

  object(object: DeviceObject): void {
    if (this.watch?.object(object) === true) this.objects.set(object.objectGuid, object);
  }

  /** A device that comes again counts as it came last. */
  device(device: EntraDevice): void {
    if (this.watch === null) return;
    const objects = [...this.objects.values()];
    if (this.watch.device(device) || objects.some((object) => leadsTo(device, object)))
      this.devices.set(device.id, device);
    else this.devices.delete(device.id);
  }

  /** With the objects that the devices lead to. */
  async whole(matcher: Matcher, values: ValueReader): Promise<Pick<FullRead, 'devices' | 'objects'>> {
    const devices = [...this.devices.values()];
    const missing = matcher.objectsOf(devices).filter((guid) => !this.objects.has(guid));
    if (missing.length > 0) for (const [guid, object] of await values.objects(missing)) this.objects.set(guid, object);
    return { devices, objects: [...this.objects.values()] };
  }
}

async function readObjects(
  objectGuids: readonly Guid[],
  { directory, place, signal }: Reader,
): Promise<ReadonlyMap<Guid, DeviceObject>> {
  const objects = new Map<Guid, DeviceObject>();
  for await (const object of directory.devicesByGuid(place.container, objectGuids, signal)) {
    objects.set(object.objectGuid, object);
  }
  return objects;
}
