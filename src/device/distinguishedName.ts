/**
 * Distinguished names as text. Sources: RFC 4514 (the string form), RFC 4518 2.6.1 (spaces that do not count in a
 * comparison), [MS-ADTS] 3.1.1.5.5 (the name of a deleted object).
 */

/** One attribute type and value of a relative distinguished name; the value is unescaped. */
export interface TypeAndValue {
  readonly type: string;
  readonly value: string;
}

/** From the object itself up to the root; a relative name has one pair, rarely more. */
export type NameParts = readonly (readonly TypeAndValue[])[];

const TYPE = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*/;
const HEX_PAIR = /^[0-9A-Fa-f]{2}$/;
const SPECIAL = new Set(['"', '+', ',', ';', '<', '>', '\\']);
const DELETED = /\nDEL:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** The parts of a distinguished name, or null for text that is none. An empty text has no parts and is no name. */
export function parseDistinguishedName(text: string): NameParts | null {
  const names: TypeAndValue[][] = [];
  let current: TypeAndValue[] = [];
  let rest = text;
  for (;;) {
    const type = TYPE.exec(rest);
    if (type?.[1] === undefined) return null;
    const value = readValue(rest.slice(type[0].length));
    if (value === null) return null;
    current.push({ type: type[1], value: value.text });
    if (value.separator !== '+') {
      names.push(current);
      current = [];
    }
    if (value.separator === '') return names;
    rest = value.rest;
  }
}

/** The value as it stands in a name's text, each character escaped that would otherwise have a meaning. */
export function escapeNameValue(value: string): string {
  const escaped = Array.from(value, (character) => {
    if (SPECIAL.has(character)) return `\\${character}`;
    const code = character.charCodeAt(0);
    return code < 0x20 || code === 0x7f ? `\\${code.toString(16).padStart(2, '0').toUpperCase()}` : character;
  });
  const first = escaped[0];
  if (first === ' ' || first === '#') escaped[0] = `\\${first}`;
  if (escaped.length > 1 && escaped.at(-1) === ' ') escaped[escaped.length - 1] = '\\ ';
  return escaped.join('');
}

/** The name of the object `CN=<commonName>` directly below the parent. */
export function childName(commonName: string, parent: string): string {
  return `CN=${escapeNameValue(commonName)},${parent}`;
}

/** The name of the object above, or null for a name with one part and for text that is no name. */
export function parentName(text: string): string | null {
  const parts = parseDistinguishedName(text);
  return parts === null || parts.length < 2 ? null : nameText(parts.slice(1));
}

/** Whether both texts name the same object: case, spaces that do not count and the way of escaping are ignored. */
export function sameName(a: string, b: string): boolean {
  return a === b || comparableName(a) === comparableName(b);
}

/** A text that is equal for any two spellings of one name; text that is no name is compared as it is. */
export function comparableName(text: string): string {
  const parts = parseDistinguishedName(text);
  if (parts === null) return text;
  return nameText(
    parts.map((pairs) =>
      pairs
        .map(({ type, value }) => ({ type: type.toLowerCase(), value: comparableValue(value) }))
        .sort((x, y) => (x.type < y.type ? -1 : 1)),
    ),
  );
}

/** Whether this is the name of a deleted object, which Active Directory keeps under `CN=Deleted Objects`. */
export function isDeletedName(text: string): boolean {
  const value = parseDistinguishedName(text)?.[0]?.[0]?.value;
  return value !== undefined && DELETED.test(value);
}

function comparableValue(value: string): string {
  return value.trim().replaceAll(/ +/g, ' ').toLowerCase();
}

function nameText(parts: NameParts): string {
  return parts.map((pairs) => pairs.map(({ type, value }) => `${type}=${escapeNameValue(value)}`).join('+')).join(',');
}

interface Read {
  readonly text: string;
  /** The separator after the value, empty at the end of the name. */
  readonly separator: '' | ',' | '+';
  readonly rest: string;
}

/** Reads one escaped value up to the separator that ends it; null if an escape or a character is not allowed. */
function readValue(text: string): Read | null {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  /** Length up to the last byte that is not an unescaped space: trailing ones do not belong to the value. */
  let significant = 0;
  let position = 0;
  let separator: Read['separator'] = '';
  while (position < text.length) {
    const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
    position += character.length;
    if (character === ',' || character === '+') {
      separator = character;
      break;
    }
    if (character === '\\') {
      const pair = text.slice(position, position + 2);
      const next = text.charAt(position);
      if (HEX_PAIR.test(pair)) {
        bytes.push(Number.parseInt(pair, 16));
        position += 2;
      } else if (SPECIAL.has(next) || next === ' ' || next === '#' || next === '=') {
        bytes.push(next.charCodeAt(0));
        position += 1;
      } else {
        return null;
      }
      significant = bytes.length;
    } else {
      if (SPECIAL.has(character) || character === '\0') return null;
      bytes.push(...encoder.encode(character));
      if (character !== ' ') significant = bytes.length;
    }
  }
  const value = decode(bytes.slice(0, significant));
  return value === null ? null : { text: value, separator, rest: text.slice(position) };
}

function decode(bytes: readonly number[]): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    return null;
  }
}
