import type { Values, WritableAttribute } from '../device/attributes.ts';
import type { Guid } from '../device/guid.ts';

export type Action = 'create' | 'update' | 'disable' | 'enable' | 'delete';

export const ACTIONS: readonly Action[] = ['disable', 'update', 'enable', 'create', 'delete'];

/**
 * Why a change is made.
 * flow: the Entra device's values differ from the object's. stated: Entra says accountEnabled false.
 * removal: the Entra device is gone or out of scope. noKey: the device has no certificate key any more.
 * retention: the removed mark is older than the retention time. undo: an earlier run's change is taken back.
 */
export type Cause = 'flow' | 'stated' | 'removal' | 'noKey' | 'retention' | 'undo' | 'adoption';

export const CAUSES: readonly Cause[] = ['flow', 'stated', 'removal', 'noKey', 'retention', 'undo', 'adoption'];

/** One attribute of one object: the values that it has and those that it shall have; an empty list is no value. */
export interface AttributeChange {
  readonly attribute: WritableAttribute;
  readonly before: Values;
  readonly after: Values;
}

/** One object's change. Plain data: it can be stored, compared and sent. */
export interface Change {
  readonly action: Action;
  readonly cause: Cause;
  readonly deviceId: Guid;
  /** The Entra object id, null where the object carries no readable anchor. */
  readonly objectId: Guid | null;
  /** null for a create, and for the delete that undoes one: its object is found by its name. */
  readonly objectGuid: Guid | null;
  readonly distinguishedName: string;
  readonly displayName: string;
  /** In the order of the alphabet; for a create and a delete every attribute that the object will have or has. */
  readonly attributes: readonly AttributeChange[];
  /** adminDescription as the plan saw it: each modify names it, so that lost ownership meanwhile fails the write. */
  readonly mark: string | null;
  readonly warnings: readonly ChangeWarning[];
  /** One sentence for people. */
  readonly sentence: string;
}

/**
 * TransportKeyStale: key or anchor change on an object whose msDS-KeyCredentialLink stays as it is.
 * TransportKeyLost: the delete of an object that has one; no undo brings it back.
 */
export type ChangeWarning = 'TransportKeyStale' | 'TransportKeyLost';

export const CHANGE_WARNINGS: readonly ChangeWarning[] = ['TransportKeyStale', 'TransportKeyLost'];

/** Why a difference is kept back. The codes are fixed; each is explained in docs/errors.md. */
export type HeldReason =
  | 'Foreign'
  | 'Unowned'
  | 'SecondWriter'
  | 'DuplicateInDirectory'
  | 'DuplicateInSource'
  | 'NameTaken'
  | 'KeyInUse'
  | 'NoKey'
  | 'UnknownKeyForm'
  | 'Unreadable'
  | 'Unusable'
  | 'AbsenceUnproven'
  | 'ClockSkew'
  | 'DeleteLater'
  | 'NotRestorable'
  | 'OutcomeUnknown';

export const HELD_REASONS: readonly HeldReason[] = [
  'Foreign',
  'Unowned',
  'SecondWriter',
  'DuplicateInDirectory',
  'DuplicateInSource',
  'NameTaken',
  'KeyInUse',
  'NoKey',
  'UnknownKeyForm',
  'Unreadable',
  'Unusable',
  'AbsenceUnproven',
  'ClockSkew',
  'DeleteLater',
  'NotRestorable',
  'OutcomeUnknown',
];

/** A difference that the plan keeps back. */
export interface Held {
  readonly reason: HeldReason;
  readonly deviceId: Guid | null;
  readonly objectId: Guid | null;
  readonly distinguishedName: string | null;
  readonly displayName: string | null;
  /** The attribute that is left as it is, null where the whole object is. */
  readonly attribute: WritableAttribute | null;
  /** One sentence for people. */
  readonly sentence: string;
}

export const PLAN_FORMAT_VERSION = 1;

export interface Plan {
  readonly formatVersion: typeof PLAN_FORMAT_VERSION;
  /** Whether both sides were read to their end. */
  readonly complete: boolean;
  /** full: both sides were read whole. delta: the Entra devices that changed, and the objects that they lead to. */
  readonly reading: 'full' | 'delta';
  readonly tenantId: Guid;
  readonly container: string;
  /** In the order in which they are applied. */
  readonly changes: readonly Change[];
  readonly held: readonly Held[];
  readonly summary: PlanSummary;
  /** What must be said once for the whole plan, such as optional attributes that the schema lacks. */
  readonly notices: readonly string[];
  /** Not null: nothing may be applied but the disables that Entra states. */
  readonly refusal: Refusal | null;
  /** SHA-256 over the changes in device-id order, 64 lower-case hexadecimal digits. */
  readonly digest: string;
}

/** What a container holds. */
export interface Census {
  readonly objects: number;
  readonly owned: number;
  readonly unowned: number;
  readonly foreign: number;
  readonly ownedEnabled: number;
}

export interface PlanSummary {
  /** Devices that were read. */
  readonly entraDevices: number;
  readonly inScope: number;
  /** The whole container; null where a delta run did not need to read it. */
  readonly census: Census | null;
  readonly unchanged: number;
  readonly actions: Readonly<Record<Action, number>>;
  readonly held: Readonly<Partial<Record<HeldReason, number>>>;
  /** Removals that the plan starts, as the threshold counts them. */
  readonly removals: number;
}

/** A plan past a threshold is refused whole. */
export interface Refusal {
  readonly code: 'RemovalThreshold' | 'SourceTooSmall';
  readonly sentence: string;
  readonly remedy: string;
}
