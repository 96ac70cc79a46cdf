import { expect } from 'chai';
import { guidToHex } from '../../src/device/guid.ts';
import type { Change, Plan } from '../../src/plan/change.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import {
  anchor,
  CONTAINER,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  entry,
  gone,
  idValue,
  key,
  MARK,
  NOW,
  objectId,
  OTHER_TENANT,
  planInput,
  removedMark,
} from './samples.ts';

const plan = (parts: Partial<PlanInput>): Plan => computePlan(planInput(parts));

/** Each attribute of a change with the values after it. */
function after(change: Change | undefined): Record<string, readonly string[]> {
  return Object.fromEntries((change?.attributes ?? []).map((one) => [one.attribute, one.after]));
}

const reasons = ({ held }: Plan): string[] =>
  held.map((one) => (one.attribute === null ? one.reason : `${one.reason} ${one.attribute}`));

const actions = ({ changes }: Plan): string[] => changes.map((change) => `${change.action} ${change.cause}`);

/** The plan of one device and its object; the only change, if there is one. */
function pair(
  device: Parameters<typeof entraDevice>[1],
  object: Parameters<typeof deviceObject>[1] = {},
): { readonly plan: Plan; readonly change: Change | undefined } {
  const result = plan({ devices: [entraDevice(1, device)], objects: [deviceObject(1, object)] });
  expect(result.changes.length).to.be.at.most(1);
  return { plan: result, change: result.changes[0] };
}

