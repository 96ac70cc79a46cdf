import { readAnchor } from '../device/anchor.ts';
import { ATTRIBUTE_NAMES, type AttributeName } from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { parseMark } from '../device/mark.ts';
import { quotedText } from '../device/visibleText.ts';
import { PLAN_FORMAT_VERSION, type Census, type Change, type Held, type Plan } from './change.ts';
import { countActions, countHeld } from './counts.ts';
import { decide, deviceIdOf, type Circumstances, type Whereabouts } from './decide.ts';
import { digest } from './digest.ts';
import type { Case } from './match.ts';
import { heldInOrder, inOrderOfApplying } from './order.ts';
import { clocksAgree, type Policy } from './policy.ts';
import { countsAsRemoval, refuse, removalThreshold } from './thresholds.ts';

/** What every decision of a plan knows besides the two sides. */
export interface PlanFacts {
  readonly tenantId: Guid;
  readonly container: string;
  /** Attributes of the flow that the directory's schema has. */
  readonly available: ReadonlySet<AttributeName>;
  readonly reading: Plan['reading'];
  /** The domain controller's clock. */
  readonly directoryTime: Date;
  /** Graph's clock. */
  readonly sourceTime: Date | null;
  readonly policy: Policy;
}

/** How much was read. */
export interface PlanCounts {
  /** All Entra devices that were read. */
  readonly entraDevices: number;
  readonly inScope: number;
  /** The whole container; null where a delta run did not need to read it. */
  readonly census: Census | null;
}

/** How an anchor's device that is not among the devices in scope was found. */
export type Absence =
  | { readonly state: 'gone' }
  | { readonly state: 'outOfScope' }
  | { readonly state: 'unproven'; readonly why: string; readonly device?: EntraDevice };

/** Why it cannot be told whether a device is in scope. */
export const SCOPE_UNREAD = 'what its scope depends on could not be read';

/**
 * A plan in the making: first the devices that cannot be decided are held, then cases are decided one by one in any order,
 * then the thresholds see the whole.
 */
export class Draft {
  private readonly facts: PlanFacts;
  private readonly circumstances: Circumstances;
  private readonly changes: Change[] = [];
  private readonly held: Held[] = [];
  /** By device id. */
  private readonly unsorted = new Map<Guid, Pick<EntraDevice, 'accountEnabled'>>();
  private equal = 0;

  /**
   * @param secondWriter whether another program writes here
   * @param whereabouts of the device that an anchor names; null where nothing is known of it
   */
  constructor(facts: PlanFacts, secondWriter: boolean, whereabouts: (anchor: Guid) => Whereabouts | null) {
    this.facts = facts;
    const silence = (why: string): Whereabouts =>
      facts.reading === 'full' ? { state: 'unproven', why } : { state: 'unchanged' };
    this.circumstances = {
      tenantId: facts.tenantId,
      container: facts.container,
      available: facts.available,
      now: facts.directoryTime,
      clocksAgree: clocksAgree(facts.directoryTime, facts.sourceTime),
      policy: facts.policy,
      mayDelete: facts.reading === 'full',
      secondWriter,
      whereabouts: (object) => {
        const anchor = readAnchor(object.attributes['msDS-CloudAnchor']);
        const found =
          anchor === null
            ? silence('the object carries no readable anchor')
            : (whereabouts(anchor) ?? silence('Graph was not asked for it'));
        // It may have registered anew: then the object is the new device's.
        const successor =
          found.state === 'gone' || found.state === 'outOfScope' ? this.unsorted.get(deviceIdOf(object)) : undefined;
        return successor === undefined
          ? found
          : { state: 'unproven', why: `another has its device id, and ${SCOPE_UNREAD}`, device: successor };
      },
    };
  }

  /** Decides a case from the values of its device and its object. */
  decide(situation: Case, device: EntraDevice | null, object: DeviceObject | null): void {
    const decision = decide(situation, device, object, this.circumstances);
    if (decision.change !== null) this.changes.push(decision.change);
    else if (situation.kind === 'pair' && decision.held.length === 0) this.equal += 1;
    this.held.push(...decision.held);
  }

  /** Counts an object that equals its device. */
  unchanged(): void {
    this.equal += 1;
  }

  /** Holds a device of which it is not known whether it is in scope, and with it the removal of an object that it may have. */
  undecided(device: EntraDevice): void {
    const { deviceId, accountEnabled } = device;
    if (typeof deviceId === 'string') {
      const known = this.unsorted.get(deviceId);
      // Of several that share the id one that is not disabled decides.
      if (known === undefined || known.accountEnabled === false) this.unsorted.set(deviceId, { accountEnabled });
    }
    this.held.push({
      reason: 'Unreadable',
      deviceId: device.deviceId ?? null,
      objectId: device.id,
      distinguishedName: null,
      displayName: device.displayName ?? null,
      attribute: null,
      sentence: `${quotedText(device.displayName ?? device.id)} is not written back: ${SCOPE_UNREAD} from Graph.`,
    });
  }

  finish({ entraDevices, inScope, census }: PlanCounts): Plan {
    const { tenantId, container, available, reading, policy } = this.facts;
    const ownedEnabled = census?.ownedEnabled ?? null;
    const kept = deferDeletes(this.changes, removalThreshold(ownedEnabled ?? 0, policy));
    const changes = inOrderOfApplying(kept.changes);
    const held = heldInOrder([...this.held, ...kept.deferred]);
    const removals = changes.filter(countsAsRemoval).length;
    const planDigest = digest(changes);
    return {
      formatVersion: PLAN_FORMAT_VERSION,
      complete: true,
      reading,
      tenantId,
      container,
      changes,
      held,
      summary: {
        entraDevices,
        inScope,
        census,
        unchanged: this.equal,
        actions: countActions(changes),
        held: countHeld(held),
        removals,
      },
      notices: noticesOf(available),
      refusal: refuse({ inScope: reading === 'full' ? inScope : null, ownedEnabled, removals }, policy, planDigest),
      digest: planDigest,
    };
  }
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

function removedTime(change: Change): number {
  return parseMark(change.mark ?? '')?.removed?.getTime() ?? 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function noticesOf(available: ReadonlySet<AttributeName>): readonly string[] {
  const lacking = ATTRIBUTE_NAMES.filter((name) => !available.has(name));
  return lacking.length === 0 ? [] : [`The schema lacks ${lacking.join(', ')}: left out for every device.`];
}
