import { expect } from 'chai';
import { clocksAgree, DEFAULT_POLICY, deletesAtOnce, retentionOver } from '../../src/plan/policy.ts';
import { daysAgo, NOW } from './samples.ts';

const later = (milliseconds: number): Date => new Date(NOW.getTime() + milliseconds);

describe('policy', () => {
  it('deletes after 30 days, deletes at all, and sets no limit of its own, if nobody says otherwise', () => {
    expect(DEFAULT_POLICY).to.deep.equal({
      deleteAfterDays: 30,
      keepRemoved: false,
      maximumRemoval: null,
      adopt: false,
    });
  });

  it('ends the retention time to the millisecond', () => {
    expect(retentionOver(daysAgo(30), NOW, DEFAULT_POLICY)).to.equal(true);
    expect(retentionOver(daysAgo(30), later(-1), DEFAULT_POLICY)).to.equal(false);
  });

  it('never ends it for a mark from the future', () => {
    expect(retentionOver(later(1), NOW, { ...DEFAULT_POLICY, deleteAfterDays: 0 })).to.equal(false);
  });

  it('never ends it with -KeepRemoved', () => {
    expect(retentionOver(daysAgo(9_000), NOW, { ...DEFAULT_POLICY, keepRemoved: true })).to.equal(false);
  });

  it('deletes at once for 0 days only, and never with -KeepRemoved', () => {
    expect(deletesAtOnce(DEFAULT_POLICY)).to.equal(false);
    expect(deletesAtOnce({ ...DEFAULT_POLICY, deleteAfterDays: 1 })).to.equal(false);
    expect(deletesAtOnce({ ...DEFAULT_POLICY, deleteAfterDays: 0 })).to.equal(true);
    expect(deletesAtOnce({ ...DEFAULT_POLICY, deleteAfterDays: 0, keepRemoved: true })).to.equal(false);
  });

  it('takes clocks for equal that differ by an hour at most, in either direction', () => {
    for (const sign of [1, -1]) {
      expect(clocksAgree(NOW, later(sign * 3_600_000))).to.equal(true);
      expect(clocksAgree(NOW, later(sign * 3_600_001))).to.equal(false);
    }
    expect(clocksAgree(NOW, null)).to.equal(false);
  });
});
