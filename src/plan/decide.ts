import { readAnchor } from '../device/anchor.ts';
import { attributeFlow, type Flow } from '../device/attributeFlow.ts';
import {
  ATTRIBUTE_NAMES,
  ATTRIBUTES,
  MARK_ATTRIBUTE,
  sameValues,
  type AttributeName,
  type Values,
} from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import { guidFromHex, type Guid } from '../device/guid.ts';
import { markText, parseMark, type Mark } from '../device/mark.ts';
import { quotedText, visibleText } from '../device/visibleText.ts';
import type { AttributeChange, Cause, Change, ChangeWarning, Held, HeldReason } from './change.ts';
import type { Case } from './match.ts';
import { deletesAtOnce, retentionOver, type Policy } from './policy.ts';
import type { Ownership } from './rows.ts';

/** Where the Entra device of an anchor is, as far as it was proven. */
export type Whereabouts =
  | { readonly state: 'inScope'; readonly device: EntraDevice }
  | { readonly state: 'outOfScope' }
  | { readonly state: 'gone' }
  /** device: it, or the one that may have taken its place, was read, but not all that its scope depends on. */
  | { readonly state: 'unproven'; readonly why: string; readonly device?: Pick<EntraDevice, 'accountEnabled'> }
  /** A delta run: nothing was said of it. */
  | { readonly state: 'unchanged' };

/** What every decision of one plan knows. */
export interface Circumstances {
  readonly tenantId: Guid;
  readonly container: string;
  readonly available: ReadonlySet<AttributeName>;
  /** The domain controller's clock. */
  readonly now: Date;
  /** Whether that clock and Graph's agree well enough to delete. */
  readonly clocksAgree: boolean;
  readonly policy: Policy;
  /** Deletes happen in full runs only. */
  readonly mayDelete: boolean;
  /** Another program created unowned objects with an anchor lately: nothing is adopted from under it. */
  readonly secondWriter: boolean;
  /** Of the device that the object's anchor names. */
  whereabouts(object: DeviceObject): Whereabouts;
}

export interface Decision {
  readonly change: Change | null;
  readonly held: readonly Held[];
}

const NOTHING: Decision = { change: null, held: [] };

const CLOCK_SKEW = 'the clocks of domain controller and Graph differ by more than an hour, or Graph named no time';

const STATED = 'Entra says accountEnabled false';

/** What becomes of an object or a device that is held. */
const LEFT = 'is left as it is';
const NOT_CREATED = 'is not created';

export function ownershipOf(object: DeviceObject, tenantId: Guid): Ownership {
  return ownershipOfMark(markOf(object), tenantId);
}

export function ownershipOfMark(mark: Mark | null, tenantId: Guid): Ownership {
  if (mark === null) return 'unowned';
  return mark.tenantId === tenantId ? 'owned' : 'foreign';
}

export function isEnabled(object: DeviceObject): boolean {
  return object.attributes['msDS-IsEnabled']?.[0] !== 'FALSE';
}

export function deviceIdOf(object: DeviceObject): Guid {
  return guidFromHex(object.attributes['msDS-DeviceID']?.[0] ?? '') ?? object.name.toLowerCase();
}

export function markOf(object: DeviceObject): Mark | null {
  return parseMark(object.adminDescription[0] ?? '');
}

/** Whether the device joins the object, by device id or by the anchor that names it. */
export function leadsTo(device: EntraDevice, object: DeviceObject): boolean {
  return device.deviceId === deviceIdOf(object) || device.id === readAnchor(object.attributes['msDS-CloudAnchor']);
}

/**
 * What becomes of one case. Full current and desired values of one device in, a change, held differences or nothing
 * out. The first row that fits decides; no hold keeps back a disable that Entra states for an owned object.
 */
