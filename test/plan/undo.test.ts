import { expect } from 'chai';
import type { Change, Plan } from '../../src/plan/change.ts';
import { computePlan } from '../../src/plan/computePlan.ts';
import { digest } from '../../src/plan/digest.ts';
import { countsAsRemoval } from '../../src/plan/thresholds.ts';
import { undoPlan, type BegunChange } from '../../src/plan/undo.ts';
import { randomInput, randomNumbers } from './generator.ts';
import { applied, located, restorable } from './memoryDirectory.ts';
import {
  CONTAINER,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  gone,
  key,
  MARK,
  NOW,
  objectGuid,
  planInput,
  removedMark,
  TENANT,
} from './samples.ts';

const RUN = { runId: '20261122T142312Z-0a1b2c', tenantId: TENANT, container: CONTAINER };

const asApplied = (changes: readonly Change[]): BegunChange[] =>
  changes.map((change) => ({ change, state: 'applied' }));
const undone = (plan: Plan): Plan => undoPlan(RUN, asApplied(plan.changes));

describe('undo', () => {
  it('deletes what was created, by its name, with the mark and values that the run gave', () => {
    const plan = computePlan(planInput({ devices: [entraDevice(1)] }));
    const [change] = undone(plan).changes;
    expect(change).to.deep.include({
      action: 'delete',
      cause: 'undo',
      deviceId: deviceId(1),
      objectGuid: null,
      distinguishedName: `CN=${deviceId(1)},${CONTAINER}`,
      mark: MARK,
    });
    expect(change?.attributes).to.deep.equal(
      plan.changes[0]?.attributes.map(({ attribute, after }) => ({ attribute, before: after, after: [] })),
    );
    expect(change?.sentence).to.equal(`Delete "PC-1": takes back its creation by run ${RUN.runId}.`);
  });

  it('gives a modified object its old values and its old mark', () => {
    const plan = computePlan(planInput({ objects: [deviceObject(1)], absences: gone(1) }));
    const [change] = undone(plan).changes;
    expect(change).to.deep.include({
      action: 'enable',
      cause: 'undo',
      mark: removedMark(NOW),
      objectGuid: objectGuid(1),
    });
    expect(change?.attributes).to.deep.equal([
      { attribute: 'adminDescription', before: [removedMark(NOW)], after: [MARK] },
      { attribute: 'msDS-IsEnabled', before: ['FALSE'], after: ['TRUE'] },
    ]);
  });

  it('disables again what was enabled, and updates what was updated', () => {
    const objects = [
      deviceObject(1, { attributes: { 'msDS-IsEnabled': ['FALSE'] } }),
      deviceObject(2, { attributes: { displayName: ['Old'] } }),
    ];
    const { changes } = undone(computePlan(planInput({ devices: [entraDevice(1), entraDevice(2)], objects })));
    expect(changes.map(({ action, deviceId: id }) => [action, id])).to.deep.equal([
      ['disable', deviceId(1)],
      ['update', deviceId(2)],
    ]);
    expect(changes[1]?.attributes).to.deep.equal([{ attribute: 'displayName', before: ['PC-2'], after: ['Old'] }]);
  });

  it('creates what was deleted with every value, and holds what does not come back', () => {
    const object = deviceObject(1, { mark: removedMark(daysAgo(31)), attributes: { 'msDS-IsEnabled': ['FALSE'] } });
    const { changes } = computePlan(planInput({ objects: [object], absences: gone(1) }));
    const withKey = changes.map((change): Change => ({ ...change, warnings: ['TransportKeyLost'] }));
    const undo = undoPlan(RUN, asApplied(withKey));
    expect(undo.changes[0]).to.deep.include({ action: 'create', objectGuid: null, mark: null, warnings: [] });
    expect(undo.changes[0]?.sentence).to.include('Create "PC-1" again');
    expect(restorable(applied([], undo.changes, NOW))).to.deep.equal(restorable([object]));
    expect(undo.held.map(({ reason, sentence }) => [reason, sentence])).to.deep.equal([
      [
        'NotRestorable',
        '"PC-1" does not get back its transport key (msDS-KeyCredentialLink), the time of its last logon ' +
          '(msDS-ApproximateLastLogonTimeStamp), its registered users (msDS-RegisteredUsers) and its objectGUID, ' +
          'for it gets another one.',
      ],
    ]);
    expect(undoPlan(RUN, asApplied(changes)).held[0]?.sentence).not.to.include('KeyCredentialLink');
  });

  it('takes the mark off an object that was adopted', () => {
    const adopted: Change = {
      action: 'update',
      cause: 'flow',
      deviceId: deviceId(1),
      objectId: null,
      objectGuid: objectGuid(1),
      distinguishedName: `CN=${deviceId(1)},${CONTAINER}`,
      displayName: 'PC-1',
      attributes: [{ attribute: 'adminDescription', before: [], after: [MARK] }],
      mark: null,
      warnings: [],
      sentence: 'Adopt "PC-1".',
    };
    const [change] = undoPlan(RUN, asApplied([adopted])).changes;
    expect(change).to.deep.include({ action: 'update', mark: MARK });
    expect(change?.attributes).to.deep.equal([{ attribute: 'adminDescription', before: [MARK], after: [] }]);
  });

  it('does nothing for what was not applied, and holds what may or may not have been done', () => {
    const { changes } = computePlan(planInput({ devices: [1, 2, 3, 4].map((number) => entraDevice(number)) }));
    const states = ['failed', 'skipped', 'cancelled', 'unknown'] as const;
    const undo = undoPlan(
      RUN,
      changes.map((change, index) => ({ change, state: states[index] ?? 'failed' })),
    );
    expect(undo.changes).to.deep.equal([]);
    expect(undo.held.map(({ reason, deviceId: id }) => [reason, id])).to.deep.equal([['OutcomeUnknown', deviceId(4)]]);
    expect(undo.held[0]?.sentence).to.include(RUN.runId);
  });

  it('keeps the warning that a transport key does not fit', () => {
    const stale = deviceObject(1, { hasTransportKey: true, attributes: { altSecurityIdentities: [key(7)] } });
    const undo = undone(computePlan(planInput({ devices: [entraDevice(1)], objects: [stale] })));
    expect(undo.changes[0]?.warnings).to.deep.equal(['TransportKeyStale']);
  });

  it('counts its disables and deletes for the removal threshold', () => {
    const objects = [deviceObject(2, { attributes: { 'msDS-IsEnabled': ['FALSE'], displayName: ['Old'] } })];
    const undo = undone(computePlan(planInput({ devices: [entraDevice(1), entraDevice(2)], objects })));
    expect(undo.changes.filter(countsAsRemoval).map(({ action }) => action)).to.deep.equal(['disable', 'delete']);
    expect(undo.summary.removals).to.equal(2);
    expect(undo.digest).to.equal(digest(undo.changes));
    expect(undo.notices[0]).to.include('Entra');
  });

  it('brings back every value after any plan was applied, and undone again gives what the plan gave', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const input = randomInput(randomNumbers(seed));
      const plan = computePlan(input);
      const after = applied(input.objects, plan.changes, NOW);
      const undo = undone(plan);
      const back = applied(after, located(undo.changes, after), NOW);
      expect(restorable(back), `seed ${seed}`).to.deep.equal(restorable(input.objects));
      const again = undoPlan(RUN, asApplied(undo.changes));
      const forth = applied(back, located(again.changes, back), NOW);
      expect(restorable(forth), `seed ${seed}`).to.deep.equal(restorable(after));
    }
  });
});
