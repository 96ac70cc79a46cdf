import { readFileSync } from 'node:fs';

/** One test vector; `input` and `expected` have the shape of its kind. */
export interface Vector<Input, Expected> {
  readonly name: string;
  readonly kind: string;
  /** false: the input must be rejected, or the value shown must not be produced. */
  readonly positive: boolean;
  readonly input: Input;
  readonly expected: Expected;
}

const { vectors } = JSON.parse(readFileSync(new URL('../vectors/vectors.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector<unknown, unknown>[];
};

export const KINDS: readonly string[] = [...new Set(vectors.map((vector) => vector.kind))].toSorted();

/** The vectors of one kind. @throws Error if there is none, so that a renamed kind cannot empty a test. */
export function vectorsOf<Input, Expected>(kind: string): readonly Vector<Input, Expected>[] {
  const found = vectors.filter((vector) => vector.kind === kind);
  if (found.length === 0) throw new Error(`vectors.json has no vector of kind ${kind}`);
  return found as readonly Vector<Input, Expected>[];
}

/** Hexadecimal digits as the engine holds them. */
export function lower(hex: string | undefined): string {
  if (hex === undefined) throw new Error('the vector has no such value');
  return hex.toLowerCase();
}
