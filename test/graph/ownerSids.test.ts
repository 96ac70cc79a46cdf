import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { createOwnerSids } from '../../src/graph/ownerSids.ts';

const DOMAIN = 'S-1-5-21-3623811015-3361044348-30300820';

describe('graph/ownerSids', () => {
  it('tells what was set, and nothing of others', () => {
    const sids = createOwnerSids();
    const [one, two, other] = [randomUUID(), randomUUID(), randomUUID()];
    sids.set(one, `${DOMAIN}-1104`);
    sids.set(two, null);
    expect([sids.get(one), sids.get(two), sids.get(other)]).to.deep.equal([`${DOMAIN}-1104`, null, undefined]);
    expect(sids.size()).to.equal(2);
  });

  it('takes the last value', () => {
    const sids = createOwnerSids();
    const id = randomUUID();
    for (const sid of [`${DOMAIN}-1`, 'odd', null, `${DOMAIN}-2`]) {
      sids.set(id, sid);
      expect(sids.get(id)).to.equal(sid);
    }
    expect(sids.size()).to.equal(1);
  });

  for (const sid of [
    'S-1-5-18',
    `${DOMAIN}-0`,
    `${DOMAIN}-4294967295`,
    `${DOMAIN}-4294967296`,
    `${DOMAIN}-007`,
    'S-1-12-1-2-3-4-5',
    'S-1-5',
    '',
    'no SID',
  ]) {
    it(`gives ${JSON.stringify(sid)} back as it was`, () => {
      const sids = createOwnerSids();
      const id = randomUUID();
      sids.set(id, sid);
      expect(sids.get(id)).to.equal(sid);
    });
  }

  it('tells ids apart that differ in one place, and that a table finds at one place', () => {
    const sids = createOwnerSids();
    const ids = Array.from({ length: 32 }, (_, place) => {
      const digits = '0'.repeat(place) + '1' + '0'.repeat(31 - place);
      return [
        digits.slice(0, 8),
        digits.slice(8, 12),
        digits.slice(12, 16),
        digits.slice(16, 20),
        digits.slice(20),
      ].join('-');
    });
    ids.forEach((id, index) => sids.set(id, `${DOMAIN}-${index}`));
    expect(ids.map((id) => sids.get(id))).to.deep.equal(ids.map((_, index) => `${DOMAIN}-${index}`));
  });

  it('holds 200,000 owners of three domains in little memory', () => {
    const sids = createOwnerSids();
    const ids = Array.from({ length: 200_000 }, () => randomUUID());
    const before = process.memoryUsage();
    ids.forEach((id, index) => sids.set(id, index % 7 === 0 ? null : `S-1-5-21-1-2-${index % 3}-${index}`));
    const after = process.memoryUsage();
    expect(sids.size()).to.equal(200_000);
    ids.forEach((id, index) => {
      const sid = index % 7 === 0 ? null : `S-1-5-21-1-2-${index % 3}-${index}`;
      if (sids.get(id) !== sid) throw new Error(`${id}: ${sids.get(id)} instead of ${sid}`);
    });
    expect(after.arrayBuffers - before.arrayBuffers).to.be.below(64 * 200_000 * 2);
  });
});
