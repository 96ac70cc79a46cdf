/** A tenant whose every device can be written, and the directory that a writeback of it has left. */
import { ATTRIBUTE_NAMES, ATTRIBUTES, MARK_ATTRIBUTE, type AttributeName } from '../../src/device/attributes.ts';
import { attributeFlow } from '../../src/device/attributeFlow.ts';
import { guidFromHex, guidToHex } from '../../src/device/guid.ts';
import { markText } from '../../src/device/mark.ts';
import { parseDevice } from '../../src/graph/parseDevice.ts';
import { GuidSequence } from '../emulator/guidSequence.ts';
import type { StreamedEntry, StreamingDirectoryOptions } from '../emulator/streamingDirectory.ts';
import { syntheticDevices, type DeviceKind, type SyntheticTenant } from '../emulator/syntheticDevices.ts';

const SEED = 2026;
/** Devices in which the kinds of synthetic ones repeat. */
const ROUND = 100;
const NOT_WRITABLE: readonly DeviceKind[] = ['keyless', 'otherKeyForm', 'nameless'];
/** A prime, so that the directory gives its objects in another order than Graph its devices. */
const STRIDE = 7919;

export function writableTenant(count: number): SyntheticTenant {
  const kinds = syntheticDevices(ROUND, SEED);
  const places = Array.from({ length: ROUND }, (_, place) => place).filter(
    (place) => !NOT_WRITABLE.includes(kinds.kindAt(place)),
  );
  const all = syntheticDevices(ROUND * Math.ceil(count / places.length), SEED);
  const among = (index: number): number =>
    ROUND * Math.floor(index / places.length) + (places[index % places.length] ?? 0);
  return {
    kindAt: (index) => all.kindAt(among(index)),
    devices: {
      count,
      at: (index) => all.devices.at(among(index)),
      indexOf: (id) => {
        const found = all.devices.indexOf(id);
        const place = found === null ? -1 : places.indexOf(found % ROUND);
        if (found === null || place < 0) return null;
        const index = places.length * Math.floor(found / ROUND) + place;
        return index < count ? index : null;
      },
    },
    users: all.users,
  };
}

/**
 * The device objects of the tenant's devices.
 * @param staleEvery each so many has another displayName than its device; null for none
 */
export function writtenDevices(
  tenant: SyntheticTenant,
  tenantId: string,
  container: string,
  staleEvery: number | null,
): StreamingDirectoryOptions['devices'] {
  const { count } = tenant.devices;
  if (count % STRIDE === 0) throw new Error(`The number of devices must not be a multiple of ${STRIDE}.`);
  const guids = new GuidSequence(SEED, 'object');
  const mark = markText({ tenantId, removed: null });
  return {
    count,
    at: (position) => entryOf(position, (position * STRIDE) % count),
    positionOf: (objectGuid) => guids.indexOf(guidFromHex(objectGuid.toString('hex')) ?? '', count),
  };

  function entryOf(position: number, index: number): StreamedEntry {
    const device = deviceAt(tenant, index);
    const flow = attributeFlow(device, AVAILABLE);
    const attributes: Record<string, (string | Buffer)[]> = {
      objectGUID: [Buffer.from(guidToHex(guids.at(position)), 'hex')],
      whenCreated: ['20260101000000.0Z'],
      [MARK_ATTRIBUTE]: [mark],
    };
    for (const name of ATTRIBUTE_NAMES) {
      const flowed = flow[name];
      if (flowed?.kind !== 'values') throw new Error(`${name} of device ${index} cannot be written.`);
      attributes[name] = flowed.values.map((value) => octetsOf(name, value));
    }
    if (staleEvery !== null && position % staleEvery === 0) attributes['displayName'] = ['a former name'];
    const { deviceId } = device;
    attributes['name'] = [deviceId ?? ''];
    return { distinguishedName: `CN=${deviceId},${container}`, attributes };
  }
}

const AVAILABLE: ReadonlySet<AttributeName> = new Set(ATTRIBUTE_NAMES);

function octetsOf(name: AttributeName, value: string): string | Buffer {
  return ATTRIBUTES[name].syntax === 'octet' ? Buffer.from(value, 'hex') : value;
}

function deviceAt({ devices, users }: SyntheticTenant, index: number) {
  const stored = devices.at(index);
  const parsed = parseDevice(stored);
  if (parsed === null) throw new Error(`Device ${index} is none.`);
  const owner = stored.registeredOwners?.[0];
  const user = owner === undefined ? null : users.indexOf(owner);
  const sid = user === null ? null : users.at(user)['onPremisesSecurityIdentifier'];
  return { ...parsed.device, ownerSid: typeof sid === 'string' ? sid : null };
}
