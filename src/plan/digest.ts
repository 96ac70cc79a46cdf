import { createHash, hash } from 'node:crypto';
import type { Change } from './change.ts';
import { byDeviceId } from './order.ts';

/** SHA-256 over the changes in device-id order, as 64 lower-case hexadecimal digits: the same changes, the same digest. */
export function digest(changes: readonly Change[]): string {
  const whole = createHash('sha256');
  for (const change of changes.toSorted(byDeviceId)) whole.update(`${JSON.stringify(sortKeys(change))}\n`);
  return whole.digest('hex');
}

/** The first 128 bits of a text's SHA-256, as 32 lower-case hexadecimal digits: what stands for the text in a row. */
export function shortDigest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sortKeys(member)]),
  );
}
