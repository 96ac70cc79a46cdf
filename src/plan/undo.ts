import { MARK_ATTRIBUTE, type Values } from '../device/attributes.ts';
import type { Guid } from '../device/guid.ts';
import { quotedText } from '../device/visibleText.ts';
import { PLAN_FORMAT_VERSION, type Action, type AttributeChange, type Change, type Held, type Plan } from './change.ts';
import { countActions, countHeld } from './counts.ts';
import { digest } from './digest.ts';
import { heldInOrder, inOrderOfApplying } from './order.ts';
import { countsAsRemoval } from './thresholds.ts';

/** The run whose changes are taken back. */
export interface UndoneRun {
  readonly runId: string;
  readonly tenantId: Guid;
  readonly container: string;
}

/** One change that the run began, and how it ended; unknown: the run noted no result. */
export interface BegunChange {
  readonly change: Change;
  readonly state: 'applied' | 'failed' | 'skipped' | 'cancelled' | 'unknown';
}

/**
 * The plan that brings the objects which a run touched back to what they were. It is applied like any plan: each change
 * names the values and the mark that the run left, so that what has changed since is skipped. What cannot come back, and
 * what the run may or may not have done, is held. A change that was not applied needs nothing.
 */
export function undoPlan(run: UndoneRun, begun: Iterable<BegunChange>): Plan {
  const changes: Change[] = [];
  const held: Held[] = [];
  for (const { change, state } of begun) {
    if (state === 'applied') {
      changes.push(inverse(change, run.runId));
      if (change.action === 'delete') held.push(lostWith(change));
    } else if (state === 'unknown') held.push(unknownOutcome(change, run.runId));
  }
  const ordered = inOrderOfApplying(changes);
  return {
    formatVersion: PLAN_FORMAT_VERSION,
    complete: true,
    // Like a delta run it speaks of some objects and counts no side whole.
    reading: 'delta',
    tenantId: run.tenantId,
    container: run.container,
    changes: ordered,
    held: heldInOrder(held),
    summary: {
      entraDevices: 0,
      inScope: 0,
      census: null,
      unchanged: 0,
      actions: countActions(ordered),
      held: countHeld(held),
      removals: ordered.filter(countsAsRemoval).length,
    },
    notices: [
      `This plan takes back run ${run.runId}. What Entra still asks for comes again with the next full run: correct it there first.`,
    ],
    refusal: null,
    digest: digest(ordered),
  };
}

const WAS: Readonly<Record<Action, string>> = {
  create: 'creation',
  update: 'update',
  disable: 'disable',
  enable: 'enable',
  delete: 'delete',
};

function inverse(change: Change, runId: string): Change {
  const attributes = change.attributes.map(({ attribute, before, after }): AttributeChange => ({
    attribute,
    before: after,
    after: before,
  }));
  const action = inverseAction(change, attributes);
  const name = quotedText(change.displayName);
  const verb = { create: 'Create', update: 'Update', disable: 'Disable', enable: 'Enable', delete: 'Delete' }[action];
  return {
    ...change,
    action,
    cause: 'undo',
    objectGuid: action === 'create' ? null : change.objectGuid,
    attributes,
    mark: action === 'create' ? null : (markAfter(change)[0] ?? null),
    warnings: change.warnings.filter((warning) => warning === 'TransportKeyStale'),
    sentence: `${verb} ${name}${action === 'create' ? ' again' : ''}: takes back its ${WAS[change.action]} by run ${runId}.`,
  };
}

function inverseAction(change: Change, attributes: readonly AttributeChange[]): Action {
  if (change.action === 'create') return 'delete';
  if (change.action === 'delete') return 'create';
  const switched = attributes.find(({ attribute }) => attribute === 'msDS-IsEnabled');
  if (switched === undefined) return 'update';
  return switched.after[0] === 'FALSE' ? 'disable' : 'enable';
}

/** What adminDescription has when the change is done. */
function markAfter(change: Change): Values {
  const marked = change.attributes.find(({ attribute }) => attribute === MARK_ATTRIBUTE);
  return marked?.after ?? (change.mark === null ? [] : [change.mark]);
}

function lostWith(change: Change): Held {
  const lost = [
    ...(change.warnings.includes('TransportKeyLost') ? ['its transport key (msDS-KeyCredentialLink)'] : []),
    'the time of its last logon (msDS-ApproximateLastLogonTimeStamp)',
    'its registered users (msDS-RegisteredUsers)',
    'its objectGUID, for it gets another one',
  ];
  return holding('NotRestorable', change, `does not get back ${list(lost)}.`);
}

function unknownOutcome(change: Change, runId: string): Held {
  const why = `run ${runId} ended in its ${WAS[change.action]}, and whether that was done is not known`;
  return holding('OutcomeUnknown', change, `is left as it is: ${why}.`);
}

function holding(reason: 'NotRestorable' | 'OutcomeUnknown', change: Change, predicate: string): Held {
  const { deviceId, objectId, distinguishedName, displayName } = change;
  const sentence = `${quotedText(displayName)} ${predicate}`;
  return { reason, deviceId, objectId, distinguishedName, displayName, attribute: null, sentence };
}

function list(parts: readonly string[]): string {
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
