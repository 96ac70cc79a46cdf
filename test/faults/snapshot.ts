import { MARK, type Forest } from '../commands/forest.ts';
import { readObject, textOf, type PlainObject } from '../commands/oracle.ts';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { textValues } from '../lab/ldif.ts';

/** Both sides at one instant. */
export interface Snapshot {
  /** The objects that carry the tenant's mark, by device id. */
  readonly own: ReadonlyMap<string, PlainObject>;
  /** Every attribute of every other object, by DN. */
  readonly others: Readonly<Record<string, string>>;
  /** Device ids of the others. */
  readonly otherIds: ReadonlySet<string>;
  /** Entra devices by object id. */
  readonly devices: ReadonlyMap<string, StoredDevice>;
}

/** Throws if two objects of the tenant have one device id. */
export async function takeSnapshot(forest: Forest): Promise<Snapshot> {
  const own = new Map<string, PlainObject>();
  const others: Record<string, string> = {};
  const otherIds = new Set<string>();
  for (const entry of await forest.entries()) {
    const object = readObject(entry);
    if (textValues(entry, 'adminDescription')[0]?.startsWith(MARK) === true) {
      if (own.has(object.deviceId)) throw new Error(`Two objects have the device id ${object.deviceId}.`);
      own.set(object.deviceId, object);
    } else {
      otherIds.add(object.deviceId);
      const values = [...entry.attributes].map(
        ([name, all]) => `${name}: ${all.map((one) => one.toString('hex')).join()}`,
      );
      others[entry.dn] = values.sort().join('\n');
    }
  }
  return { own, others, otherIds, devices: new Map([...forest.tenant.devices].map((device) => [device.id, device])) };
}

export function isEnabled(object: PlainObject): boolean {
  return textOf(object, 'msDS-IsEnabled') !== 'FALSE';
}

export function markOf(object: PlainObject): string {
  return textOf(object, 'adminDescription') ?? '';
}

export function isRemoved(object: PlainObject): boolean {
  return markOf(object).includes(' removed ');
}

/** Whether the time of retention, 30 days, is over since the removed mark. */
export function isDue(object: PlainObject): boolean {
  return isRemoved(object) && Date.now() - Date.parse(markOf(object).slice(-20)) > 30 * 86_400_000;
}

/** The Entra object id in the anchor. */
export function anchorOf(object: PlainObject): string {
  const bytes = Buffer.from(object.values['msDS-CloudAnchor']?.[0] ?? '', 'hex');
  const little = (start: number, end: number): string =>
    Buffer.from(bytes.subarray(start, end)).reverse().toString('hex');
  const rest = bytes.subarray(8).toString('hex');
  return [little(0, 4), little(4, 6), little(6, 8), rest.slice(0, 4), rest.slice(4)].join('-');
}
