import {
  ATTRIBUTE_NAMES,
  ATTRIBUTES,
  MARK_ATTRIBUTE,
  type AttributeName,
  type WritableAttribute,
} from '../device/attributes.ts';
import { comparableName, parentName, sameName } from '../device/distinguishedName.ts';
import { parseMark } from '../device/mark.ts';
import {
  ACTIONS,
  type Action,
  type AttributeChange,
  type Cause,
  type Change,
  type Plan,
  type Refusal,
} from './change.ts';
import { faultInMark, type MarkRules } from './checkMark.ts';
import { isVisible } from '../device/visibleText.ts';
import { faultInValues } from './checkValues.ts';
import { countActions, countHeld } from './counts.ts';
import { inOrderOfApplying } from './order.ts';
import { deletesAtOnce, retentionOver, type Policy } from './policy.ts';
import { countsAsRemoval, refuse, removalThreshold } from './thresholds.ts';

/** What a plan that was read from a file is checked against. */
export interface PlanRules extends MarkRules {
  readonly container: string;
  /** The domain controller's clock. */
  readonly now: Date;
  readonly policy: Policy;
}

/** What no plan of ours has. */
export interface PlanFault {
  /** Position in the plan's changes; null where the whole plan is at fault. */
  readonly number: number | null;
  /** The object's name, null as above. */
  readonly distinguishedName: string | null;
  /** One phrase. */
  readonly fault: string;
}

/**
 * Checks a plan as if this version had to have made it: every value, mark, name, action and cause, as far as that can be
 * said without reading either side. Any fault refuses the whole plan. Whether the plan removes too much is no fault but a
 * refusal: see `refusalOf`.
 */
export function checkPlan(plan: Plan, rules: PlanRules): readonly PlanFault[] {
  const faults: PlanFault[] = faultsInWhole(plan, rules).map((fault) => ({
    number: null,
    distinguishedName: null,
    fault,
  }));
  const seen = new Set<string>();
  for (const [number, change] of plan.changes.entries()) {
    const names = [
      comparableName(change.distinguishedName),
      ...(change.objectGuid === null ? [] : [change.objectGuid]),
    ];
    const fault = names.some((name) => seen.has(name))
      ? 'another change is of the same object'
      : faultIn(change, plan, rules);
    names.forEach((name) => seen.add(name));
    if (fault !== null) faults.push({ number, distinguishedName: change.distinguishedName, fault });
  }
  return faults;
}

/**
 * The thresholds again, with what the container holds now. Deletes after the retention time are never more than the
 * threshold in a new plan; in one from a file more of them refuse it.
 */
export function refusalOf(plan: Plan, ownedEnabled: number, policy: Policy): Refusal | null {
  const removals = plan.changes.filter(countsAsRemoval).length;
  const inScope = plan.reading === 'full' ? plan.summary.inScope : null;
  const refusal = refuse({ inScope, ownedEnabled, removals }, policy, plan.digest);
  const deletes = plan.changes.filter((change) => change.cause === 'retention').length;
  const limit = removalThreshold(ownedEnabled, policy);
  if (refusal !== null || deletes <= limit) return refusal;
  return {
    code: 'RemovalThreshold',
    sentence: `The plan deletes ${deletes} device objects after their retention time; at most ${limit} may be deleted in one run.`,
    remedy: `If it is right, run again with -MaximumRemoval ${deletes}; else make a new plan (digest ${plan.digest}).`,
  };
}

function faultsInWhole(plan: Plan, rules: PlanRules): readonly string[] {
  const { changes, held, summary } = plan;
  const actions = countActions(changes);
  const reasons = countHeld(held);
  const heldAgree =
    Object.keys(summary.held).length === Object.keys(reasons).length &&
    Object.entries(reasons).every(([reason, number]) => (summary.held as Record<string, number>)[reason] === number);
  const ordered = inOrderOfApplying(changes);
  const checks: readonly (readonly [boolean, string])[] = [
    [plan.tenantId === rules.tenantId, 'it is of another tenant'],
    [sameName(plan.container, rules.container), 'it is of another container'],
    [plan.complete, 'it was made from an incomplete read'],
    [changes.every((change, index) => change === ordered[index]), 'its changes are not in the order of applying'],
    [ACTIONS.every((action) => summary.actions[action] === actions[action]), 'its summary counts other changes'],
    [summary.removals === changes.filter(countsAsRemoval).length, 'its summary counts other removals'],
    [heldAgree, 'its summary counts other held differences'],
    [held.every(({ sentence }) => isVisible(sentence)), 'the sentence of a held difference has control characters'],
    [plan.notices.every(isVisible), 'a notice has control characters'],
  ];
  return checks.flatMap(([holds, fault]) => (holds ? [] : [fault]));
}