export function decide(
  situation: Case,
  device: EntraDevice | null,
  object: DeviceObject | null,
  circumstances: Circumstances,
): Decision {
  const owned = object !== null && ownershipOf(object, circumstances.tenantId) === 'owned';
  switch (situation.kind) {
    case 'foreign':
      return device === null ? NOTHING : hold('Foreign', device, object, 'its mark is that of another tenant');
    case 'duplicateInDirectory': {
      const change = owned ? disableOfDuplicate(object, circumstances, true) : null;
      const why = 'another object has the same device id, anchor or Entra device';
      return { change, held: [held('DuplicateInDirectory', device, object, why, fateBeside(change))] };
    }
    case 'duplicateInSource': {
      const change = owned ? disableOfDuplicate(object, circumstances, false) : null;
      const [fate, why] =
        object === null
          ? ['is not written back', 'another Entra device has the same device id or object']
          : [fateBeside(change), 'two Entra devices have its device id or lead to it'];
      return { change, held: [held('DuplicateInSource', device, object, why, fate)] };
    }
    case 'sourceOnly':
      return device === null ? NOTHING : createOf(device, situation, circumstances);
    case 'directoryOnly':
      return object !== null && owned ? removalOf(object, circumstances) : NOTHING;
    case 'pair':
      if (device === null || object === null) return NOTHING;
      return owned ? updateOf(device, object, circumstances) : adoptionOf(device, object, circumstances);
  }
}

function fateBeside(disable: Change | null): string {
  return disable === null ? LEFT : 'is disabled and otherwise left as it is';
}

function createOf(
  device: EntraDevice,
  situation: { readonly nameTaken: boolean; readonly keyInUse: boolean },
  circumstances: Circumstances,
): Decision {
  const flow = attributeFlow(device, circumstances.available);
  const kept = heldValues(flow, device, null);
  const blocked = kept.some((one) => isMandatory(one.attribute));
  if (blocked || typeof device.deviceId !== 'string') return { change: null, held: kept };
  const distinguishedName = `CN=${device.deviceId},${circumstances.container}`;
  if (situation.nameTaken) {
    return hold('NameTaken', device, null, `another object is named ${distinguishedName}`, NOT_CREATED);
  }
  if (situation.keyInUse) {
    return hold('KeyInUse', device, null, 'another object or new device has the same certificate key', NOT_CREATED);
  }
  const mark = markText({ tenantId: circumstances.tenantId, removed: null });
  const attributes = ATTRIBUTE_NAMES.flatMap((attribute): AttributeChange[] => {
    const flowed = flow[attribute];
    if (flowed === undefined || flowed.kind === 'left' || flowed.values.length === 0) return [];
    return [{ attribute, before: [], after: flowed.values }];
  });
  return {
    change: {
      action: 'create',
      cause: 'flow',
      deviceId: device.deviceId,
      objectId: device.id,
      objectGuid: null,
      distinguishedName,
      displayName: device.displayName ?? '',
      attributes: [{ attribute: MARK_ATTRIBUTE, before: [], after: [mark] }, ...attributes],
      mark: null,
      warnings: [],
      sentence: `Create the device object of ${quotedText(device.displayName ?? '')}.`,
    },
    held: kept,
  };
}

/** An unowned object of a device in scope: held, or marked and made equal where the administrator wants that. */
function adoptionOf(device: EntraDevice, object: DeviceObject, circumstances: Circumstances): Decision {
  const { policy, secondWriter, tenantId } = circumstances;
  if (object.adminDescription.length > 0) {
    return hold('Unowned', device, object, 'its adminDescription holds other text, which is never overwritten');
  }
  if (!policy.adopt) {
    return hold(
      'Unowned',
      device,
      object,
      'it carries no mark, so it belongs to another program; -Adopt takes it over',
    );
  }
  if (secondWriter) {
    return hold('SecondWriter', device, object, 'another program created device objects here in the last 24 hours');
  }
  return updateOf(device, object, circumstances, { tenantId, removed: null });
}

