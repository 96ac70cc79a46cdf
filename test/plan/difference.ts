import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { AlternativeSecurityId, EntraDevice } from '../../src/device/entraDevice.ts';
import type { PlanInput } from '../../src/plan/computePlan.ts';

/**
 * Every difference between the two sides, found the slow way: each object against each device, by the rules of the
 * table and nothing of the engine's code. A difference is one line:
 * `create <object id>`, `<objectGUID> <attribute>=<values>`, `removal <objectGUID>`, `hold <reason> <id>`.
 */
export function differences(input: PlanInput): ReadonlySet<string> {
  const found = new Set<string>();
  const { objects, devices } = input;
  const twins = objects.filter((one) => sharesIdentity(one, input));
  const shared = devices.filter((one) => leadsAstray(one, input));

  for (const object of objects) {
    const device = devices.find((one) => joins(one, object));
    if (markedBy(object) !== null && markedBy(object) !== input.tenantId) {
      if (device !== undefined) found.add(`hold Foreign ${object.objectGuid}`);
    } else if (twins.includes(object)) found.add(`hold DuplicateInDirectory ${object.objectGuid}`);
    else if (shared.some((one) => joins(one, object))) found.add(`hold DuplicateInSource ${object.objectGuid}`);
    else if (markedBy(object) === null) {
      if (device === undefined) continue;
      if (!input.policy.adopt || object.adminDescription.length > 0) found.add(`hold Unowned ${object.objectGuid}`);
      else if (objects.some((other) => isFreshOfAnother(other, input)))
        found.add(`hold SecondWriter ${object.objectGuid}`);
      else {
        found.add(`${object.objectGuid} adminDescription`);
        for (const one of valueDifferences(object, device)) found.add(`${object.objectGuid} ${one}`);
      }
    } else if (device !== undefined) {
      for (const one of valueDifferences(object, device)) found.add(`${object.objectGuid} ${one}`);
    } else if (!waits(object, input) && isSpokenOf(object, input)) found.add(`removal ${object.objectGuid}`);
  }
  for (const device of devices) {
    if (shared.includes(device)) found.add(`hold DuplicateInSource ${device.id}`);
    else if (!objects.some((object) => joins(device, object))) found.add(`create ${device.id}`);
  }
  return found;
}

const octets = (guid: string): string => {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  return Buffer.concat([
    bytes.subarray(0, 4).toReversed(),
    bytes.subarray(4, 6).toReversed(),
    bytes.subarray(6, 8).toReversed(),
    bytes.subarray(8),
  ]).toString('hex');
};

const one = (object: DeviceObject, attribute: keyof DeviceObject['attributes']): string | null =>
  object.attributes[attribute]?.[0] ?? null;

function joins(device: EntraDevice, object: DeviceObject): boolean {
  const byDeviceId = typeof device.deviceId === 'string' && octets(device.deviceId) === one(object, 'msDS-DeviceID');
  return byDeviceId || octets(device.id) === one(object, 'msDS-CloudAnchor');
}

function sharesIdentity(object: DeviceObject, { objects, devices }: PlanInput): boolean {
  return objects.some((other) => {
    if (other === object) return false;
    const anchor = one(object, 'msDS-CloudAnchor');
    return (
      one(other, 'msDS-DeviceID') === one(object, 'msDS-DeviceID') ||
      (anchor !== null && one(other, 'msDS-CloudAnchor') === anchor) ||
      devices.some((device) => joins(device, object) && joins(device, other))
    );
  });
}

function leadsAstray(device: EntraDevice, { objects, devices }: PlanInput): boolean {
  return devices.some((other) => {
    if (other === device) return false;
    const sameId = typeof device.deviceId === 'string' && other.deviceId === device.deviceId;
    return sameId || objects.some((object) => joins(device, object) && joins(other, object));
  });
}

/** The tenant of the mark, null without a mark. */
function markedBy(object: DeviceObject): string | null {
  return /^DeviceWriteback (\S{36})( removed \S+Z)?$/.exec(object.adminDescription[0] ?? '')?.[1] ?? null;
}

function removedAt(object: DeviceObject): number | null {
  const text = / removed (\S+)$/.exec(object.adminDescription[0] ?? '')?.[1];
  return text === undefined ? null : Date.parse(text);
}

/** Whether the object of a device that is not in scope is as it shall be until the retention time ends. */
function waits(object: DeviceObject, { policy, directoryTime, reading }: PlanInput): boolean {
  const removed = removedAt(object);
  if (removed === null || one(object, 'msDS-IsEnabled') !== 'FALSE') return false;
  if (reading === 'delta') return true;
  if (policy.deleteAfterDays === 0) return policy.keepRemoved;
  return policy.keepRemoved || directoryTime.getTime() < removed + policy.deleteAfterDays * 86_400_000;
}

/** Whether something is known or must be known of the object's device: in a delta run only where Graph spoke of it. */
function isSpokenOf(object: DeviceObject, { reading, absences }: PlanInput): boolean {
  const ids = [...absences.keys()].map(octets);
  return reading === 'full' || ids.includes(one(object, 'msDS-CloudAnchor') ?? '');
}

/** Whether another program wrote this object with an anchor in the last 24 hours. */
function isFreshOfAnother(object: DeviceObject, { directoryTime }: PlanInput): boolean {
  const age = directoryTime.getTime() - object.whenCreated.getTime();
  return age < 86_400_000 && markedBy(object) === null && one(object, 'msDS-CloudAnchor') !== null;
}

function valueDifferences(object: DeviceObject, device: EntraDevice): string[] {
  const noKey = device.alternativeSecurityIds?.length === 0;
  const enables = device.accountEnabled === true && one(object, 'msDS-IsEnabled') === 'FALSE';
  const mayEnable = !enables || texts(device.alternativeSecurityIds) !== null;
  const wanted: Record<string, readonly string[] | null> = {
    'msDS-CloudAnchor': [octets(device.id)],
    'msDS-DeviceID': typeof device.deviceId === 'string' ? [octets(device.deviceId)] : null,
    'msDS-IsEnabled': noKey ? ['FALSE'] : mayEnable ? bool(device.accountEnabled) : null,
    displayName: device.displayName === null || device.displayName === undefined ? null : [device.displayName],
    altSecurityIdentities: texts(device.alternativeSecurityIds),
    'msDS-DevicePhysicalIDs': device.physicalIds ?? [],
    'msDS-IsManaged': device.isManaged === null ? [] : bool(device.isManaged),
    'msDS-DeviceOSType':
      device.operatingSystem === null ? [] : device.operatingSystem === undefined ? null : [device.operatingSystem],
  };
  const lines = Object.entries(wanted).flatMap(([attribute, values]) => {
    if (values === null) return [];
    const current = object.attributes[attribute as keyof DeviceObject['attributes']] ?? [];
    return current.toSorted().join() === values.toSorted().join() ? [] : [`${attribute}=${values.toSorted().join()}`];
  });
  if (removedAt(object) !== null) lines.push('adminDescription');
  return lines;
}

function bool(value: boolean | null | undefined): readonly string[] | null {
  return typeof value === 'boolean' ? [String(value).toUpperCase()] : null;
}

/** null where no entry has the form of a certificate key. */
function texts(entries: readonly AlternativeSecurityId[] | null | undefined): readonly string[] | null {
  const found = (entries ?? [])
    .map((entry) => Buffer.from(entry.key ?? '', 'base64').toString('utf16le'))
    .filter((text) => text.startsWith('X509:<SHA1-TP-PUBKEY>') && text.length === 105);
  return found.length === 0 ? null : [...new Set(found)];
}
