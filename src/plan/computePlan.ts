import { keysOf } from '../device/altSecurityIdentities.ts';
import { readAnchor } from '../device/anchor.ts';
import { ATTRIBUTE_NAMES, type AttributeName } from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { parseMark } from '../device/mark.ts';
import { quotedText } from '../device/quotedText.ts';
import {
  ACTIONS,
  HELD_REASONS,
  PLAN_FORMAT_VERSION,
  type Action,
  type Census,
  type Change,
  type Held,
  type HeldReason,
  type Plan,
  type PlanSummary,
} from './change.ts';
import { decide, deviceIdOf, isEnabled, markOf, ownershipOf, type Circumstances, type Whereabouts } from './decide.ts';
import { digest } from './digest.ts';
import { match, type DirectoryRow, type Ownership, type SourceRow } from './match.ts';
import { heldInOrder, inOrderOfApplying } from './order.ts';
import { clocksAgree, retentionOver, deletesAtOnce, type Policy } from './policy.ts';
import { countsAsRemoval, refuse, removalThreshold } from './thresholds.ts';

/** How an anchor's device that is not among the devices in scope was found. */
export type Absence =
  { readonly state: 'gone' } | { readonly state: 'outOfScope' } | { readonly state: 'unproven'; readonly why: string };

/** Both sides as they were read. The same input in any order gives the same plan. */
export interface PlanInput {
  readonly tenantId: Guid;
  readonly container: string;
  /** Attributes of the flow that the directory's schema has. */
  readonly available: ReadonlySet<AttributeName>;
  /** Entra devices in scope. */
  readonly devices: readonly EntraDevice[];
  /** Entra devices of which it is not known whether they are in scope. */
  readonly undecided: readonly EntraDevice[];
  /** All Entra devices that were read. */
  readonly entraDevices: number;
  /** All objects of the container, or in a delta run those that the devices lead to. */
  readonly objects: readonly DeviceObject[];
  /**
   * By Entra object id. An anchor that is neither here nor among the devices is unproven in a full run; in a delta run
   * nothing is known to have happened to it.
   */
  readonly absences: ReadonlyMap<Guid, Absence>;
  readonly reading: Plan['reading'];
  /** The whole container; null where a delta run did not need to read it. */
  readonly census: Census | null;
  /** The domain controller's clock. */
  readonly directoryTime: Date;
  /** Graph's clock. */
  readonly sourceTime: Date | null;
  readonly policy: Policy;
}

/**
 * The anchors whose Entra devices must be asked for by id before a full plan can say that they are gone: those of owned
 * objects of which nothing is known and that a removal could touch.
 */
export function absencesToProve(
  input: Pick<PlanInput, 'tenantId' | 'devices' | 'objects' | 'absences' | 'directoryTime' | 'policy'>,
): readonly Guid[] {
  const known = new Set([...input.devices.map((device) => device.id), ...input.absences.keys()]);
  const anchors = input.objects.flatMap((object) => {
    if (ownershipOf(object, input.tenantId) !== 'owned') return [];
    const removed = markOf(object)?.removed ?? null;
    const waits = removed !== null && !isEnabled(object) && !retentionOver(removed, input.directoryTime, input.policy);
    const anchor = readAnchor(object.attributes['msDS-CloudAnchor']);
    return anchor === null || known.has(anchor) || (waits && !deletesAtOnce(input.policy)) ? [] : [anchor];
  });
  return [...new Set(anchors)].toSorted();
}

/** Counts a whole container. */
export function takeCensus(objects: readonly DeviceObject[], tenantId: Guid): Census {
  const ownerships = objects.map((object) => ownershipOf(object, tenantId));
  const count = (wanted: Ownership): number => ownerships.filter((ownership) => ownership === wanted).length;
  const ownedEnabled = objects.filter((object, index) => ownerships[index] === 'owned' && isEnabled(object)).length;
  return {
    objects: objects.length,
    owned: count('owned'),
    unowned: count('unowned'),
    foreign: count('foreign'),
    ownedEnabled,
  };
}

