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
      const lists: Values[] = [];
      for (const name of names) {
        const flowed = flow[name];
        if (flowed?.kind !== 'values') return null;
        lists.push(flowed.values);
      }
      return shortDigest(JSON.stringify(lists));
    },
    current(attributes) {
      return shortDigest(JSON.stringify(names.map((name) => attributes[name] ?? NO_VALUES)));
    },
  };
}
