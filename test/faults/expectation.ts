/** What may never happen in a run, and what must be true at the end, told by none of the engine's code. */
import { isDeepStrictEqual } from 'node:util';
import type { WireRun } from '../../src/protocol/messages.ts';
import { certificateKeys, desiredObject, textOf, type PlainObject } from '../commands/oracle.ts';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { certificateKey } from '../emulator/newEntities.ts';
import type { Tenant } from '../emulator/tenant.ts';
import { isAnchoredTo, isDue, isEnabled, isRemoved, type Retention, type Snapshot } from './snapshot.ts';

export type IsInScope = (device: StoredDevice) => boolean;

/** What one run did against the rules, in words; nothing is well. */
export function wrongs(
  before: Snapshot,
  after: Snapshot,
  isInScope: IsInScope,
  reading: WireRun['reading'] | null,
  retention: Retention,
): readonly string[] {
  const found: string[] = [];
  if (!isDeepStrictEqual(before.others, after.others)) found.push('an object that is not its own was touched');
  for (const [deviceId, object] of before.own) {
    const now = after.own.get(deviceId) ?? null;
    // What changed in the middle of the run may be seen either way.
    const live = [...before.devices.values()].filter(
      (device) => isDeepStrictEqual(after.devices.get(device.id), device) && isInScope(device),
    );
    const anchored = live.find((device) => isAnchoredTo(object, device));
    const named = live.filter((device) => device['deviceId'] === deviceId);
    const settled = before.devices.size === after.devices.size;
    if (now === null) {
      if (anchored !== undefined) found.push(`the object ${deviceId} of a living device was deleted`);
      else if (!isDue(object, retention)) found.push(`the object ${deviceId} was deleted before its time`);
      else if (reading !== 'Full') found.push(`the object ${deviceId} was deleted by no full run`);
      continue;
    }
    if (isRemoved(now) && !isDeepStrictEqual(object.values['adminDescription'], now.values['adminDescription'])) {
      if (anchored !== undefined) found.push(`the object ${deviceId} of a living device was marked as removed`);
      if (reading === 'Full' && settled && named.length > 0)
        found.push(`the object ${deviceId} was marked as removed though a living device has its device id`);
    }
    const keyless = (device: StoredDevice): boolean => certificateKeys(device).length === 0;
    const stated = [...named, ...(anchored === undefined ? [] : [anchored])].some(
      (device) => device['accountEnabled'] === false || keyless(device),
    );
    if (isEnabled(object) && !isEnabled(now) && anchored !== undefined && !stated)
      found.push(`the object ${deviceId} of a living and enabled device was disabled`);
  }
  return found;
}

/** How the directory differs from what Entra and the time before ask for. */
export function differences(
  before: Snapshot,
  after: Snapshot,
  tenant: Tenant,
  isInScope: IsInScope,
  policy: Policy,
  passOver: ReadonlySet<string>,
): readonly string[] {
  const inScope = [...tenant.devices].filter(isInScope);
  const ids = new Set([
    ...before.own.keys(),
    ...after.own.keys(),
    ...inScope.map((device) => String(device['deviceId'])),
  ]);
  return [...ids].flatMap((deviceId) => {
    if (after.otherIds.has(deviceId) || passOver.has(deviceId)) return [];
    const devices = inScope.filter((device) => device['deviceId'] === deviceId);
    const sides = { before: before.own.get(deviceId) ?? null, after: after.own.get(deviceId) ?? null };
    const wrong = differenceOf(devices, sides, tenant, policy, keyTaken(devices[0], sides.before, before, inScope));
    return wrong === null ? [] : [`${deviceId}: ${wrong}`];
  });
}

/**
 * Why a new object cannot be: another object has the device's key, or another new one would. The latter a delta run does
 * not know of a device that Entra does not name.
 */
