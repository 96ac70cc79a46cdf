import { createHash } from 'node:crypto';

/** Distinct GUIDs by index, whose first group gives the index back. */
export class GuidSequence {
  readonly #seed: number;
  readonly #name: string;
  readonly #offset: number;

  constructor(seed: number, name: string) {
    this.#seed = seed;
    this.#name = name;
    this.#offset = Number.parseInt(digits(`${seed} ${name}`, 8), 16);
  }

  at(index: number): string {
    // An odd multiplier permutes the numbers below 2^32, so ids are distinct and in no order.
    const first = ((Math.imul(index, MULTIPLIER) ^ this.#offset) >>> 0).toString(16).padStart(8, '0');
    return `${first}${guid(`${this.#seed} ${this.#name} ${index}`).slice(8)}`;
  }

  indexOf(id: string, count: number): number | null {
    const first = Number.parseInt(id.slice(0, 8), 16);
    const index = Math.imul(first ^ this.#offset, INVERSE) >>> 0;
    return index < count && this.at(index) === id.toLowerCase() ? index : null;
  }
}

const MULTIPLIER = 0x9e3779b1;
/** MULTIPLIER × INVERSE = 1 modulo 2^32, by Newton's iteration. */
const INVERSE = ((): number => {
  let inverse = MULTIPLIER;
  for (let round = 0; round < 5; round += 1) inverse = Math.imul(inverse, 2 - Math.imul(MULTIPLIER, inverse));
  return inverse;
})();

/** So many hexadecimal digits that follow from the text. */
export function digits(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

/** A GUID that follows from the text. */
export function guid(text: string): string {
  const hex = digits(text, 32);
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}