/** @param given the mark that an adopted object gets, null for one that carries it */
function updateOf(
  device: EntraDevice,
  object: DeviceObject,
  circumstances: Circumstances,
  given: Mark | null = null,
): Decision {
  const flow = withoutUnread(withoutEnabling(attributeFlow(device, circumstances.available), object), object);
  const kept = heldValues(flow, device, object);
  const noKey = kept.some((one) => one.reason === 'NoKey');
  const stated = device.accountEnabled === false;
  const attributes = ATTRIBUTE_NAMES.flatMap((attribute): AttributeChange[] => {
    const before = object.attributes[attribute] ?? [];
    const after = attribute === 'msDS-IsEnabled' && noKey ? ['FALSE'] : desiredOf(flow, attribute, before);
    return sameValues(before, after) ? [] : [{ attribute, before, after }];
  });
  const mark = markOf(object);
  if (mark !== null && mark.removed !== null) attributes.unshift(markChange(object, { ...mark, removed: null }));
  if (given !== null) attributes.unshift(markChange(object, given));
  if (attributes.length === 0) return { change: null, held: kept };
  const switched = attributes.find((one) => one.attribute === 'msDS-IsEnabled');
  const disables = switched?.after[0] === 'FALSE';
  const ordinary: Cause = disables ? (stated ? 'stated' : 'noKey') : 'flow';
  const cause = given === null || ordinary === 'noKey' ? ordinary : 'adoption';
  const action = disables ? 'disable' : switched === undefined ? 'update' : 'enable';
  const sentence = sentenceOf(action, device, object, attributes, given !== null);
  return { change: modify(object, action, cause, attributes, sentence, device.id), held: kept };
}

function sentenceOf(
  action: 'update' | 'disable' | 'enable',
  device: EntraDevice,
  object: DeviceObject,
  attributes: readonly AttributeChange[],
  adopts: boolean,
): string {
  const name = quotedText(object.attributes.displayName?.[0] ?? object.name);
  if (action === 'disable') {
    const why = device.accountEnabled === false ? STATED : 'the Entra device has no certificate key any more';
    return adopts ? `Adopt ${name} and disable it: ${why}.` : `Disable ${name}: ${why}.`;
  }
  const anchor = readAnchor(object.attributes['msDS-CloudAnchor']);
  const anew = anchor !== null && anchor !== device.id ? ', registered anew in Entra' : '';
  const written = attributes.flatMap(({ attribute }) => (attribute === MARK_ATTRIBUTE ? [] : [attribute]));
  if (adopts) return `Adopt ${name}${anew}: ${written.join(', ') || 'its values are equal'}.`;
  const taken = written.length < attributes.length ? ['removed mark taken off'] : [];
  return `${action === 'enable' ? 'Enable' : 'Update'} ${name}${anew}: ${[...written, ...taken].join(', ')}.`;
}

/** A mandatory attribute without a value is one that the account may not read: its old value cannot be named, so it stays. */
function withoutUnread(flow: Flow, object: DeviceObject): Flow {
  const unread = ATTRIBUTE_NAMES.filter((name) => ATTRIBUTES[name].mandatory && object.attributes[name] === undefined);
  const left = { kind: 'left', reason: 'Unreadable', why: 'the directory does not let the account read it' } as const;
  return { ...flow, ...Object.fromEntries(unread.map((name) => [name, left])) };
}

/** While its keys are left an object is not enabled: those in the directory may be ones that Entra has revoked. */
function withoutEnabling(flow: Flow, object: DeviceObject): Flow {
  const keys = flow.altSecurityIdentities;
  const desired = flow['msDS-IsEnabled'];
  if (keys?.kind !== 'left' || keys.reason === 'NoKey' || desired?.kind !== 'values') return flow;
  if (desired.values[0] !== 'TRUE' || isEnabled(object)) return flow;
  return { ...flow, 'msDS-IsEnabled': { kind: 'left', reason: keys.reason, why: 'its certificate keys are left too' } };
}

/** The values an attribute shall have; those that are left are the values it has. */
function desiredOf(flow: Flow, attribute: AttributeName, before: Values): Values {
  const flowed = flow[attribute];
  return flowed?.kind === 'values' ? flowed.values : before;
}

