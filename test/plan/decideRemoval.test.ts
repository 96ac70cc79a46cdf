import { expect } from 'chai';
import type { Plan } from '../../src/plan/change.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/plan/policy.ts';
import { after, reasons, lines } from './reading.ts';
import {
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  gone,
  MARK,
  NOW,
  objectId,
  planInput,
  removedMark,
  type ObjectTraits,
} from './samples.ts';

const plan = (parts: Partial<PlanInput>): Plan => computePlan(planInput(parts));

const FALSE = { 'msDS-IsEnabled': ['FALSE'] };
const MARKED_NOW = `adminDescription=${removedMark(NOW)}`;

/** The plan of one owned object, alone in the directory, whose device is gone unless said otherwise. */
function alone(traits: ObjectTraits, policy: Partial<Policy> = {}, parts: Partial<PlanInput> = {}): Plan {
  return plan({
    objects: [deviceObject(1, traits)],
    absences: gone(1),
    policy: { ...DEFAULT_POLICY, ...policy },
    ...parts,
  });
}

describe('decide on a removal', () => {
  for (const state of ['gone', 'outOfScope'] as const) {
    describe(`of a device that is ${state === 'gone' ? 'gone' : 'out of scope'}`, () => {
      const absences: PlanInput['absences'] = new Map([[objectId(1), { state }]]);

      it('disables an enabled object and puts the removed mark on it', () => {
        expect(lines(alone({}, {}, { absences }))).to.deep.equal([
          `disable removal ${MARKED_NOW} msDS-IsEnabled=FALSE`,
        ]);
      });

      it('renews the removed mark if someone enabled the object again', () => {
        expect(lines(alone({ mark: removedMark(daysAgo(90)) }, {}, { absences }))).to.deep.equal([
          `disable removal ${MARKED_NOW} msDS-IsEnabled=FALSE`,
        ]);
      });

      it('only puts the removed mark on an object that is disabled', () => {
        expect(lines(alone({ attributes: FALSE }, {}, { absences }))).to.deep.equal([`update removal ${MARKED_NOW}`]);
      });

      it('does nothing within the retention time', () => {
        for (const days of [0, 1, 29, 29.999]) {
          const result = alone({ mark: removedMark(daysAgo(days)), attributes: FALSE }, {}, { absences });
          expect([lines(result), reasons(result)]).to.deep.equal([[], []]);
        }
      });

      it('deletes after the retention time, with every value that is lost', () => {
        const object = deviceObject(1, { mark: removedMark(daysAgo(30)), attributes: FALSE });
        const [change, ...others] = plan({ objects: [object], absences }).changes;
        expect(others).to.deep.equal([]);
        expect([change?.action, change?.cause]).to.deep.equal(['delete', 'retention']);
        expect(change?.attributes).to.deep.equal(
          [['adminDescription', object.adminDescription] as const, ...Object.entries(object.attributes)].map(
            ([attribute, before]) => ({ attribute, before, after: [] }),
          ),
        );
      });
    });
  }

  it('is held AbsenceUnproven where Graph answered neither 404 nor the device', () => {
    const absences: PlanInput['absences'] = new Map([[objectId(1), { state: 'unproven', why: 'Graph answered 503' }]]);
    for (const traits of [{}, { attributes: FALSE }, { mark: removedMark(daysAgo(40)), attributes: FALSE }]) {
      const result = alone(traits, {}, { absences });
      expect([lines(result), reasons(result)]).to.deep.equal([[], ['AbsenceUnproven']]);
      expect(result.held[0]?.sentence).to.include('Graph answered 503');
    }
  });

  it('is held AbsenceUnproven where a device that may be in scope has taken its device id', () => {
    for (const [state, accountEnabled, changes] of [
      ['gone', true, []],
      ['gone', undefined, []],
      ['outOfScope', true, []],
      ['gone', false, ['disable stated msDS-IsEnabled=FALSE']],
    ] as const) {
      const undecided = [{ ...entraDevice(2, { accountEnabled }), deviceId: deviceId(1) }];
      const result = alone({}, {}, { undecided, absences: new Map([[objectId(1), { state }]]) });
      expect([lines(result), reasons(result)]).to.deep.equal([changes, ['AbsenceUnproven', 'Unreadable']]);
    }
  });

  it('waits without a disable where one of several devices with its device id is not disabled', () => {
    const undecided = [false, undefined, true, false].map((accountEnabled, number) => ({
      ...entraDevice(number + 2, { accountEnabled }),
      deviceId: deviceId(1),
    }));
    for (const order of [undecided, undecided.toReversed()])
      expect(lines(alone({}, {}, { undecided: order }))).to.deep.equal([]);
  });

  it('is held AbsenceUnproven where nobody asked, or the object names no Entra device', () => {
    expect(reasons(alone({}, {}, { absences: new Map() }))).to.deep.equal(['AbsenceUnproven']);
    expect(reasons(alone({ attributes: { 'msDS-CloudAnchor': [] } }))).to.deep.equal(['AbsenceUnproven']);
    expect(reasons(alone({ attributes: { 'msDS-CloudAnchor': ['ff'] } }))).to.deep.equal(['AbsenceUnproven']);
  });

  it('is not spoken of in a delta run where Graph said nothing of it, or the object names no Entra device', () => {
    for (const traits of [{}, { attributes: { 'msDS-CloudAnchor': [] } }]) {
      const result = alone(traits, {}, { reading: 'delta', absences: new Map() });
      expect([lines(result), reasons(result)]).to.deep.equal([[], []]);
    }
  });

  it('says what comes after it', () => {
    const sentenceOf = (policy: Partial<Policy>, parts: Partial<PlanInput> = {}): string =>
      alone({}, policy, parts).changes[0]?.sentence ?? '';
    expect(sentenceOf({})).to.equal('Disable "PC-1": the Entra device is gone; its 30 days of retention start now.');
    expect(sentenceOf({ deleteAfterDays: 1 })).to.match(/; its 1 day of retention starts now\.$/);
    expect(sentenceOf({ keepRemoved: true })).to.match(/; it is never deleted\.$/);
    expect(sentenceOf({ deleteAfterDays: 0 }, { sourceTime: null })).to.match(/; a later run deletes it\.$/);
  });

  it('says before a delete what no undo brings back', () => {
    const due = { mark: removedMark(daysAgo(40)), attributes: FALSE };
    expect(alone(due).changes[0]?.sentence).to.equal(
      'Delete "PC-1": the Entra device is gone and its retention time is over; ' +
        'no undo brings back the time of its last logon.',
    );
    expect(alone({ hasTransportKey: true }, { deleteAfterDays: 0 }).changes[0]?.sentence).to.equal(
      'Delete "PC-1" at once: the Entra device is gone; ' +
        'no undo brings back its transport key or the time of its last logon.',
    );
  });

  describe('with another retention time', () => {
    it('of 0 days deletes at once, and the delete counts as a removal that the run starts', () => {
      for (const traits of [{}, { attributes: FALSE }, { mark: removedMark(daysAgo(1)) }]) {
        const result = alone(traits, { deleteAfterDays: 0 });
        expect(lines(result)).to.deep.equal(['delete removal']);
        expect(result.summary.removals).to.equal(1);
      }
    });

    it('of 0 days deletes what was already removed as after the retention time', () => {
      const result = alone({ mark: removedMark(daysAgo(1)), attributes: FALSE }, { deleteAfterDays: 0 });
      expect(lines(result)).to.deep.equal(['delete retention']);
      expect(result.summary.removals).to.equal(0);
    });

    it('of 0 days deletes an object whose removed mark is ahead of the clock, as a removal', () => {
      const result = alone({ mark: removedMark(daysAgo(-0.01)), attributes: FALSE }, { deleteAfterDays: 0 });
      expect(lines(result)).to.deep.equal(['delete removal']);
    });

    it('of 7 days deletes after 7 days', () => {
      const removed = (days: number): ObjectTraits => ({ mark: removedMark(daysAgo(days)), attributes: FALSE });
      expect(lines(alone(removed(6), { deleteAfterDays: 7 }))).to.deep.equal([]);
      expect(lines(alone(removed(7), { deleteAfterDays: 7 }))).to.deep.equal(['delete retention']);
    });

    it('never deletes with -KeepRemoved, but disables and marks', () => {
      const removed = { mark: removedMark(daysAgo(900)), attributes: FALSE };
      for (const deleteAfterDays of [0, 30]) {
        expect(lines(alone(removed, { keepRemoved: true, deleteAfterDays }))).to.deep.equal([]);
        expect(lines(alone({}, { keepRemoved: true, deleteAfterDays }))).to.deep.equal([
          `disable removal ${MARKED_NOW} msDS-IsEnabled=FALSE`,
        ]);
      }
    });
  });

  describe('while the clocks of domain controller and Graph disagree', () => {
    const skewed = new Date(NOW.getTime() + 3_600_001);

    it('by more than an hour, or without a clock of Graph, holds the delete', () => {
      for (const sourceTime of [skewed, new Date(NOW.getTime() - 3_600_001), null]) {
        const result = alone({ mark: removedMark(daysAgo(40)), attributes: FALSE }, {}, { sourceTime });
        expect([lines(result), reasons(result)]).to.deep.equal([[], ['ClockSkew']]);
      }
    });

    it('by an hour exactly, deletes', () => {
      const sourceTime = new Date(NOW.getTime() + 3_600_000);
      expect(lines(alone({ mark: removedMark(daysAgo(40)), attributes: FALSE }, {}, { sourceTime }))).to.deep.equal([
        'delete retention',
      ]);
    });

    it('still disables: only deletes wait for the clocks', () => {
      expect(lines(alone({}, {}, { sourceTime: skewed }))).to.deep.equal([
        `disable removal ${MARKED_NOW} msDS-IsEnabled=FALSE`,
      ]);
    });

    it('disables at a retention time of 0 days too, and holds the delete alone', () => {
      const enabled = alone({}, { deleteAfterDays: 0 }, { sourceTime: skewed });
      expect(lines(enabled)).to.deep.equal([`disable removal ${MARKED_NOW} msDS-IsEnabled=FALSE`]);
      expect(reasons(enabled)).to.deep.equal(['ClockSkew']);
      const disabled = alone({ attributes: FALSE }, { deleteAfterDays: 0 }, { sourceTime: skewed });
      expect(lines(disabled)).to.deep.equal([`update removal ${MARKED_NOW}`]);
      expect(reasons(disabled)).to.deep.equal(['ClockSkew']);
    });
  });

  it('keeps the mark of an object whose removed mark is renewed', () => {
    const mark = removedMark(daysAgo(90));
    const [change] = alone({ mark }).changes;
    expect(change?.mark).to.equal(mark);
    expect(removedMark(NOW).startsWith(MARK)).to.equal(true);
  });

  it('stamps a removal with the clock of the domain controller', () => {
    const result = plan({ objects: [deviceObject(1)], absences: gone(1), sourceTime: daysAgo(5) });
    expect(after(result.changes[0])['adminDescription']).to.deep.equal([removedMark(NOW)]);
  });
});
