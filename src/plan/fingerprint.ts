import type { Flow } from '../device/attributeFlow.ts';
import { ATTRIBUTE_NAMES, type AttributeName, type AttributeValues, type Values } from '../device/attributes.ts';
import { shortDigest } from './digest.ts';

/**
 * Fingerprints of the canonical values of both sides, over the attributes that the schema has: an object and a device
 * with the same one have the same values. 32 hexadecimal digits.
 */
export interface Fingerprints {
  /** Of what the object shall have; null where that depends on what it has: a value is left, or is for new objects only. */
  desired(flow: Flow): string | null;
  current(attributes: AttributeValues): string;
}

const NO_VALUES: Values = [];

export function fingerprintsOver(available: ReadonlySet<AttributeName>): Fingerprints {
  const names = ATTRIBUTE_NAMES.filter((name) => available.has(name));
  return {
    desired(flow) {
      let text = '';
      for (const name of names) {
        const flowed = flow[name];
        if (flowed?.kind !== 'values') return null;
        text += countedText(flowed.values);
      }
      return shortDigest(text);
    },
    current(attributes) {
      let text = '';
      for (const name of names) text += countedText(attributes[name] ?? NO_VALUES);
      return shortDigest(text);
    },
  };
}

/** Before each value and each list stands its length, so that no two lists of values have one text. */
function countedText(values: Values): string {
  let text = lengthText(values.length);
  for (const value of values) text += lengthText(value.length) + value;
  return text;
}

/** One character, as most lengths are small; a larger one is told in digits. */
function lengthText(length: number): string {
  return length < LARGE ? String.fromCharCode(length) : `${String.fromCharCode(LARGE)}${length}:`;
}

const LARGE = 0x7f;