function removalOf(object: DeviceObject, circumstances: Circumstances): Decision {
  const mark = markOf(object);
  const enabled = isEnabled(object);
  const { policy, now } = circumstances;
  const over = mark !== null && mark.removed !== null && !enabled && retentionOver(mark.removed, now, policy);
  const due = circumstances.mayDelete && (deletesAtOnce(policy) || over);
  if (mark === null || (mark.removed !== null && !enabled && !due)) return NOTHING;
  const whereabouts = circumstances.whereabouts(object);
  if (whereabouts.state === 'unchanged') return NOTHING;
  if (whereabouts.state === 'unproven') {
    const revoked = enabled && whereabouts.device?.accountEnabled === false;
    const change = revoked ? statedDisable(object) : null;
    const unproven = `its Entra device is not proven to be gone (${whereabouts.why})`;
    return { change, held: [held('AbsenceUnproven', null, object, unproven, fateBeside(change))] };
  }
  const why = whereabouts.state === 'gone' ? 'the Entra device is gone' : 'the Entra device is out of scope';
  const name = quotedText(object.attributes.displayName?.[0] ?? object.name);
  const removed = mark.removed !== null && !enabled;
  if (due && circumstances.clocksAgree) {
    const grounds = over ? `: ${why} and its retention time is over` : ` at once: ${why}`;
    const sentence = `Delete ${name}${grounds}; no undo brings back ${lostWith(object)}.`;
    return { change: deletion(object, over ? 'retention' : 'removal', sentence), held: [] };
  }
  // Only the delete waits for the clocks: an object that is not yet disabled and marked becomes so.
  const waiting = due ? [held('ClockSkew', null, object, CLOCK_SKEW, 'is not deleted')] : [];
  if (removed) return { change: null, held: waiting };
  const attributes: AttributeChange[] = [markChange(object, { ...mark, removed: now })];
  if (enabled) attributes.push(switchOff(object));
  const verb = enabled ? `Disable ${name}` : `Mark ${name} as removed`;
  const sentence = `${verb}: ${why}; ${whatFollows(policy)}.`;
  return { change: modify(object, enabled ? 'disable' : 'update', 'removal', attributes, sentence), held: waiting };
}

/** What becomes of an object once it is disabled and marked as removed. */
function whatFollows({ keepRemoved, deleteAfterDays }: Policy): string {
  if (keepRemoved) return 'it is never deleted';
  if (deleteAfterDays === 0) return 'a later run deletes it';
  return deleteAfterDays === 1
    ? 'its 1 day of retention starts now'
    : `its ${deleteAfterDays} days of retention start now`;
}

/** What a deleted object had that is never read or written, so that no undo can give it back. */
function lostWith({ hasTransportKey }: DeviceObject): string {
  return hasTransportKey ? 'its transport key or the time of its last logon' : 'the time of its last logon';
}

/**
 * An owned object among duplicates is disabled if the device of its anchor is disabled or, where the directory holds the
 * duplicates, gone; it is never deleted.
 */
function disableOfDuplicate(object: DeviceObject, circumstances: Circumstances, ifGone: boolean): Change | null {
  if (!isEnabled(object)) return null;
  const whereabouts = circumstances.whereabouts(object);
  const mark = markOf(object);
  const name = object.attributes.displayName?.[0] ?? object.name;
  if (whereabouts.state === 'inScope' && whereabouts.device.accountEnabled === false) return statedDisable(object);
  if (ifGone && whereabouts.state === 'gone' && mark !== null) {
    const attributes = [markChange(object, { ...mark, removed: circumstances.now }), switchOff(object)];
    return modify(
      object,
      'disable',
      'removal',
      attributes,
      `Disable ${quotedText(name)}: the Entra device of its anchor is gone.`,
    );
  }
  return null;
}

function statedDisable(object: DeviceObject): Change {
  const name = quotedText(object.attributes.displayName?.[0] ?? object.name);
  return modify(object, 'disable', 'stated', [switchOff(object)], `Disable ${name}: ${STATED}.`);
}

function switchOff(object: DeviceObject): AttributeChange {
  return { attribute: 'msDS-IsEnabled', before: object.attributes['msDS-IsEnabled'] ?? [], after: ['FALSE'] };
}

