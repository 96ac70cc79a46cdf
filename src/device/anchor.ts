import { guidFromHex, guidToHex, parseGuid, type Guid } from './guid.ts';
import type { Values } from './attributes.ts';

/**
 * The anchor: msDS-CloudAnchor, which names the Entra object that the device object stands for.
 *
 * It is written as the 16 little-endian bytes of the Entra object id. What Entra Connect writes there is not proven by
 * any public dump, so reading also accepts the text that its connector space uses, `Device_<object id>`, in UTF-8 or
 * UTF-16LE. Any other value counts as no anchor.
 */
export function anchorValue(objectId: Guid): string {
  return guidToHex(objectId);
}

/** The Entra object id that the values of msDS-CloudAnchor name, or null. */
export function readAnchor(values: Values | undefined): Guid | null {
  const hex = values?.[0];
  if (hex === undefined) return null;
  return guidFromHex(hex) ?? fromConnectorSpaceText(hex);
}

const PREFIX = 'Device_';
const GUID_LENGTH = 36;

function fromConnectorSpaceText(hex: string): Guid | null {
  const bytes = (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  const length = PREFIX.length + GUID_LENGTH;
  if (bytes.length === 2 * length && bytes.every((byte, index) => index % 2 === 0 || byte === 0)) {
    return fromText(bytes.filter((_, index) => index % 2 === 0));
  }
  return bytes.length === length ? fromText(bytes) : null;
}

function fromText(codes: readonly number[]): Guid | null {
  const text = String.fromCharCode(...codes);
  return text.startsWith(PREFIX) ? parseGuid(text.slice(PREFIX.length)) : null;
}
