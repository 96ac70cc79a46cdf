import { syntaxOf, type WritableAttribute } from './attributes.ts';
import { guidFromHex } from './guid.ts';

/** A value as people read it: octets that are a GUID or text as such, others as hexadecimal digits. */
export function displayValue(attribute: WritableAttribute, value: string): string {
  if (syntaxOf(attribute) !== 'octet') return value;
  const text = asciiFromHex(value);
  return attribute === 'msDS-RegisteredOwner' ? (text ?? value) : (guidFromHex(value) ?? text ?? value);
}

function asciiFromHex(hex: string): string | null {
  const codes = (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  return codes.every((code) => code >= 0x20 && code < 0x7f) ? String.fromCharCode(...codes) : null;
}