/** The plan: match, then decide each case, then the thresholds over the whole. */
export function computePlan(input: PlanInput): Plan {
  const { tenantId, policy } = input;
  const devices = input.devices.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const objects = input.objects.toSorted((a, b) => (a.objectGuid < b.objectGuid ? -1 : 1));
  const circumstances: Circumstances = {
    tenantId,
    container: input.container,
    available: input.available,
    now: input.directoryTime,
    clocksAgree: clocksAgree(input.directoryTime, input.sourceTime),
    policy,
    mayDelete: input.reading === 'full',
    whereabouts: whereaboutsIn(devices, input),
  };
  const changes: Change[] = [];
  const held: Held[] = [];
  let unchanged = 0;
  for (const situation of match(
    devices.map(sourceRow),
    objects.map((object) => directoryRow(object, tenantId)),
  )) {
    const device = 'device' in situation && situation.device !== null ? (devices[situation.device] ?? null) : null;
    const object = 'object' in situation && situation.object !== null ? (objects[situation.object] ?? null) : null;
    const decision = decide(situation, device, object, circumstances);
    if (decision.change !== null) changes.push(decision.change);
    else if (situation.kind === 'pair' && decision.held.length === 0) unchanged += 1;
    held.push(...decision.held);
  }
  held.push(...input.undecided.map(undecided));
  const kept = deferDeletes(changes, removalThreshold(input.census?.ownedEnabled ?? 0, policy));
  const ordered = inOrderOfApplying(kept.changes);
  const allHeld = heldInOrder([...held, ...kept.deferred]);
  const removals = ordered.filter(countsAsRemoval).length;
  const summary: PlanSummary = {
    entraDevices: input.entraDevices,
    inScope: devices.length,
    census: input.census,
    unchanged,
    actions: countActions(ordered),
    held: countHeld(allHeld),
    removals,
  };
  const planDigest = digest(ordered);
  return {
    formatVersion: PLAN_FORMAT_VERSION,
    complete: true,
    reading: input.reading,
    tenantId,
    container: input.container,
    changes: ordered,
    held: allHeld,
    summary,
    notices: noticesOf(input.available),
    refusal: refuse(
      {
        inScope: input.reading === 'full' ? devices.length : null,
        ownedEnabled: input.census?.ownedEnabled ?? null,
        removals,
      },
      policy,
      planDigest,
    ),
    digest: planDigest,
  };
}

/** A run does at most so many deletes after the retention time, the oldest mark first; the rest comes later. */
function deferDeletes(
  changes: readonly Change[],
  limit: number,
): { readonly changes: readonly Change[]; readonly deferred: readonly Held[] } {
  const due = changes
    .filter((change) => change.cause === 'retention')
    .toSorted((a, b) => removedTime(a) - removedTime(b) || compare(a.deviceId, b.deviceId));
  const late = new Set(due.slice(limit));
  const deferred = [...late].map((change): Held => ({
    reason: 'DeleteLater',
    deviceId: change.deviceId,
    objectId: change.objectId,
    distinguishedName: change.distinguishedName,
    displayName: change.displayName,
    attribute: null,
    sentence: `${quotedText(change.displayName)} is deleted by a later run: at most ${limit} deletes after the retention time in one run.`,
  }));
  return { changes: changes.filter((change) => !late.has(change)), deferred };
}

function undecided(device: EntraDevice): Held {
  return {
    reason: 'Unreadable',
    deviceId: device.deviceId ?? null,
    objectId: device.id,
    distinguishedName: null,
    displayName: device.displayName ?? null,
    attribute: null,
    sentence: `${quotedText(device.displayName ?? device.id)} is left as it is: what its scope depends on could not be read from Graph.`,
  };
}

function removedTime(change: Change): number {
  return parseMark(change.mark ?? '')?.removed?.getTime() ?? 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function whereaboutsIn(
  devices: readonly EntraDevice[],
  { absences, reading }: Pick<PlanInput, 'absences' | 'reading'>,
): (anchor: Guid | null) => Whereabouts {
  const unasked: Whereabouts =
    reading === 'full' ? { state: 'unproven', why: 'Graph was not asked for it' } : { state: 'unchanged' };
  const byId = new Map(devices.map((device) => [device.id, device]));
  return (anchor) => {
    if (anchor === null) return { state: 'unproven', why: 'the object carries no readable anchor' };
    const device = byId.get(anchor);
    if (device !== undefined) return { state: 'inScope', device };
    return absences.get(anchor) ?? unasked;
  };
}

function sourceRow(device: EntraDevice): SourceRow {
  return { id: device.id, deviceId: device.deviceId ?? null, keys: keysOf(device.alternativeSecurityIds ?? []) };
}

function directoryRow(object: DeviceObject, tenantId: Guid): DirectoryRow {
  return {
    deviceId: deviceIdOf(object),
    anchor: readAnchor(object.attributes['msDS-CloudAnchor']),
    ownership: ownershipOf(object, tenantId),
    name: object.name,
    keys: object.attributes.altSecurityIdentities ?? [],
  };
}

function countActions(changes: readonly Change[]): Record<Action, number> {
  const counts = Object.fromEntries(ACTIONS.map((action) => [action, 0])) as Record<Action, number>;
  for (const change of changes) counts[change.action] += 1;
  return counts;
}

function countHeld(held: readonly Held[]): Partial<Record<HeldReason, number>> {
  const counts: Partial<Record<HeldReason, number>> = {};
  for (const reason of HELD_REASONS) {
    const number = held.filter((one) => one.reason === reason).length;
    if (number > 0) counts[reason] = number;
  }
  return counts;
}

function noticesOf(available: ReadonlySet<AttributeName>): readonly string[] {
  const lacking = ATTRIBUTE_NAMES.filter((name) => !available.has(name));
  return lacking.length === 0 ? [] : [`The schema lacks ${lacking.join(', ')}: left out for every device.`];
}
