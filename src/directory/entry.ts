/** One entry of a search answer, every value as the octets that the server sent, and readers for its values. */
import { isUtf8 } from 'node:buffer';
import { guidFromHex, type Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import { BerWalk, TAG } from './ber.ts';

export interface Entry {
  readonly distinguishedName: string;
  /** By attribute name in lower case; an attribute without a value is absent. */
  readonly attributes: ReadonlyMap<string, readonly Buffer[]>;
}

const RANGE = /;range=\d+-(\d+|\*)$/i;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,]\d+)?Z$/;
const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/**
 * The entry in a message that `messageIdOfEntry` knows, its values the octets of that message (RFC 4511 4.5.2). ldapts
 * would decode each value as text, which costs more than all else and drops a leading byte order mark.
 * @throws DirectoryAnswerInvalid where the server gave only the first part of an attribute's values, or octets that are
 * no entry.
 */
export function toEntry(message: Buffer): Entry {
  const walk = new BerWalk(message);
  let distinguishedName = 'an entry';
  try {
    walk.enter(TAG.sequence);
    walk.content(TAG.integer);
    walk.enter(TAG.searchEntry);
    distinguishedName = walk.text(TAG.octets);
    return { distinguishedName, attributes: readAttributes(walk, distinguishedName) };
  } catch (error) {
    if (error instanceof RangeError) throw invalid(distinguishedName, 'the attributes', error.message);
    throw error;
  }
}

function readAttributes(walk: BerWalk, distinguishedName: string): Entry['attributes'] {
  const attributes = new Map<string, readonly Buffer[]>();
  const end = walk.enter(TAG.sequence);
  while (walk.position < end) {
    walk.enter(TAG.sequence);
    const type = walk.text(TAG.octets);
    const values: Buffer[] = [];
    const last = walk.enter(TAG.set);
    while (walk.position < last) values.push(walk.content(TAG.octets));
    if (values.length > 0) attributes.set(nameOf(type, distinguishedName), values);
  }
  return attributes;
}

/** The message id of a search result entry, null for any other message. Throws RangeError for octets that are none. */
export function messageIdOfEntry(message: Buffer): number | null {
  const walk = new BerWalk(message);
  walk.enter(TAG.sequence);
  const id = walk.content(TAG.integer);
  return walk.tag() === TAG.searchEntry && id.length <= 4 && id.length > 0 ? id.readIntBE(0, id.length) : null;
}

/** The name without the range of values, in lower case. */
function nameOf(type: string, distinguishedName: string): string {
  if (!type.includes(';')) return type.toLowerCase();
  const range = RANGE.exec(type);
  if (range !== null && range[1] !== '*') {
    throw invalid(distinguishedName, type, 'the server gave only a part of its values');
  }
  return type.replace(RANGE, '').toLowerCase();
}

export function octets(entry: Entry, attribute: string): readonly Buffer[] {
  return entry.attributes.get(attribute.toLowerCase()) ?? [];
}

export function oneOctets(entry: Entry, attribute: string): Buffer | null {
  const [first, second] = octets(entry, attribute);
  if (second !== undefined) throw invalid(entry.distinguishedName, attribute, 'it has more than one value');
  return first ?? null;
}

export function texts(entry: Entry, attribute: string): string[] {
  return octets(entry, attribute).map((value) => decode(entry, attribute, value));
}

export function oneText(entry: Entry, attribute: string): string | null {
  const value = oneOctets(entry, attribute);
  return value === null ? null : decode(entry, attribute, value);
}

/** The text of an attribute that every such entry has. */
export function requiredText(entry: Entry, attribute: string): string {
  return oneText(entry, attribute) ?? absent(entry, attribute);
}

/** A 32-bit integer ([MS-ADTS] 3.1.1.2.2.2, Integer). */
export function oneInteger(entry: Entry, attribute: string): number | null {
  const text = oneText(entry, attribute);
  if (text === null) return null;
  const value = Number(text);
  if (!INTEGER.test(text) || value !== Math.trunc(value) || Math.abs(value) > 0x8000_0000) {
    throw invalid(entry.distinguishedName, attribute, `"${text}" is no 32-bit integer`);
  }
  return value;
}

export function oneBoolean(entry: Entry, attribute: string): boolean | null {
  const text = oneText(entry, attribute);
  if (text === null || text === 'TRUE' || text === 'FALSE') return text === null ? null : text === 'TRUE';
  throw invalid(entry.distinguishedName, attribute, `"${text}" is neither TRUE nor FALSE`);
}

export function requiredTime(entry: Entry, attribute: string): Date {
  return oneTime(entry, attribute) ?? absent(entry, attribute);
}

/** A generalized time in UTC (RFC 4517 3.3.13), to the second. */
export function oneTime(entry: Entry, attribute: string): Date | null {
  const text = oneText(entry, attribute);
  if (text === null) return null;
  const parts = GENERALIZED_TIME.exec(text);
  const time = parts === null ? null : new Date(parts.slice(1, 4).join('-') + `T${parts.slice(4, 7).join(':')}Z`);
  if (time === null || Number.isNaN(time.getTime())) {
    throw invalid(entry.distinguishedName, attribute, `"${text}" is no time in UTC`);
  }
  return time;
}

export function requiredGuid(entry: Entry, attribute: string): Guid {
  const value = oneOctets(entry, attribute) ?? absent(entry, attribute);
  const guid = guidFromHex(value.toString('hex'));
  return guid ?? refuse(entry, attribute, 'it is not 16 octets long');
}

function decode(entry: Entry, attribute: string, value: Buffer): string {
  // A TextDecoder costs ten times as much, which is most of what reading a short value takes.
  if (isUtf8(value)) return value.toString('utf8');
  throw invalid(entry.distinguishedName, attribute, `the octets ${value.toString('hex')} are no UTF-8 text`);
}

function absent(entry: Entry, attribute: string): never {
  return refuse(entry, attribute, 'it has no value that this account can read');
}

function refuse(entry: Entry, attribute: string, why: string): never {
  throw invalid(entry.distinguishedName, attribute, why);
}

/** The error for an answer of the directory that does not fit its schema. */
export function invalid(distinguishedName: string, attribute: string, why: string): WritebackError {
  const object = distinguishedName === '' ? 'the root of the directory (rootDSE)' : distinguishedName;
  return new WritebackError('DirectoryAnswerInvalid', `Reading ${attribute} of ${object}: ${why}.`, {
    target: distinguishedName === '' ? 'rootDSE' : distinguishedName,
    remedy:
      'Look at this object with another LDAP client as the same account; correct its value or the right to read it.',
    detail: `${attribute}: ${why}`,
  });
}
