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
      for (const name of names) text += countedText(attributes[name] ?? []);
      return shortDigest(text);
    },
  };
}

/** Numbers and lengths come before what they count, so that no two lists of values have one text. */
function countedText(values: Values): string {
  let text = `${values.length};`;
  for (const value of values) text += `${value.length}:${value}`;
  return text;
}
