import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import { absencesToProve, computePlan } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import {
  anchor,
  CONTAINER,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  gone,
  idValue,
  MARK,
  objectId,
  OTHER_TENANT,
  planInput,
  removedMark,
  TENANT,
} from './samples.ts';

const FALSE = { 'msDS-IsEnabled': ['FALSE'] };

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** Objects whose removed mark is so many days old as their number. */
const removed = (from: number, to: number): DeviceObject[] =>
  numbers(from, to).map((number) => deviceObject(number, { mark: removedMark(daysAgo(number)), attributes: FALSE }));

const deleted = (plan: ReturnType<typeof computePlan>): (string | null)[] =>
  plan.changes.filter((change) => change.action === 'delete').map((change) => change.objectId);

describe('computePlan', () => {
  it('of nothing is empty, complete and not refused', () => {
    const plan = computePlan(planInput());
    expect([plan.formatVersion, plan.complete, plan.tenantId, plan.container]).to.deep.equal([
      1,
      true,
      TENANT,
      CONTAINER,
    ]);
    expect([plan.changes, plan.held, plan.notices, plan.refusal]).to.deep.equal([[], [], [], null]);
  });

  it('counts both sides, the actions and what is held', () => {
    const plan = computePlan(
      planInput({
        entraDevices: 9,
        devices: [
          entraDevice(1),
          entraDevice(2, { displayName: 'New' }),
          entraDevice(3),
          entraDevice(4),
          entraDevice(5, { accountEnabled: false }),
          entraDevice(6, { alternativeSecurityIds: [] }),
          entraDevice(7),
        ],
        objects: [
          deviceObject(1),
          deviceObject(2),
          deviceObject(3, { attributes: FALSE }),
          deviceObject(5),
          deviceObject(6),
          deviceObject(7, { mark: null }),
          deviceObject(8),
          deviceObject(9, { mark: `DeviceWriteback ${OTHER_TENANT}` }),
          ...removed(40, 40),
        ],
        absences: gone(8, 40),
      }),
    );
    expect(plan.summary).to.deep.equal({
      entraDevices: 9,
      inScope: 7,
      census: { objects: 9, owned: 7, unowned: 1, foreign: 1, ownedEnabled: 5 },
      unchanged: 1,
      actions: { disable: 3, update: 1, enable: 1, create: 1, delete: 1 },
      held: { Unowned: 1, NoKey: 1 },
      removals: 2,
    });
    expect(plan.changes.map((change) => change.action)).to.deep.equal([
      'disable',
      'disable',
      'disable',
      'update',
      'enable',
      'create',
      'delete',
    ]);
  });

  it('says once which attributes the schema lacks', () => {
    const available = new Set(planInput().available);
    available.delete('msDS-IsCompliant');
    const plan = computePlan(planInput({ devices: numbers(1, 3).map((one) => entraDevice(one)), available }));
    expect(plan.notices).to.have.lengthOf(1);
    expect(plan.notices[0]).to.include('msDS-IsCompliant');
    expect(plan.held).to.deep.equal([]);
    for (const change of plan.changes) {
      expect(change.attributes.map((one) => one.attribute)).to.not.include('msDS-IsCompliant');
    }
  });

  describe('deletes after the retention time', () => {
    it('at most as many as the threshold in one run, the oldest mark first, and holds the rest DeleteLater', () => {
      const plan = computePlan(planInput({ objects: removed(40, 47), absences: gone(...numbers(40, 47)) }));
      expect(deleted(plan)).to.have.members(numbers(43, 47).map(objectId));
      expect(plan.held.map((one) => [one.reason, one.objectId])).to.deep.equal(
        numbers(40, 42).map((number) => ['DeleteLater', objectId(number)]),
      );
      expect([plan.refusal, plan.summary.removals]).to.deep.equal([null, 0]);
    });

    it('takes the age of the mark from its time, not from its text', () => {
      const upper = (object: DeviceObject): DeviceObject => ({
        ...object,
        adminDescription: object.adminDescription.map((text) => text.replace(TENANT, TENANT.toUpperCase())),
      });
      const objects = removed(40, 47).map((object, at) => (at < 4 ? upper(object) : object));
      const plan = computePlan(planInput({ objects, absences: gone(...numbers(40, 47)) }));
      expect(deleted(plan)).to.have.members(numbers(43, 47).map(objectId));
    });

    it('as many as -MaximumRemoval allows', () => {
      const policy = { ...DEFAULT_POLICY, maximumRemoval: 1 };
      const plan = computePlan(planInput({ objects: removed(40, 42), absences: gone(40, 41, 42), policy }));
      expect(deleted(plan)).to.deep.equal([objectId(42)]);
    });

    it('does not count them against removals that the run starts', () => {
      const started = numbers(1, 5).map((number) => deviceObject(number));
      const devices = numbers(6, 20).map((number) => entraDevice(number));
      const living = numbers(6, 20).map((number) => deviceObject(number));
      const objects = [...started, ...living, ...removed(40, 44)];
      const plan = computePlan(planInput({ devices, objects, absences: gone(...numbers(1, 5), ...numbers(40, 44)) }));
      expect([plan.refusal, plan.summary.removals, deleted(plan).length]).to.deep.equal([null, 5, 5]);
    });
  });

  describe('refuses', () => {
    const living = (from: number, to: number) => numbers(from, to).map((number) => entraDevice(number));
    const owned = (from: number, to: number) => numbers(from, to).map((number) => deviceObject(number));

    it('six removals of twenty, and still shows them', () => {
      const input = planInput({
        devices: living(7, 20),
        objects: owned(1, 20),
        absences: gone(...numbers(1, 6)),
      });
      const plan = computePlan(input);
      expect([plan.refusal?.code, plan.changes.length, plan.summary.removals]).to.deep.equal([
        'RemovalThreshold',
        6,
        6,
      ]);
      expect(plan.refusal?.remedy).to.include(plan.digest);
      expect(computePlan({ ...input, policy: { ...DEFAULT_POLICY, maximumRemoval: 6 } }).refusal).to.equal(null);
    });

    it('at-once deletes past the threshold as well', () => {
      const plan = computePlan(
        planInput({
          devices: living(7, 20),
          objects: owned(1, 20),
          absences: gone(...numbers(1, 6)),
          policy: { ...DEFAULT_POLICY, deleteAfterDays: 0 },
        }),
      );
      expect([plan.refusal?.code, deleted(plan).length]).to.deep.equal(['RemovalThreshold', 6]);
    });

    it('six devices that lost their keys', () => {
      const devices = living(1, 20).map((device, at) => (at < 6 ? { ...device, alternativeSecurityIds: [] } : device));
      const plan = computePlan(planInput({ devices, objects: owned(1, 20) }));
      expect(plan.refusal?.code).to.equal('RemovalThreshold');
    });

    it('not six devices that Entra disabled', () => {
      const devices = living(1, 20).map((device, at) => (at < 6 ? { ...device, accountEnabled: false } : device));
      const plan = computePlan(planInput({ devices, objects: owned(1, 20) }));
      expect([plan.refusal, plan.summary.actions.disable]).to.deep.equal([null, 6]);
    });

    it('an empty source, though only one owned enabled object is there', () => {
      const plan = computePlan(planInput({ objects: owned(1, 1), absences: gone(1) }));
      expect(plan.refusal?.code).to.equal('SourceTooSmall');
    });

    it('not an empty source against disabled, unowned and foreign objects', () => {
      const objects = [
        deviceObject(1, { attributes: FALSE }),
        deviceObject(2, { mark: null }),
        deviceObject(3, { mark: `DeviceWriteback ${OTHER_TENANT}` }),
      ];
      expect(computePlan(planInput({ objects, absences: gone(1) })).refusal).to.equal(null);
    });

    it('a source of nine against twenty, though their absence is unproven and nothing would be removed', () => {
      const plan = computePlan(planInput({ devices: living(1, 9), objects: owned(1, 20) }));
      expect([plan.refusal?.code, plan.changes.length]).to.deep.equal(['SourceTooSmall', 0]);
    });

    it('not a source of ten of which two share a device id: duplicates count', () => {
      const devices = [...living(1, 9), entraDevice(10, { deviceId: deviceId(9) })];
      expect(computePlan(planInput({ devices, objects: owned(1, 20) })).refusal).to.equal(null);
    });
  });

  describe('absencesToProve', () => {
    const prove = (objects: readonly DeviceObject[], parts: Partial<ReturnType<typeof planInput>> = {}) =>
      absencesToProve(planInput({ objects, ...parts }));

    it('names the anchors of owned objects that no device in scope carries, each once, in order', () => {
      const objects = [
        deviceObject(3),
        deviceObject(2, { attributes: FALSE }),
        deviceObject(1),
        deviceObject(4, { attributes: { 'msDS-CloudAnchor': anchor(objectId(3)) } }),
      ];
      expect(prove(objects, { devices: [entraDevice(1)] })).to.deep.equal([objectId(2), objectId(3)]);
    });

    it('does not ask for unowned and foreign objects, nor for those without an anchor', () => {
      const objects = [
        deviceObject(1, { mark: null }),
        deviceObject(2, { mark: `DeviceWriteback ${OTHER_TENANT}` }),
        deviceObject(3, { attributes: { 'msDS-CloudAnchor': [] } }),
      ];
      expect(prove(objects)).to.deep.equal([]);
    });

    it('asks again before the delete, not while the retention time runs', () => {
      expect(prove([...removed(29, 29), ...removed(31, 31)])).to.deep.equal([objectId(31)]);
      expect(prove([deviceObject(1, { mark: removedMark(daysAgo(1)) })])).to.deep.equal([objectId(1)]);
    });

    it('asks for every one that a retention time of 0 days would delete, and for none that -KeepRemoved keeps', () => {
      const policy = { ...DEFAULT_POLICY, deleteAfterDays: 0 };
      expect(prove(removed(1, 1), { policy })).to.deep.equal([objectId(1)]);
      expect(prove(removed(400, 400), { policy: { ...policy, keepRemoved: true } })).to.deep.equal([]);
    });

    it('asks for every anchor whose absence the plan then relies on', () => {
      const twin = deviceObject(2, { mark: MARK, attributes: { 'msDS-DeviceID': idValue(deviceId(1)) } });
      expect(prove([deviceObject(1), twin])).to.deep.equal([objectId(1), objectId(2)]);
    });
  });
});
