import { ACTIONS, type Change, type Held } from './change.ts';

/** Disables first, for a revocation never waits; deletes last, for they cannot be taken back. */
export function inOrderOfApplying(changes: readonly Change[]): readonly Change[] {
  return changes.toSorted((a, b) => ACTIONS.indexOf(a.action) - ACTIONS.indexOf(b.action) || byDeviceId(a, b));
}

export function byDeviceId(a: Change, b: Change): number {
  return compare([a.deviceId, a.objectGuid], [b.deviceId, b.objectGuid]);
}

export function heldInOrder(held: readonly Held[]): readonly Held[] {
  const key = (one: Held): (string | null)[] => [
    one.deviceId,
    one.objectId,
    one.distinguishedName,
    one.reason,
    one.attribute,
  ];
  return held.toSorted((a, b) => compare(key(a), key(b)));
}

/** By code unit, null first, so that the order is the same in every locale. */
function compare(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? null;
    if (left === right) continue;
    if (left === null) return -1;
    if (right === null) return 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
