import { expect } from 'chai';
import type { Plan } from '../../src/plan/change.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import { lines, reasons } from './reading.ts';
import {
  anchor,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  gone,
  idValue,
  NOW,
  objectId,
  OTHER_TENANT,
  planInput,
  removedMark,
  type ObjectTraits,
} from './samples.ts';

const plan = (parts: Partial<PlanInput>): Plan => computePlan(planInput(parts));

const FALSE = { 'msDS-IsEnabled': ['FALSE'] };
const MARKED_NOW = `adminDescription=${removedMark(NOW)}`;

describe('decide on duplicates', () => {
  describe('in the directory', () => {
    /** Another object with the device id of the first. */
    const twin = (traits: ObjectTraits = {}): ReturnType<typeof deviceObject> =>
      deviceObject(2, {
        mark: null,
        ...traits,
        attributes: { 'msDS-DeviceID': idValue(deviceId(1)), ...traits.attributes },
      });

    it('holds both objects and changes neither while the device lives', () => {
      const result = plan({ devices: [entraDevice(1, { displayName: 'New' })], objects: [deviceObject(1), twin()] });
      expect([lines(result), reasons(result)]).to.deep.equal([[], ['DuplicateInDirectory', 'DuplicateInDirectory']]);
    });

    it('holds two objects with one anchor', () => {
      const second = deviceObject(2, { attributes: { 'msDS-CloudAnchor': anchor(objectId(1)) } });
      const result = plan({ devices: [entraDevice(1)], objects: [deviceObject(1), second] });
      expect([lines(result), reasons(result)]).to.deep.equal([[], ['DuplicateInDirectory', 'DuplicateInDirectory']]);
    });

    it('holds two objects of which one has the device id and the other the anchor', () => {
      const byAnchor = deviceObject(2, { attributes: { 'msDS-CloudAnchor': anchor(objectId(1)) } });
      const byDeviceId = deviceObject(1, { attributes: { 'msDS-CloudAnchor': [] } });
      const result = plan({ devices: [entraDevice(1)], objects: [byAnchor, byDeviceId] });
      expect([lines(result), reasons(result)]).to.deep.equal([[], ['DuplicateInDirectory', 'DuplicateInDirectory']]);
    });

    it('disables the owned one, without a removed mark, if the device of its anchor is disabled', () => {
      const result = plan({ devices: [entraDevice(1, { accountEnabled: false })], objects: [deviceObject(1), twin()] });
      expect(lines(result)).to.deep.equal(['disable stated msDS-IsEnabled=FALSE']);
      expect(reasons(result)).to.deep.equal(['DuplicateInDirectory', 'DuplicateInDirectory']);
    });

    it('disables the owned one, with the removed mark, if the device of its anchor is gone', () => {
      const result = plan({ objects: [deviceObject(1), twin()], absences: gone(1, 2) });
      expect(lines(result)).to.deep.equal([`disable removal ${MARKED_NOW} msDS-IsEnabled=FALSE`]);
      expect(result.summary.removals).to.equal(1);
    });

    it('disables nothing while it is not proven that the device is gone, or if it is out of scope', () => {
      expect(lines(plan({ objects: [deviceObject(1), twin()] }))).to.deep.equal([]);
      const absences: PlanInput['absences'] = new Map([[objectId(1), { state: 'outOfScope' }]]);
      expect(lines(plan({ objects: [deviceObject(1), twin()], absences }))).to.deep.equal([]);
    });

    it('never deletes, not even after the retention time or at once', () => {
      const due = deviceObject(1, { mark: removedMark(daysAgo(90)), attributes: FALSE });
      const objects = [due, twin()];
      expect(lines(plan({ objects, absences: gone(1, 2) }))).to.deep.equal([]);
      const policy = { ...DEFAULT_POLICY, deleteAfterDays: 0 };
      expect(lines(plan({ objects, absences: gone(1, 2), policy }))).to.deep.equal([]);
    });

    it('takes an owned object beside a foreign one for a duplicate, and the foreign one for foreign', () => {
      const foreign = twin({ mark: `DeviceWriteback ${OTHER_TENANT}` });
      const result = plan({
        devices: [entraDevice(1, { accountEnabled: false })],
        objects: [deviceObject(1), foreign],
      });
      expect(lines(result)).to.deep.equal(['disable stated msDS-IsEnabled=FALSE']);
      expect(reasons(result)).to.have.members(['DuplicateInDirectory', 'Foreign']);
    });
  });

  describe('in the source', () => {
    const twins = (first: Parameters<typeof entraDevice>[1], second: Parameters<typeof entraDevice>[1] = {}) => [
      entraDevice(1, first),
      entraDevice(2, { deviceId: deviceId(1), ...second }),
    ];

    it('holds both devices and creates neither', () => {
      const result = plan({ devices: twins({}) });
      expect([lines(result), reasons(result)]).to.deep.equal([[], ['DuplicateInSource', 'DuplicateInSource']]);
      expect(result.held.map((one) => one.objectId)).to.deep.equal([objectId(1), objectId(2)]);
    });

    it('changes no object of theirs', () => {
      const result = plan({ devices: twins({ displayName: 'New' }), objects: [deviceObject(1)] });
      expect(lines(result)).to.deep.equal([]);
      expect(new Set(reasons(result))).to.deep.equal(new Set(['DuplicateInSource']));
    });

    it('disables the owned object, without a removed mark, if the device of its anchor is disabled', () => {
      const result = plan({ devices: twins({ accountEnabled: false }), objects: [deviceObject(1)] });
      expect(lines(result)).to.deep.equal(['disable stated msDS-IsEnabled=FALSE']);
    });

    it('does not disable it because the other device is disabled', () => {
      const result = plan({ devices: twins({}, { accountEnabled: false }), objects: [deviceObject(1)] });
      expect(lines(result)).to.deep.equal([]);
    });

    it('does not touch an unowned object', () => {
      const result = plan({ devices: twins({ accountEnabled: false }), objects: [deviceObject(1, { mark: null })] });
      expect(lines(result)).to.deep.equal([]);
    });

    it('neither disables nor deletes if the device of its anchor is gone', () => {
      const object = deviceObject(1, { attributes: { 'msDS-CloudAnchor': anchor(objectId(9)) } });
      const removed = deviceObject(1, {
        mark: removedMark(daysAgo(90)),
        attributes: { ...FALSE, 'msDS-CloudAnchor': anchor(objectId(9)) },
      });
      for (const one of [object, removed]) {
        expect(lines(plan({ devices: twins({}), objects: [one], absences: gone(9) }))).to.deep.equal([]);
      }
    });

    it('holds two devices that lead to one object, one by device id and one by anchor', () => {
      const object = deviceObject(1, { attributes: { 'msDS-CloudAnchor': anchor(objectId(2)) } });
      const result = plan({ devices: [entraDevice(1), entraDevice(2)], objects: [object] });
      expect(lines(result)).to.deep.equal([]);
      expect(new Set(reasons(result))).to.deep.equal(new Set(['DuplicateInSource']));
    });
  });
});