function markChange(object: DeviceObject, mark: Mark): AttributeChange {
  return { attribute: MARK_ATTRIBUTE, before: object.adminDescription, after: [markText(mark)] };
}

function modify(
  object: DeviceObject,
  action: 'update' | 'disable' | 'enable',
  cause: Cause,
  wanted: readonly AttributeChange[],
  sentence: string,
  objectId: Guid | null = readAnchor(object.attributes['msDS-CloudAnchor']),
): Change {
  // A mark renewed within its second is the same mark.
  const attributes = wanted.filter((one) => !sameValues(one.before, one.after));
  const rekeyed = attributes.some(
    ({ attribute, before, after }) =>
      attribute === 'altSecurityIdentities' ||
      (attribute === 'msDS-CloudAnchor' && readAnchor(before) !== readAnchor(after)),
  );
  const warnings: ChangeWarning[] = object.hasTransportKey && rekeyed ? ['TransportKeyStale'] : [];
  return { ...identityOf(object), objectId, action, cause, attributes, warnings, sentence };
}

function deletion(object: DeviceObject, cause: Cause, sentence: string): Change {
  const attributes: AttributeChange[] = [{ attribute: MARK_ATTRIBUTE, before: object.adminDescription, after: [] }];
  for (const attribute of ATTRIBUTE_NAMES) {
    const before = object.attributes[attribute];
    if (before !== undefined) attributes.push({ attribute, before, after: [] });
  }
  const warnings: ChangeWarning[] = object.hasTransportKey ? ['TransportKeyLost'] : [];
  return { ...identityOf(object), action: 'delete', cause, attributes, warnings, sentence };
}

function identityOf(
  object: DeviceObject,
): Pick<Change, 'deviceId' | 'objectId' | 'objectGuid' | 'distinguishedName' | 'displayName' | 'mark'> {
  return {
    deviceId: deviceIdOf(object),
    objectId: readAnchor(object.attributes['msDS-CloudAnchor']),
    objectGuid: object.objectGuid,
    distinguishedName: object.distinguishedName,
    displayName: object.attributes.displayName?.[0] ?? object.name,
    mark: object.adminDescription[0] ?? null,
  };
}

function heldValues(flow: Flow, device: EntraDevice, object: DeviceObject | null): readonly Held[] {
  return ATTRIBUTE_NAMES.flatMap((attribute) => {
    const flowed = flow[attribute];
    if (flowed?.kind !== 'left') return [];
    if (object === null && ATTRIBUTES[attribute].mandatory) {
      return [{ ...held(flowed.reason, device, null, flowed.why, NOT_CREATED), attribute }];
    }
    const one = held(flowed.reason, device, object, flowed.why, object === null ? 'is left out' : LEFT);
    return [{ ...one, attribute, sentence: `${attribute} of ${one.sentence}` }];
  });
}

function isMandatory(attribute: Held['attribute']): boolean {
  return attribute !== null && attribute !== MARK_ATTRIBUTE && ATTRIBUTES[attribute].mandatory;
}

function hold(
  reason: HeldReason,
  device: EntraDevice | null,
  object: DeviceObject | null,
  why: string,
  fate = LEFT,
): Decision {
  return { change: null, held: [held(reason, device, object, why, fate)] };
}

function held(
  reason: HeldReason,
  device: EntraDevice | null,
  object: DeviceObject | null,
  why: string,
  fate = LEFT,
): Held {
  const name = object?.attributes.displayName?.[0] ?? device?.displayName ?? null;
  return {
    reason,
    deviceId: device?.deviceId ?? (object === null ? null : deviceIdOf(object)),
    objectId: device?.id ?? (object === null ? null : readAnchor(object.attributes['msDS-CloudAnchor'])),
    distinguishedName: object?.distinguishedName ?? null,
    displayName: name,
    attribute: null,
    sentence: `${quotedText(name ?? object?.name ?? device?.id ?? '')} ${fate}: ${visibleText(why)}.`,
  };
}
