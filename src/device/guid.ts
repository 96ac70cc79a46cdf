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
  const digits = guid.replaceAll('-', '');
  return swapBytes(digits);
}

/** The GUID whose Windows-order bytes are these 32 lower-case hexadecimal digits, or null for anything else. */
export function guidFromHex(hex: string): Guid | null {
  if (!HEX.test(hex)) return null;
  const digits = swapBytes(hex);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

function swapBytes(digits: string): string {
  const byte = (index: number): string => digits.slice(2 * index, 2 * index + 2);
  return byte(3) + byte(2) + byte(1) + byte(0) + byte(5) + byte(4) + byte(7) + byte(6) + digits.slice(16);
}
