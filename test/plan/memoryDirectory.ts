import { MARK_ATTRIBUTE, sameValues, type AttributeName, type Values } from '../../src/device/attributes.ts';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import { guidFromHex } from '../../src/device/guid.ts';
import type { Change } from '../../src/plan/change.ts';

/**
 * The device objects as they are after these changes, by a directory in memory that checks what a real one does: the
 * object is there, each old value is as the change names it, and a new name is free.
 * @throws Error where a change does not fit the objects.
 */
export function applied(objects: readonly DeviceObject[], changes: readonly Change[], now: Date): DeviceObject[] {
  const byGuid = new Map(objects.map((object) => [object.objectGuid, object]));
  for (const change of changes) {
    if (change.objectGuid === null) {
      const created = create(change, now);
      const names = [...byGuid.values()].map((object) => object.distinguishedName.toLowerCase());
      if (names.includes(created.distinguishedName.toLowerCase()))
        throw new Error(`${created.distinguishedName} exists`);
      byGuid.set(created.objectGuid, created);
      continue;
    }
    const object = byGuid.get(change.objectGuid);
    if (object === undefined) throw new Error(`${change.distinguishedName} is not there`);
    if ((object.adminDescription[0] ?? null) !== change.mark)
      throw new Error(`${change.distinguishedName} has another mark`);
    if (change.action === 'delete') byGuid.delete(change.objectGuid);
    else byGuid.set(change.objectGuid, modify(object, change));
  }
  return [...byGuid.values()];
}

function create(change: Change, now: Date): DeviceObject {
  const name = change.distinguishedName.split(',')[0]?.slice('CN='.length) ?? '';
  // A directory chooses it; here it follows from the name, so that the same changes give the same objects.
  const objectGuid = guidFromHex(name.replaceAll('-', ''));
  if (objectGuid === null) throw new Error(`${change.distinguishedName} is not named by a device id`);
  const { distinguishedName } = change;
  const nothing = { attributes: {}, adminDescription: [], hasTransportKey: false };
  return modify({ objectGuid, distinguishedName, name, ...nothing, whenCreated: now }, change);
}

function modify(object: DeviceObject, change: Change): DeviceObject {
  const attributes: Partial<Record<AttributeName, Values>> = { ...object.attributes };
  let { adminDescription } = object;
  for (const { attribute, before, after } of change.attributes) {
    const current = attribute === MARK_ATTRIBUTE ? adminDescription : (attributes[attribute] ?? []);
    if (!sameValues(current, before)) throw new Error(`${change.distinguishedName}: ${attribute} is not as planned`);
    if (sameValues(before, after)) throw new Error(`${change.distinguishedName}: ${attribute} does not change`);
    if (attribute === MARK_ATTRIBUTE) adminDescription = after;
    else if (after.length > 0) attributes[attribute] = after;
    else delete attributes[attribute];
  }
  return { ...object, attributes, adminDescription };
}

/**
 * What this directory cannot do for itself: the object of a change is found by its name, for an undo does not know the
 * objectGUID of what it creates again, or of what the run created.
 */
export function located(changes: readonly Change[], objects: readonly DeviceObject[]): Change[] {
  const byName = new Map(objects.map((object) => [object.distinguishedName, object.objectGuid]));
  return changes.map((change) => {
    const objectGuid = byName.get(change.distinguishedName);
    return change.action === 'create' || objectGuid === undefined ? change : { ...change, objectGuid };
  });
}

/** What an undo brings back, by name: everything but objectGUID, the transport key and the time of creation. */
export function restorable(objects: readonly DeviceObject[]): Record<string, unknown> {
  return Object.fromEntries(
    objects.map(({ distinguishedName, attributes, adminDescription }) => [
      distinguishedName,
      { attributes, adminDescription },
    ]),
  );
}
