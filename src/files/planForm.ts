import { ATTRIBUTE_NAMES, MARK_ATTRIBUTE, type WritableAttribute } from '../device/attributes.ts';
import {
  ACTIONS,
  CAUSES,
  CHANGE_WARNINGS,
  HELD_REASONS,
  PLAN_FORMAT_VERSION,
  type Action,
  type AttributeChange,
  type Census,
  type Change,
  type Held,
  type PlanSummary,
  type Refusal,
} from '../plan/change.ts';
import type { SavedPlan } from '../ports.ts';
import {
  boolean,
  count,
  FormFault,
  guid,
  listOf,
  object,
  oneOf,
  orNull,
  partial,
  text,
  textLike,
  time,
} from './form.ts';

const attribute = oneOf<WritableAttribute>([MARK_ATTRIBUTE, ...ATTRIBUTE_NAMES]);
export const digestForm = textLike(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits');

export const changeForm = object<Change>({
  action: oneOf(ACTIONS),
  cause: oneOf(CAUSES),
  deviceId: guid,
  objectId: orNull(guid),
  objectGuid: orNull(guid),
  distinguishedName: text,
  displayName: text,
  attributes: listOf(object<AttributeChange>({ attribute, before: listOf(text), after: listOf(text) })),
  mark: orNull(text),
  warnings: listOf(oneOf(CHANGE_WARNINGS)),
  sentence: text,
});

export const heldForm = object<Held>({
  reason: oneOf(HELD_REASONS),
  deviceId: orNull(guid),
  objectId: orNull(guid),
  distinguishedName: orNull(text),
  displayName: orNull(text),
  attribute: orNull(attribute),
  sentence: text,
});

export const summaryForm = object<PlanSummary>({
  entraDevices: count,
  inScope: count,
  census: orNull(object<Census>({ objects: count, owned: count, unowned: count, foreign: count, ownedEnabled: count })),
  unchanged: count,
  actions: object<Record<Action, number>>({
    create: count,
    update: count,
    disable: count,
    enable: count,
    delete: count,
  }),
  held: partial(HELD_REASONS, count),
  removals: count,
});

export const refusalForm = object<Refusal>({
  code: oneOf(['RemovalThreshold', 'SourceTooSmall']),
  sentence: text,
  remedy: text,
});

const savedPlan = object<SavedPlan>({
  formatVersion: oneOf([PLAN_FORMAT_VERSION]),
  made: time,
  tenantId: guid,
  container: text,
  containerGuid: guid,
  server: text,
  digest: digestForm,
  complete: boolean,
  reading: oneOf(['full', 'delta']),
  summary: summaryForm,
  refusal: orNull(refusalForm),
  notices: listOf(text),
  held: listOf(heldForm),
  changes: listOf(changeForm),
});

/**
 * The plan that parsed JSON is, in the form that docs/plan.schema.json publishes: every member there, none else, each of
 * its type. Throws FormFault.
 */
export function parseSavedPlan(value: unknown): SavedPlan {
  const version = (value as { readonly formatVersion?: unknown } | null | undefined)?.formatVersion;
  if (typeof version === 'number' && version !== PLAN_FORMAT_VERSION) {
    throw new FormFault(`it has format ${version}, and this version reads format ${PLAN_FORMAT_VERSION}`);
  }
  return savedPlan(value, '');
}
