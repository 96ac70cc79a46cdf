/** A GUID as text: lower case, hyphenated, no braces. */
export type Guid = string;

const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = /^[0-9a-f]{32}$/;

/** The canonical form of a GUID's text, or null if it is none. */
export function parseGuid(text: string): Guid | null {
  return TEXT.test(text) ? text.toLowerCase() : null;
}

/**
 * The 16 bytes of a GUID in Windows order (first three groups little-endian) as 32 lower-case hexadecimal digits.
 * Source: [MS-DTYP] 2.3.4.2.
 */
export function guidToHex(guid: Guid): string {
  const part = (from: number, to: number): string => guid.slice(from, to);
  const first = part(6, 8) + part(4, 6) + part(2, 4) + part(0, 2);
  return first + part(11, 13) + part(9, 11) + part(16, 18) + part(14, 16) + part(19, 23) + part(24, 36);
}

/** The GUID whose Windows-order bytes are these 32 lower-case hexadecimal digits, or null for anything else. */
export function guidFromHex(hex: string): Guid | null {
  if (!HEX.test(hex)) return null;
  const part = (from: number, to: number): string => hex.slice(from, to);
  const first = part(6, 8) + part(4, 6) + part(2, 4) + part(0, 2);
  return `${first}-${part(10, 12)}${part(8, 10)}-${part(14, 16)}${part(12, 14)}-${part(16, 20)}-${part(20, 32)}`;
}
