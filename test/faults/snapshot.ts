import { MARK, type Forest } from '../commands/forest.ts';
import { guidBytes, readObject, textOf, type PlainObject } from '../commands/oracle.ts';
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
  /** Values of altSecurityIdentities of the others, as in PlainObject. */
  readonly otherKeys: readonly string[];
  /** Entra devices by object id. */
  readonly devices: ReadonlyMap<string, StoredDevice>;
}

/** Throws if two objects of the tenant have one device id. */
export async function takeSnapshot(forest: Forest): Promise<Snapshot> {
  const own = new Map<string, PlainObject>();
  const others: Record<string, string> = {};
  const otherIds = new Set<string>();
  const otherKeys: string[] = [];
  for (const entry of await forest.entries()) {
    const object = readObject(entry);
    if (textValues(entry, 'adminDescription')[0]?.startsWith(MARK) === true) {
      if (own.has(object.deviceId)) throw new Error(`Two objects have the device id ${object.deviceId}.`);
      own.set(object.deviceId, object);
    } else {
      otherIds.add(object.deviceId);
      otherKeys.push(...(object.values['altSecurityIdentities'] ?? []));
      const values = [...entry.attributes].map(
        ([name, all]) => `${name}: ${all.map((one) => one.toString('hex')).join()}`,
      );
      others[entry.dn] = values.sort().join('\n');
    }
  }
  return {
    own,
    others,
    otherIds,
    otherKeys,
    devices: new Map([...forest.tenant.devices].map((device) => [device.id, device])),
  };
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

/** Days from the removed mark to the delete; 0: at once, null: never. */
export type Retention = number | null;

/** Whether a gone device's object is to be deleted; the time begins again where somebody enabled the object. */
export function isDue(object: PlainObject, retention: Retention): boolean {
  if (retention === null || retention === 0) return retention === 0;
  return (
    isRemoved(object) &&
    !isEnabled(object) &&
    Date.now() - Date.parse(markOf(object).slice(-20)) > retention * 86_400_000
  );
}

/** Whether the anchor of the object is this device's. */
export function isAnchoredTo(object: PlainObject, device: StoredDevice): boolean {
  return object.values['msDS-CloudAnchor']?.[0] === guidBytes(device.id).toString('hex');
}
