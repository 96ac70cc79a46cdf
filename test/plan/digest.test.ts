import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { Change } from '../../src/plan/change.ts';
import { computePlan } from '../../src/plan/computePlan.ts';
import { digest } from '../../src/plan/digest.ts';
import { entraDevice, planInput } from './samples.ts';

const { changes } = computePlan(planInput({ devices: [entraDevice(1), entraDevice(2), entraDevice(3)] }));

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversedKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([name, member]) => [name, reversedKeys(member)]));
}

describe('digest', () => {
  it('is 64 lower-case hexadecimal digits', () => {
    expect(digest(changes)).to.match(/^[0-9a-f]{64}$/);
  });

  it('of no change is the SHA-256 of nothing', () => {
    expect(digest([])).to.equal(createHash('sha256').digest('hex'));
  });

  it('does not depend on the order of changes or of their members', () => {
    expect(digest(changes.toReversed())).to.equal(digest(changes));
    expect(digest(changes.map((change) => reversedKeys(change) as Change))).to.equal(digest(changes));
  });

  it('changes with every member of a change, and with every change', () => {
    const [first, ...others] = changes;
    if (first === undefined) throw new Error('the plan of new devices is empty');
    const seen = new Set([digest(changes), digest(others)]);
    const names = Object.keys(first).filter((name) => name !== 'attributes');
    for (const name of names) seen.add(digest([{ ...first, [name]: 'another value' }, ...others]));
    const [attribute, ...rest] = first.attributes;
    if (attribute === undefined) throw new Error('a create without attributes');
    seen.add(digest([{ ...first, attributes: rest }, ...others]));
    seen.add(digest([{ ...first, attributes: [{ ...attribute, after: ['x'] }, ...rest] }, ...others]));
    seen.add(digest([{ ...first, attributes: [{ ...attribute, before: ['x'] }, ...rest] }, ...others]));
    seen.add(digest([{ ...first, attributes: [{ ...attribute, attribute: 'displayName' }, ...rest] }, ...others]));
    expect(seen.size).to.equal(2 + names.length + 4);
  });
});
