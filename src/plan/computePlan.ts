import { readAnchor } from '../device/anchor.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import type { Census, Plan } from './change.ts';
import { isEnabled, markOf, ownershipOf, type Whereabouts } from './decide.ts';
import { Draft, type Absence, type PlanFacts } from './draft.ts';
import { deletesAtOnce, retentionOver } from './policy.ts';
import { Matcher } from './matcher.ts';

export type { Absence } from './draft.ts';

/** Both sides as they were read. The same input in any order gives the same plan. */
export interface PlanInput extends PlanFacts {
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
  /** The whole container; null where a delta run did not need to read it. */
  readonly census: Census | null;
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

/** The plan of both sides as arrays: match, then decide each case, then the thresholds over the whole. */
export function computePlan(input: PlanInput): Plan {
  const { devices, objects, absences } = input;
  const matcher = new Matcher(input);
  devices.forEach((device, index) => matcher.addDevice(device, 'in', () => index));
  objects.forEach((object) => matcher.addObject(object));
  const whereabouts = (anchor: Guid): Whereabouts | null => {
    const row = matcher.deviceOf(anchor);
    const device = row === null ? undefined : devices[row];
    return device === undefined ? (absences.get(anchor) ?? null) : { state: 'inScope', device };
  };
  const draft = new Draft(input, matcher.secondWriter, whereabouts);
  for (const device of input.undecided) draft.undecided(device);
  for (const situation of matcher.match()) {
    const device = 'device' in situation && situation.device !== null ? (devices[situation.device] ?? null) : null;
    const object = 'object' in situation && situation.object !== null ? (objects[situation.object] ?? null) : null;
    draft.decide(situation, device, object);
  }
  return draft.finish({ entraDevices: input.entraDevices, inScope: devices.length, census: input.census });
}