const CAUSES_OF: Readonly<Record<Action, readonly Cause[]>> = {
  create: ['flow', 'undo'],
  update: ['flow', 'removal', 'undo', 'adoption'],
  disable: ['stated', 'removal', 'noKey', 'undo', 'adoption'],
  enable: ['flow', 'undo', 'adoption'],
  delete: ['removal', 'retention', 'undo'],
};

const ORDER: readonly WritableAttribute[] = [MARK_ATTRIBUTE, ...ATTRIBUTE_NAMES];

function faultIn(change: Change, plan: Plan, rules: PlanRules): string | null {
  const { action, cause, attributes } = change;
  if (!CAUSES_OF[action].includes(cause)) return `no ${action} has the cause ${cause}`;
  if (!isVisible(change.sentence)) return 'its sentence has control characters';
  if (attributes.length === 0) return 'it changes nothing';
  const positions = attributes.map(({ attribute }) => ORDER.indexOf(attribute));
  if (positions.some((position) => position < 0)) return 'it names an attribute that is never written';
  if (positions.some((position, index) => index > 0 && position <= (positions[index - 1] ?? -1))) {
    return 'its attributes are not in order, or repeat';
  }
  return (
    faultInName(change, rules.container) ??
    firstFault(attributes, (one) => faultInValues(one, change)) ??
    faultInAction(change, plan, rules) ??
    faultInMark(change, rules)
  );
}

function firstFault(
  attributes: readonly AttributeChange[],
  faultOf: (one: AttributeChange) => string | null,
): string | null {
  for (const one of attributes) {
    const fault = faultOf(one);
    if (fault !== null) return fault;
  }
  return null;
}

function faultInName(change: Change, container: string): string | null {
  const { action, cause, deviceId, distinguishedName, objectGuid } = change;
  if (!isBelow(distinguishedName, container)) return `it is not below ${container}`;
  if (action === 'create') {
    if (objectGuid !== null) return 'a create names an object that is there';
    const named = sameName(distinguishedName, `CN=${deviceId},${container}`);
    return named || cause === 'undo' ? null : `a create must be named CN=${deviceId},${container}`;
  }
  const undoesCreate = action === 'delete' && cause === 'undo';
  return objectGuid === null && !undoesCreate ? 'it does not name the objectGUID of its object' : null;
}

function isBelow(name: string, container: string): boolean {
  for (let above = parentName(name); above !== null; above = parentName(above)) {
    if (sameName(above, container)) return true;
  }
  return false;
}

/** Whether the attributes are those that the action writes, and the cause allows it now. */
function faultInAction(change: Change, plan: Plan, rules: PlanRules): string | null {
  const { action, cause, attributes } = change;
  const of = (attribute: AttributeName): AttributeChange | undefined =>
    attributes.find((one) => one.attribute === attribute);
  const switched = of('msDS-IsEnabled');
  switch (action) {
    case 'create': {
      if (attributes.some(({ before }) => before.length > 0)) return 'a create has no old values';
      const missing = ATTRIBUTE_NAMES.find((name) => ATTRIBUTES[name].mandatory && of(name) === undefined);
      return missing === undefined ? null : `a create must give ${missing}`;
    }
    case 'delete':
      if (attributes.some(({ after }) => after.length > 0)) return 'a delete gives no values';
      return cause === 'undo' ? null : faultInDelete(change, switched, plan, rules);
    case 'update':
      if (switched !== undefined) return 'an update does not switch msDS-IsEnabled';
      break;
    case 'enable':
      if (switched?.after[0] !== 'TRUE') return 'an enable sets msDS-IsEnabled to TRUE';
      break;
    case 'disable':
      if (switched?.after[0] !== 'FALSE') return 'a disable sets msDS-IsEnabled to FALSE';
      break;
  }
  const others = attributes.some(({ attribute }) => attribute !== MARK_ATTRIBUTE && attribute !== 'msDS-IsEnabled');
  return cause === 'removal' && others ? 'a removal changes the mark and msDS-IsEnabled only' : null;
}

function faultInDelete(
  { cause, mark }: Change,
  switched: AttributeChange | undefined,
  { reading }: Plan,
  { now, policy }: PlanRules,
): string | null {
  if (reading !== 'full') return 'deletes happen in full runs only';
  if (cause === 'removal') return deletesAtOnce(policy) ? null : 'a removal deletes at once with -DeleteAfter 0 only';
  const removed = parseMark(mark ?? '')?.removed ?? null;
  if (removed === null || switched?.before[0] !== 'FALSE') return 'the object is not disabled and marked as removed';
  return retentionOver(removed, now, policy) ? null : 'the retention time is not over';
}
