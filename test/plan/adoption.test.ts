import { expect } from 'chai';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import type { Plan } from '../../src/plan/change.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import { actions, after, reasons } from './reading.ts';
import { anchor, daysAgo, deviceObject, entraDevice, key, MARK, objectId, planInput } from './samples.ts';

const ADOPT = { ...DEFAULT_POLICY, adopt: true };
const plan = (parts: Partial<PlanInput>): Plan => computePlan(planInput({ policy: ADOPT, ...parts }));

describe('adoption', () => {
  const unowned = { mark: null };

  it('marks an unowned object of a device in scope that is equal otherwise', () => {
    const result = plan({ devices: [entraDevice(1)], objects: [deviceObject(1, unowned)] });
    expect(actions(result)).to.deep.equal(['update adoption']);
    expect(after(result.changes[0])).to.deep.equal({ adminDescription: [MARK] });
    expect(result.changes[0]?.mark).to.equal(null);
    expect(result.held).to.deep.equal([]);
  });

  it('marks and makes equal in one change', () => {
    const object = deviceObject(1, { ...unowned, attributes: { displayName: ['Old'], 'msDS-IsEnabled': ['FALSE'] } });
    const result = plan({ devices: [entraDevice(1)], objects: [object] });
    expect(actions(result)).to.deep.equal(['enable adoption']);
    expect(Object.keys(after(result.changes[0]))).to.deep.equal(['adminDescription', 'displayName', 'msDS-IsEnabled']);
  });

  it('counts the disable of an adopted object without a key as a removal', () => {
    const device = entraDevice(1, { alternativeSecurityIds: [] });
    const result = plan({ devices: [device], objects: [deviceObject(1, unowned)] });
    expect(actions(result)).to.deep.equal(['disable noKey']);
    expect(result.summary.removals).to.equal(1);
  });

  it('leaves unowned objects of no device, and those whose adminDescription somebody else uses', () => {
    const result = plan({
      devices: [entraDevice(1)],
      objects: [deviceObject(1, { mark: 'Owned by the help desk' }), deviceObject(2, unowned)],
    });
    expect(result.changes).to.deep.equal([]);
    expect(reasons(result)).to.deep.equal(['Unowned']);
  });

  it('never adopts an object of another tenant', () => {
    const foreign = deviceObject(1, { mark: 'DeviceWriteback 11111111-2222-4333-8444-555555555555' });
    const result = plan({ devices: [entraDevice(1)], objects: [foreign] });
    expect([result.changes, reasons(result)]).to.deep.equal([[], ['Foreign']]);
  });

  describe('beside another writer', () => {
    const fresh = (whenCreated: Date, attributes = { 'msDS-CloudAnchor': anchor(objectId(7)) }) => ({
      ...deviceObject(7, { mark: null, attributes: { ...attributes, altSecurityIdentities: [key(7)] } }),
      whenCreated,
    });
    const both = (created: Date): Plan =>
      plan({ devices: [entraDevice(1)], objects: [deviceObject(1, unowned), fresh(created)] });

    it('holds everything while an anchored unowned object was created in the last 24 hours', () => {
      const result = both(new Date(daysAgo(1).getTime() + 1));
      expect([result.changes, reasons(result)]).to.deep.equal([[], ['SecondWriter']]);
    });

    it('goes on when the last one is 24 hours old', () => {
      expect(actions(both(daysAgo(1)))).to.deep.equal(['update adoption']);
    });

    it('takes an object without an anchor for one of AD FS, which is no second writer', () => {
      const ofAdFs = fresh(daysAgo(0), { 'msDS-CloudAnchor': [] });
      const result = plan({ devices: [entraDevice(1)], objects: [deviceObject(1, unowned), ofAdFs] });
      expect(actions(result)).to.deep.equal(['update adoption']);
    });

    it('keeps back no change of an owned object', () => {
      const result = plan({
        devices: [entraDevice(2, { displayName: 'New' })],
        objects: [deviceObject(2), fresh(daysAgo(0))],
      });
      expect(actions(result)).to.deep.equal(['update flow']);
    });
  });
});
