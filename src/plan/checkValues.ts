import { parseKey } from '../device/altSecurityIdentities.ts';
import { anchorValue } from '../device/anchor.ts';
import {
  ATTRIBUTES,
  canonical,
  MARK_ATTRIBUTE,
  sameValues,
  type AttributeName,
  type Syntax,
  type Values,
} from '../device/attributes.ts';
import { guidToHex } from '../device/guid.ts';
import { isSidText } from '../device/sid.ts';
import type { AttributeChange, Change } from './change.ts';

const INT32 = 2 ** 31;

const FORMS: Readonly<Record<Syntax, (value: string) => boolean>> = {
  octet: (value) => /^(?:[0-9a-f]{2})+$/.test(value),
  boolean: (value) => value === 'TRUE' || value === 'FALSE',
  integer: (value) => /^(?:0|-?[1-9]\d*)$/.test(value) && Number(value) >= -INT32 && Number(value) < INT32,
  text: (value) => value !== '' && value.isWellFormed() && !value.includes('\0'),
};

/**
 * What is wrong with the values of one attribute of a change, null if nothing is: old values must be canonical; new ones
 * must also be such as the attribute takes and, unless they are those of an undo, as the attribute flow gives. The mark
 * is looked at for its form only.
 */
export function faultInValues(one: AttributeChange, change: Change): string | null {
  const { attribute, before, after } = one;
  for (const values of [before, after]) {
    if (!sameValues(values, canonical(values))) return `the values of ${attribute} are not sorted, or repeat`;
    if (attribute === MARK_ATTRIBUTE ? values.length > 1 : tooMany(attribute, values)) {
      return `${attribute} takes one value`;
    }
  }
  const form = FORMS[attribute === MARK_ATTRIBUTE ? 'text' : ATTRIBUTES[attribute].syntax];
  if (![...before, ...after].every(form)) return `a value of ${attribute} is not in the form of its syntax`;
  if (sameValues(before, after)) return `${attribute} does not change`;
  return attribute === MARK_ATTRIBUTE ? null : faultInNewValues(attribute, after, change);
}

function tooMany(attribute: AttributeName, values: Values): boolean {
  return !ATTRIBUTES[attribute].multiValued && values.length > 1;
}

function faultInNewValues(attribute: AttributeName, after: Values, change: Change): string | null {
  const { mandatory, range, syntax } = ATTRIBUTES[attribute];
  if (mandatory && after.length === 0 && change.action !== 'delete') return `${attribute} is mandatory and is cleared`;
  if (range !== null) {
    const length = (value: string): number => (syntax === 'octet' ? value.length / 2 : value.length);
    const wrong = after.find((value) => length(value) < range[0] || length(value) > range[1]);
    if (wrong !== undefined) return `${attribute} takes ${range[0]} to ${range[1]} characters, not ${length(wrong)}`;
  }
  if (syntax === 'text' && new Set(after.map((value) => value.toLowerCase())).size < after.length) {
    return `values of ${attribute} differ by case only`;
  }
  const flows = FLOWN[attribute];
  if (change.cause === 'undo' || flows === undefined || after.every((value) => flows(value, change))) return null;
  return `${attribute} gets a value that no Entra device gives it`;
}

/** Where the attribute flow gives less than the syntax allows. */
const FLOWN: Readonly<Partial<Record<AttributeName, (value: string, change: Change) => boolean>>> = {
  altSecurityIdentities: (value) => parseKey(value) !== null,
  'msDS-CloudAnchor': (value, { objectId }) => objectId !== null && value === anchorValue(objectId),
  'msDS-DeviceID': (value, { action, deviceId }) => action !== 'create' || value === guidToHex(deviceId),
  'msDS-RegisteredOwner': (value) => isSidText(asciiOf(value)),
};

function asciiOf(hex: string): string {
  return String.fromCharCode(...(hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
}
