import { expect } from 'chai';
import type { Cause, Change } from '../../src/plan/change.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import { countsAsRemoval, refuse, removalThreshold, type Counts } from '../../src/plan/thresholds.ts';
import { computePlan } from '../../src/plan/computePlan.ts';
import { deviceObject, gone, planInput } from './samples.ts';

const DIGEST = 'd1635700d1635700d1635700d1635700d1635700d1635700d1635700d1635700';
const allowing = (maximumRemoval: number) => ({ ...DEFAULT_POLICY, maximumRemoval });
const code = (counts: Counts, policy = DEFAULT_POLICY): string | null => refuse(counts, policy, DIGEST)?.code ?? null;

describe('thresholds', () => {
  describe('the removal threshold', () => {
    const figures = [
      [0, 5],
      [5, 5],
      [50, 5],
      [59, 5],
      [60, 6],
      [999, 99],
      [4_999, 499],
      [5_000, 500],
      [5_010, 500],
      [1_000_000, 500],
    ] as const;
    for (const [ownedEnabled, expected] of figures) {
      it(`is ${expected} for ${ownedEnabled} owned enabled objects`, () => {
        expect(removalThreshold(ownedEnabled, DEFAULT_POLICY)).to.equal(expected);
      });
    }

    it('is what -MaximumRemoval says, even if that is less', () => {
      expect(removalThreshold(10_000, allowing(700))).to.equal(700);
      expect(removalThreshold(10_000, allowing(0))).to.equal(0);
    });

    it('counts removals, at-once deletes and disables for want of a key, and nothing else', () => {
      const [removal] = computePlan(planInput({ objects: [deviceObject(1)], absences: gone(1) })).changes;
      if (removal === undefined) throw new Error('the plan of a gone device is empty');
      const counted = (cause: Cause, action: Change['action']): boolean =>
        countsAsRemoval({ ...removal, cause, action });
      expect(counted('removal', 'disable')).to.equal(true);
      expect(counted('removal', 'update')).to.equal(true);
      expect(counted('removal', 'delete')).to.equal(true);
      expect(counted('noKey', 'disable')).to.equal(true);
      expect(counted('stated', 'disable')).to.equal(false);
      expect(counted('retention', 'delete')).to.equal(false);
      expect(counted('flow', 'update')).to.equal(false);
    });

    it('refuses what is past it and not what is at it', () => {
      expect(code({ inScope: 100, ownedEnabled: 100, removals: 10 })).to.equal(null);
      expect(code({ inScope: 100, ownedEnabled: 100, removals: 11 })).to.equal('RemovalThreshold');
    });

    it('names the figures, the digest and the way on', () => {
      const refusal = refuse({ inScope: 100, ownedEnabled: 120, removals: 13 }, DEFAULT_POLICY, DIGEST);
      expect(refusal?.sentence).to.include('13').and.to.include('120').and.to.include('at most 12');
      expect(refusal?.remedy).to.include(DIGEST).and.to.include('-MaximumRemoval 13');
    });
  });

  describe('the size of the source', () => {
    it('is refused if it is empty against one owned enabled object', () => {
      expect(code({ inScope: 0, ownedEnabled: 1, removals: 0 })).to.equal('SourceTooSmall');
    });

    it('is fine if both are empty', () => {
      expect(code({ inScope: 0, ownedEnabled: 0, removals: 0 })).to.equal(null);
    });

    it('is refused from 20 owned enabled objects up if it is less than half of them', () => {
      expect(code({ inScope: 9, ownedEnabled: 20, removals: 0 })).to.equal('SourceTooSmall');
      expect(code({ inScope: 10, ownedEnabled: 20, removals: 0 })).to.equal(null);
      expect(code({ inScope: 10, ownedEnabled: 21, removals: 0 })).to.equal('SourceTooSmall');
      expect(code({ inScope: 11, ownedEnabled: 21, removals: 0 })).to.equal(null);
      expect(code({ inScope: 1, ownedEnabled: 19, removals: 0 })).to.equal(null);
    });

    it('names the figures, the digest and the way on', () => {
      for (const counts of [
        { inScope: 0, ownedEnabled: 42, removals: 4 },
        { inScope: 17, ownedEnabled: 42, removals: 4 },
      ]) {
        const refusal = refuse(counts, DEFAULT_POLICY, DIGEST);
        expect(refusal?.sentence).to.include('42');
        if (counts.inScope > 0) expect(refusal?.sentence).to.include('17');
        expect(refusal?.remedy).to.include(DIGEST).and.to.include('-MaximumRemoval 4');
      }
    });
  });

  describe('-MaximumRemoval', () => {
    it('covers the threshold and the size of the source', () => {
      expect(code({ inScope: 0, ownedEnabled: 100, removals: 100 }, allowing(100))).to.equal(null);
      expect(code({ inScope: 30, ownedEnabled: 100, removals: 70 }, allowing(70))).to.equal(null);
      expect(code({ inScope: 0, ownedEnabled: 1, removals: 0 }, allowing(0))).to.equal(null);
    });

    it('is itself a threshold', () => {
      expect(code({ inScope: 30, ownedEnabled: 100, removals: 71 }, allowing(70))).to.equal('RemovalThreshold');
      expect(code({ inScope: 100, ownedEnabled: 100, removals: 1 }, allowing(0))).to.equal('RemovalThreshold');
    });
  });
});
