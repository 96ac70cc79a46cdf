import { expect } from 'chai';
import type { Change, Plan } from '../../src/plan/change.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { after, reasons, actions } from './reading.ts';
import {
  anchor,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  entry,
  gone,
  idValue,
  key,
  MARK,
  objectId,
  planInput,
  removedMark,
} from './samples.ts';

const plan = (parts: Partial<PlanInput>): Plan => computePlan(planInput(parts));

/** The plan of one device and its object; the only change, if there is one. */
function pair(
  device: Parameters<typeof entraDevice>[1],
  object: Parameters<typeof deviceObject>[1] = {},
): { readonly plan: Plan; readonly change: Change | undefined } {
  const result = plan({ devices: [entraDevice(1, device)], objects: [deviceObject(1, object)] });
  expect(result.changes.length).to.be.at.most(1);
  return { plan: result, change: result.changes[0] };
}

describe('decide on a pair', () => {
  describe('of an owned object whose device is in scope', () => {
    it('does nothing if all is equal', () => {
      const { plan: result } = pair({});
      expect([result.changes, result.held, result.summary.unchanged]).to.deep.equal([[], [], 1]);
    });

    it('updates exactly what differs, with the values before and after', () => {
      const { plan: result, change } = pair({ displayName: 'New', physicalIds: ['[GID]:g:9'] });
      expect(actions(result)).to.deep.equal(['update flow']);
      expect(change?.attributes).to.deep.equal([
        { attribute: 'displayName', before: ['PC-1'], after: ['New'] },
        { attribute: 'msDS-DevicePhysicalIDs', before: ['[GID]:g:1', '[HWID]:h:1'], after: ['[GID]:g:9'] },
      ]);
      expect(change?.mark).to.equal(MARK);
    });

    it('removes a certificate key that Entra does not name', () => {
      const { change } = pair({}, { attributes: { altSecurityIdentities: [key(1), key(5)] } });
      expect(after(change)).to.deep.equal({ altSecurityIdentities: [key(1)] });
    });

    it('clears an optional attribute that is null in Entra', () => {
      const { change } = pair({ isCompliant: null, operatingSystem: null, physicalIds: null });
      expect(after(change)).to.deep.equal({
        'msDS-DeviceOSType': [],
        'msDS-DevicePhysicalIDs': [],
        'msDS-IsCompliant': [],
      });
    });

    it('enables an object that is FALSE while Entra says true: a FALSE set in AD is undone', () => {
      const { plan: result, change } = pair({}, { attributes: { 'msDS-IsEnabled': ['FALSE'] } });
      expect(actions(result)).to.deep.equal(['enable flow']);
      expect(after(change)).to.deep.equal({ 'msDS-IsEnabled': ['TRUE'] });
    });

    it('enables and takes the removed mark off when the device is back', () => {
      const mark = removedMark(daysAgo(3));
      const { plan: result, change } = pair({}, { mark, attributes: { 'msDS-IsEnabled': ['FALSE'] } });
      expect(actions(result)).to.deep.equal(['enable flow']);
      expect(change?.attributes).to.deep.equal([
        { attribute: 'adminDescription', before: [mark], after: [MARK] },
        { attribute: 'msDS-IsEnabled', before: ['FALSE'], after: ['TRUE'] },
      ]);
      expect(change?.mark).to.equal(mark);
    });

    it('takes the removed mark off an enabled object too', () => {
      const { plan: result, change } = pair({}, { mark: removedMark(daysAgo(300)) });
      expect(actions(result)).to.deep.equal(['update flow']);
      expect(after(change)).to.deep.equal({ adminDescription: [MARK] });
    });

    it('disables as Entra states', () => {
      const { plan: result, change } = pair({ accountEnabled: false });
      expect(actions(result)).to.deep.equal(['disable stated']);
      expect(after(change)).to.deep.equal({ 'msDS-IsEnabled': ['FALSE'] });
    });

    it('disables and updates the rest in one change, for the rows combine', () => {
      const { plan: result, change } = pair({ accountEnabled: false, displayName: 'New' });
      expect(actions(result)).to.deep.equal(['disable stated']);
      expect(after(change)).to.deep.equal({ displayName: ['New'], 'msDS-IsEnabled': ['FALSE'] });
    });

    it('never deletes a disabled device, takes the removed mark off and leaves FALSE', () => {
      const { plan: result, change } = pair(
        { accountEnabled: false },
        { mark: removedMark(daysAgo(300)), attributes: { 'msDS-IsEnabled': ['FALSE'] } },
      );
      expect(actions(result)).to.deep.equal(['update flow']);
      expect(after(change)).to.deep.equal({ adminDescription: [MARK] });
    });

    for (const state of ['TRUE', 'FALSE']) {
      it(`leaves ${state} where accountEnabled is null, and holds nothing`, () => {
        const { plan: result } = pair({ accountEnabled: null }, { attributes: { 'msDS-IsEnabled': [state] } });
        expect([result.changes, result.held]).to.deep.equal([[], []]);
      });

      it(`leaves ${state} where accountEnabled was not read, and holds it`, () => {
        const { plan: result } = pair({ accountEnabled: undefined }, { attributes: { 'msDS-IsEnabled': [state] } });
        expect([result.changes, reasons(result)]).to.deep.equal([[], ['Unreadable msDS-IsEnabled']]);
      });
    }

    it('leaves and holds a mandatory attribute that is null, and updates the rest', () => {
      const { plan: result, change } = pair({ displayName: null, isManaged: false });
      expect(after(change)).to.deep.equal({ 'msDS-IsManaged': ['FALSE'] });
      expect(reasons(result)).to.deep.equal(['Unusable displayName']);
    });

    it('leaves and holds an owner that was not read, and updates the rest', () => {
      const owner = Buffer.from('S-1-5-21-1-2-3-1104').toString('hex');
      const { plan: result, change } = pair(
        { ownerSid: undefined, isManaged: false },
        { attributes: { 'msDS-RegisteredOwner': [owner] } },
      );
      expect(after(change)).to.deep.equal({ 'msDS-IsManaged': ['FALSE'] });
      expect(reasons(result)).to.deep.equal(['Unreadable msDS-RegisteredOwner']);
    });

    it('clears the owner of a device that has none', () => {
      const owner = Buffer.from('S-1-5-21-1-2-3-1104').toString('hex');
      const { change } = pair({ ownerSid: null }, { attributes: { 'msDS-RegisteredOwner': [owner] } });
      expect(after(change)).to.deep.equal({ 'msDS-RegisteredOwner': [] });
    });

    it('writes nothing to an attribute that the schema lacks', () => {
      const available = new Set(planInput().available);
      available.delete('msDS-IsCompliant');
      const object = deviceObject(1, { attributes: { 'msDS-IsCompliant': [] } });
      const result = plan({ devices: [entraDevice(1)], objects: [object], available });
      expect([result.changes, result.held]).to.deep.equal([[], []]);
    });
  });

  describe('of an owned object whose device has no key', () => {
    it('disables it, takes the removed mark off and holds NoKey', () => {
      const { plan: result, change } = pair({ alternativeSecurityIds: [] }, { mark: removedMark(daysAgo(2)) });
      expect(actions(result)).to.deep.equal(['disable noKey']);
      expect(after(change)).to.deep.equal({ adminDescription: [MARK], 'msDS-IsEnabled': ['FALSE'] });
      expect(reasons(result)).to.deep.equal(['NoKey altSecurityIdentities']);
    });

    it('leaves FALSE though Entra says true, for disabling wins', () => {
      const { plan: result } = pair({ alternativeSecurityIds: [] }, { attributes: { 'msDS-IsEnabled': ['FALSE'] } });
      expect([result.changes, reasons(result)]).to.deep.equal([[], ['NoKey altSecurityIdentities']]);
    });

    it('updates the rest in the same change', () => {
      const { change } = pair({ alternativeSecurityIds: [], displayName: 'New' });
      expect(after(change)).to.deep.equal({ displayName: ['New'], 'msDS-IsEnabled': ['FALSE'] });
    });

    it('counts as stated where Entra says accountEnabled false as well', () => {
      expect(actions(pair({ alternativeSecurityIds: [], accountEnabled: false }).plan)).to.deep.equal([
        'disable stated',
      ]);
    });

    const unclear = [
      ['UnknownKeyForm', [entry('another form')]],
      ['Unusable', null],
      ['Unreadable', undefined],
    ] as const;
    for (const [reason, alternativeSecurityIds] of unclear) {
      it(`does not disable it for ${reason}: the key is left and held, the rest updated`, () => {
        const { plan: result, change } = pair({ alternativeSecurityIds, displayName: 'New' });
        expect(actions(result)).to.deep.equal(['update flow']);
        expect(after(change)).to.deep.equal({ displayName: ['New'] });
        expect(reasons(result)).to.deep.equal([`${reason} altSecurityIdentities`]);
      });

      it(`does not enable it for ${reason}: the key that stays may be a revoked one`, () => {
        const { plan: result } = pair({ alternativeSecurityIds }, { attributes: { 'msDS-IsEnabled': ['FALSE'] } });
        expect(result.changes).to.deep.equal([]);
        expect(reasons(result)).to.deep.equal([`${reason} altSecurityIdentities`, `${reason} msDS-IsEnabled`]);
      });

      it(`lets no ${reason} keep back a disable that Entra states`, () => {
        const { plan: result, change } = pair({ alternativeSecurityIds, accountEnabled: false });
        expect(actions(result)).to.deep.equal(['disable stated']);
        expect(after(change)).to.deep.equal({ 'msDS-IsEnabled': ['FALSE'] });
      });
    }
  });

  describe('of a device that registered anew', () => {
    const old = { attributes: { 'msDS-CloudAnchor': anchor(objectId(9)), altSecurityIdentities: [key(9)] } };

    it('updates the object with its device id, anchor included', () => {
      const { plan: result, change } = pair({}, old);
      expect(actions(result)).to.deep.equal(['update flow']);
      expect(after(change)).to.deep.equal({ altSecurityIdentities: [key(1)], 'msDS-CloudAnchor': anchor(objectId(1)) });
      expect(change?.objectId).to.equal(objectId(1));
    });

    it('does not take the object for gone, though the device of its old anchor is', () => {
      const result = plan({ devices: [entraDevice(1)], objects: [deviceObject(1, old)], absences: gone(9) });
      expect(actions(result)).to.deep.equal(['update flow']);
    });

    it('warns TransportKeyStale where the object has a transport key', () => {
      expect(pair({}, { ...old, hasTransportKey: true }).change?.warnings).to.deep.equal(['TransportKeyStale']);
      expect(pair({}, old).change?.warnings).to.deep.equal([]);
    });

    it('warns TransportKeyStale for another key alone, and not for another name alone', () => {
      const rekeyed = pair({ alternativeSecurityIds: [entry(key(2))] }, { hasTransportKey: true });
      expect(rekeyed.change?.warnings).to.deep.equal(['TransportKeyStale']);
      expect(pair({ displayName: 'New' }, { hasTransportKey: true }).change?.warnings).to.deep.equal([]);
    });

    it('accepts an anchor in text form and writes it as octets, which makes no transport key stale', () => {
      const text = Buffer.from(`Device_${objectId(1)}`, 'utf16le').toString('hex');
      const { change } = pair({}, { hasTransportKey: true, attributes: { 'msDS-CloudAnchor': [text] } });
      expect(after(change)).to.deep.equal({ 'msDS-CloudAnchor': anchor(objectId(1)) });
      expect(change?.warnings).to.deep.equal([]);
    });

    it('says that the device registered anew, and of its removed mark that it is taken off', () => {
      expect(pair({}, old).change?.sentence).to.equal(
        'Update "PC-1", registered anew in Entra: altSecurityIdentities, msDS-CloudAnchor.',
      );
      const { change } = pair({}, { mark: removedMark(daysAgo(3)), attributes: { 'msDS-IsEnabled': ['FALSE'] } });
      expect(change?.sentence).to.equal('Enable "PC-1": msDS-IsEnabled, removed mark taken off.');
    });

    it('joins by anchor where the device id is another', () => {
      const { change } = pair({ deviceId: deviceId(5) });
      expect(after(change)).to.deep.equal({ 'msDS-DeviceID': idValue(deviceId(5)) });
    });
  });
});
