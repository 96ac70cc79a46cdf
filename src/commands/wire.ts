/** From the engine's types to the shapes that cross the bridge. */
import { MARK_ATTRIBUTE } from '../device/attributes.ts';
import type { Change, Held, Refusal } from '../plan/change.ts';
import { displayValue } from '../device/displayValue.ts';
import type { ChangeResult } from '../ports.ts';
import { WritebackError } from '../errors.ts';
import type { WireChange, WireResult } from '../protocol/messages.ts';

export function wireChange(change: Change, number: number): WireChange {
  return {
    number,
    action: capital(change.action),
    name: change.displayName,
    deviceId: change.deviceId,
    objectId: change.objectId,
    distinguishedName: change.distinguishedName,
    reason: capital(change.cause),
    description: change.sentence,
    warnings: change.warnings,
    attributes: change.attributes.map(({ attribute, before, after }) => ({
      name: attribute,
      before: before.map((value) => displayValue(attribute, value)),
      after: after.map((value) => displayValue(attribute, value)),
    })),
  };
}

export function wireHeld(held: Held): WireChange {
  return {
    number: -1,
    action: 'Held',
    name: held.displayName,
    deviceId: held.deviceId,
    objectId: held.objectId,
    distinguishedName: held.distinguishedName,
    reason: held.reason,
    description: held.sentence,
    warnings: [],
    attributes:
      held.attribute === null || held.attribute === MARK_ATTRIBUTE
        ? []
        : [{ name: held.attribute, before: [], after: [] }],
  };
}

export function wireResult(change: Change, number: number, result: ChangeResult): WireResult {
  return { ...wireChange(change, number), state: capital(result.state), message: result.why };
}

export function refusalError(refusal: Refusal, container: string): WritebackError {
  return new WritebackError(refusal.code, refusal.sentence, { target: container, remedy: refusal.remedy });
}

export function capital<T extends string>(word: T): Capitalize<T> {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}` as Capitalize<T>;
}
