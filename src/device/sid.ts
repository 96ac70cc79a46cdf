/** A security identifier as text in its canonical form, `S-1-…`. Source: [MS-DTYP] 2.4.2.1. */
export type Sid = string;

const TEXT = /^S-1-(0|[1-9]\d{0,9}|0x[0-9A-Fa-f]{12})((?:-(?:0|[1-9]\d{0,9})){1,15})$/;
const HEX = /^01[0-9a-f]{2}(?:[0-9a-f]{2})+$/;
const LARGEST_WORD = 0xffff_ffff;
const HEADER_DIGITS = 16;
const WORD_DIGITS = 8;

interface Parts {
  /** 48 bits. */
  readonly authority: number;
  readonly subAuthorities: readonly number[];
}

/** The canonical form of a SID's text, or null if it is none. Strict: no leading zeros, every number in its range. */
export function parseSid(text: string): Sid | null {
  const parts = partsOfText(text);
  return parts === null ? null : textOfParts(parts);
}

/** Whether this is a SID's text in its canonical form. */
export function isSidText(text: string): boolean {
  // Only a large authority has more than one spelling.
  return text.includes('x') ? parseSid(text) === text : partsOfText(text) !== null;
}

/**
 * The binary form as lower-case hexadecimal digits. Source: [MS-DTYP] 2.4.2.2.
 * @throws RangeError for a text that is no SID; parse it first.
 */
export function sidToHex(sid: Sid): string {
  const parts = partsOfText(sid);
  if (parts === null) throw new RangeError(`Not a security identifier: ${sid}`);
  const count = parts.subAuthorities.length.toString(16).padStart(2, '0');
  const authority = parts.authority.toString(16).padStart(12, '0');
  return `01${count}${authority}${parts.subAuthorities.map(littleEndian).join('')}`;
}

/** The SID whose binary form these lower-case hexadecimal digits are, or null for anything else. */
export function sidFromHex(hex: string): Sid | null {
  if (!HEX.test(hex) || hex.length < HEADER_DIGITS) return null;
  const count = Number.parseInt(hex.slice(2, 4), 16);
  if (count < 1 || count > 15 || hex.length !== HEADER_DIGITS + count * WORD_DIGITS) return null;
  const subAuthorities = Array.from({ length: count }, (_, index) => {
    const start = HEADER_DIGITS + index * WORD_DIGITS;
    return Number.parseInt(reverseBytes(hex.slice(start, start + WORD_DIGITS)), 16);
  });
  return textOfParts({ authority: Number.parseInt(hex.slice(4, HEADER_DIGITS), 16), subAuthorities });
}

const ASCII = Array.from({ length: 128 }, (_, code) => code.toString(16).padStart(2, '0'));

/**
 * The ASCII bytes of the SID's text as lower-case hexadecimal digits: the form in which msDS-RegisteredOwner holds it.
 * [MS-ADA2] 2.441 says only "the primary SID"; the objects that AD FS writes hold the text.
 */
export function sidTextToAsciiHex(sid: Sid): string {
  let hex = '';
  for (let index = 0; index < sid.length; index += 1) hex += ASCII[sid.charCodeAt(index)] ?? '';
  return hex;
}

function partsOfText(text: string): Parts | null {
  const match = TEXT.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const authority = Number(match[1]);
  // An authority of up to 32 bits is written in decimal, a larger one in hexadecimal digits.
  if (!match[1].startsWith('0x') && authority > LARGEST_WORD) return null;
  const subAuthorities = match[2].slice(1).split('-').map(Number);
  return subAuthorities.every((word) => word <= LARGEST_WORD) ? { authority, subAuthorities } : null;
}

function textOfParts({ authority, subAuthorities }: Parts): Sid {
  const large = authority > LARGEST_WORD;
  const authorityText = large ? `0x${authority.toString(16).padStart(12, '0')}` : authority.toString();
  return ['S-1', authorityText, ...subAuthorities].join('-');
}

function littleEndian(word: number): string {
  return reverseBytes(word.toString(16).padStart(WORD_DIGITS, '0'));
}

function reverseBytes(hex: string): string {
  return (hex.match(/../g) ?? []).toReversed().join('');
}