function keyTaken(
  device: StoredDevice | undefined,
  object: PlainObject | null,
  { own, otherIds, otherKeys }: Snapshot,
  inScope: readonly StoredDevice[],
): 'byObject' | 'byDevice' | null {
  if (device === undefined || object !== null) return null;
  const keys = new Set(certificateKeys(device));
  const ownKeys = [...own.values()].flatMap(({ values }) => values['altSecurityIdentities'] ?? []);
  if ([...ownKeys, ...otherKeys].some((hex) => keys.has(Buffer.from(hex, 'hex').toString()))) return 'byObject';
  const rivals = inScope.filter(
    (other) =>
      other !== device &&
      !own.has(String(other['deviceId'])) &&
      !otherIds.has(String(other['deviceId'])) &&
      inScope.filter((one) => one['deviceId'] === other['deviceId']).length === 1,
  );
  return rivals.flatMap(certificateKeys).some((key) => keys.has(key)) ? 'byDevice' : null;
}

interface Policy {
  readonly full: boolean;
  readonly retention: Retention;
}

interface Sides {
  readonly before: PlainObject | null;
  readonly after: PlainObject | null;
}

function differenceOf(
  devices: readonly StoredDevice[],
  { before, after }: Sides,
  tenant: Tenant,
  { full, retention }: Policy,
  taken: ReturnType<typeof keyTaken>,
): string | null {
  const [device, another] = devices;
  if (another !== undefined) {
    if (after === null) return before === null ? null : 'two devices have this device id, and the object is gone';
    const anchored = devices.find((one) => isAnchoredTo(after, one));
    const mustBeOff = anchored?.['accountEnabled'] === false;
    return mustBeOff && isEnabled(after) ? 'the device of the anchor is disabled, the object is not' : null;
  }
  if (device !== undefined) {
    if (taken === 'byDevice' && !full) return null;
    const wanted = taken === null ? expected(device, before, tenant) : null;
    return compare(wanted, after, full ? [] : ['msDS-RegisteredOwner']);
  }
  if (before === null) return after === null ? null : 'an object without a device was created';
  if (full && isDue(before, retention))
    return after === null ? null : 'the time of retention is over, and the object is there';
  if (after === null) return 'the device is gone, and the object before its time too';
  if (isEnabled(after) || !isRemoved(after)) return 'the device is gone, and the object is not marked and disabled';
  return compare(before, after, ['adminDescription', 'msDS-IsEnabled']);
}

/** A device without name or keys has no new object, and leaves what a present one has of them. */
function expected(device: StoredDevice, before: PlainObject | null, tenant: Tenant): PlainObject | null {
  const keyless = certificateKeys(device).length === 0;
  const nameless = typeof device['displayName'] !== 'string';
  if (!keyless && !nameless) return desiredObject(device, tenant);
  if (before === null) return null;
  const stands: Record<string, unknown> = {};
  if (nameless) stands['displayName'] = textOf(before, 'displayName');
  if (keyless) stands['alternativeSecurityIds'] = [certificateKey('stands in')];
  const object = desiredObject({ ...device, ...stands }, tenant);
  if (object === null || !keyless) return object;
  const off = { 'msDS-IsEnabled': [Buffer.from('FALSE').toString('hex')] };
  return {
    ...object,
    values: { ...object.values, ...off, altSecurityIdentities: before.values['altSecurityIdentities'] ?? [] },
  };
}

function compare(wanted: PlainObject | null, found: PlainObject | null, leaveOut: readonly string[]): string | null {
  if (wanted === null) return found === null ? null : 'an object is there that should not be';
  if (found === null) return 'the object is missing';
  const names = new Set([...Object.keys(wanted.values), ...Object.keys(found.values)]);
  const wrong = [...names].filter(
    (name) => !leaveOut.includes(name) && !isDeepStrictEqual(wanted.values[name], found.values[name]),
  );
  if (wrong.length === 0) return null;
  return wrong.map((name) => `${name} is ${textOf(found, name)}, not ${textOf(wanted, name)}`).join('; ');
}