describe('decide', () => {
  describe('for a foreign object', () => {
    const mark = `DeviceWriteback ${OTHER_TENANT}`;

    it('leaves it untouched and holds Foreign if its device id is in scope', () => {
      const result = plan({
        devices: [entraDevice(1, { accountEnabled: false })],
        objects: [deviceObject(1, { mark })],
      });
      expect(result.changes).to.deep.equal([]);
      expect(reasons(result)).to.deep.equal(['Foreign']);
      expect(result.held[0]?.distinguishedName).to.equal(deviceObject(1).distinguishedName);
    });

    it('leaves it untouched and says nothing if no device of this tenant has its id', () => {
      const result = plan({ objects: [deviceObject(1, { mark })], absences: gone(1) });
      expect([result.changes, result.held]).to.deep.equal([[], []]);
      expect(result.summary.foreign).to.equal(1);
    });

    it('never deletes it, not even with a removed mark of long ago', () => {
      const result = plan({
        objects: [
          deviceObject(1, {
            mark: `${mark} removed 2020-01-01T00:00:00Z`,
            attributes: { 'msDS-IsEnabled': ['FALSE'] },
          }),
        ],
        absences: gone(1),
        policy: { ...DEFAULT_POLICY, deleteAfterDays: 0 },
      });
      expect([result.changes, result.held]).to.deep.equal([[], []]);
    });
  });

  describe('for an unowned object', () => {
    it('holds Unowned while its device is in scope, equal or not, and changes nothing', () => {
      for (const values of [{}, { displayName: 'Other' }, { accountEnabled: false }, { alternativeSecurityIds: [] }]) {
        const result = plan({ devices: [entraDevice(1, values)], objects: [deviceObject(1, { mark: null })] });
        expect(result.changes).to.deep.equal([]);
        expect(reasons(result)).to.deep.equal(['Unowned']);
      }
    });

    it('counts it and leaves it if its device is gone', () => {
      const result = plan({ objects: [deviceObject(1, { mark: null })], absences: gone(1) });
      expect([result.changes, result.held, result.summary.unowned]).to.deep.equal([[], [], 1]);
    });

    for (const mark of ['Laptop of the reception', `${MARK} `, MARK.toLowerCase(), `${MARK} removed soon`]) {
      it(`takes one whose adminDescription is ${JSON.stringify(mark)} for unowned`, () => {
        const result = plan({
          devices: [entraDevice(1, { displayName: 'Other' })],
          objects: [deviceObject(1, { mark })],
        });
        expect([result.changes, reasons(result)]).to.deep.equal([[], ['Unowned']]);
      });
    }
  });

  describe('where the directory has nothing', () => {
    it('creates the object of a device in scope, with the mark and the device id as its name', () => {
      const result = plan({ devices: [entraDevice(1, { operatingSystem: null })] });
      const [change] = result.changes;
      expect(actions(result)).to.deep.equal(['create flow']);
      expect(change?.distinguishedName).to.equal(`CN=${deviceId(1)},${CONTAINER}`);
      expect([change?.deviceId, change?.objectId, change?.objectGuid]).to.deep.equal([deviceId(1), objectId(1), null]);
      expect(after(change)).to.deep.equal({
        adminDescription: [MARK],
        altSecurityIdentities: [key(1)],
        displayName: ['PC-1'],
        'msDS-CloudAnchor': [guidToHex(objectId(1))],
        'msDS-DeviceID': [guidToHex(deviceId(1))],
        'msDS-DeviceObjectVersion': ['2'],
        'msDS-DeviceOSVersion': ['10.0.26100.1'],
        'msDS-DevicePhysicalIDs': ['[GID]:g:1', '[HWID]:h:1'],
        'msDS-IsCompliant': ['TRUE'],
        'msDS-IsEnabled': ['TRUE'],
        'msDS-IsManaged': ['TRUE'],
      });
      expect(change?.attributes.every((one) => one.before.length === 0)).to.equal(true);
    });

    for (const accountEnabled of [false, null]) {
      it(`creates a disabled object for accountEnabled ${String(accountEnabled)}`, () => {
        const [change] = plan({ devices: [entraDevice(1, { accountEnabled })] }).changes;
        expect(after(change)['msDS-IsEnabled']).to.deep.equal(['FALSE']);
      });
    }

    it('does nothing for a device that is out of scope or gone', () => {
      const result = plan({ absences: new Map([[objectId(1), { state: 'outOfScope' }]]), entraDevices: 1 });
      expect([result.changes, result.held]).to.deep.equal([[], []]);
    });

    const blocked = [
      ['no key', { alternativeSecurityIds: [] }, 'NoKey altSecurityIdentities'],
      ['keys of unknown form', { alternativeSecurityIds: [entry('?')] }, 'UnknownKeyForm altSecurityIdentities'],
      ['null for its keys', { alternativeSecurityIds: null }, 'Unusable altSecurityIdentities'],
      ['keys that were not read', { alternativeSecurityIds: undefined }, 'Unreadable altSecurityIdentities'],
      ['no name', { displayName: null }, 'Unusable displayName'],
      ['no device id', { deviceId: null }, 'Unusable msDS-DeviceID'],
      ['an accountEnabled that was not read', { accountEnabled: undefined }, 'Unreadable msDS-IsEnabled'],
    ] as const;
    for (const [what, values, reason] of blocked) {
      it(`creates nothing for a device with ${what} and holds ${reason}`, () => {
        const result = plan({ devices: [entraDevice(1, values)] });
        expect([result.changes, reasons(result)]).to.deep.equal([[], [reason]]);
        expect(result.held[0]?.objectId).to.equal(objectId(1));
      });
    }

    it('creates without an optional value that is unusable or unread, and holds that value', () => {
      const result = plan({ devices: [entraDevice(1, { deviceVersion: 2.5, ownerSid: undefined })] });
      expect(actions(result)).to.deep.equal(['create flow']);
      expect(after(result.changes[0])).to.not.have.any.keys('msDS-DeviceObjectVersion', 'msDS-RegisteredOwner');
      expect(reasons(result)).to.deep.equal(['Unreadable msDS-RegisteredOwner', 'Unusable msDS-DeviceObjectVersion']);
    });

    it('holds NameTaken where another object has the name', () => {
      const object = deviceObject(2, { name: deviceId(1).toUpperCase(), mark: null });
      const result = plan({ devices: [entraDevice(1)], objects: [object] });
      expect([result.changes, reasons(result)]).to.deep.equal([[], ['NameTaken']]);
    });

    for (const mark of [null, MARK, `DeviceWriteback ${OTHER_TENANT}`]) {
      it(`holds KeyInUse where an object marked ${String(mark)} has one of the keys`, () => {
        const device = entraDevice(1, { alternativeSecurityIds: [entry(key(1)), entry(key(2))] });
        const result = plan({ devices: [device, entraDevice(2)], objects: [deviceObject(2, { mark })] });
        expect(result.changes).to.deep.equal([]);
        expect(reasons(result)).to.include('KeyInUse');
      });
    }

    it('holds KeyInUse for both of two new devices with one key, for neither has a better claim', () => {
      const result = plan({ devices: [entraDevice(1), entraDevice(2, { alternativeSecurityIds: [entry(key(1))] })] });
      expect([result.changes, reasons(result)]).to.deep.equal([[], ['KeyInUse', 'KeyInUse']]);
    });
  });

  describe('for an owned object whose device is in scope', () => {
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

  describe('for an owned object whose device has no key', () => {
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

      it(`lets no ${reason} keep back a disable that Entra states`, () => {
        const { plan: result, change } = pair({ alternativeSecurityIds, accountEnabled: false });
        expect(actions(result)).to.deep.equal(['disable stated']);
        expect(after(change)).to.deep.equal({ 'msDS-IsEnabled': ['FALSE'] });
      });
    }
  });

  describe('for a device that registered anew', () => {
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

    it('accepts an anchor in text form and writes it as octets', () => {
      const text = Buffer.from(`Device_${objectId(1)}`, 'utf16le').toString('hex');
      const { change } = pair({}, { attributes: { 'msDS-CloudAnchor': [text] } });
      expect(after(change)).to.deep.equal({ 'msDS-CloudAnchor': anchor(objectId(1)) });
    });

    it('joins by anchor where the device id is another', () => {
      const { change } = pair({ deviceId: deviceId(5) });
      expect(after(change)).to.deep.equal({ 'msDS-DeviceID': idValue(deviceId(5)) });
    });
  });

  it('stamps a removal with the clock of the domain controller', () => {
    const result = plan({ objects: [deviceObject(1)], absences: gone(1), sourceTime: daysAgo(5) });
    expect(after(result.changes[0])['adminDescription']).to.deep.equal([removedMark(NOW)]);
  });
});
