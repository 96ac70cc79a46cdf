import { expect } from 'chai';
import { guidToHex } from '../../src/device/guid.ts';
import type { Plan } from '../../src/plan/change.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import { after, reasons, actions } from './reading.ts';
import {
  CONTAINER,
  deviceId,
  deviceObject,
  entraDevice,
  entry,
  gone,
  key,
  MARK,
  objectId,
  OTHER_TENANT,
  planInput,
} from './samples.ts';

const plan = (parts: Partial<PlanInput>): Plan => computePlan(planInput(parts));

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
      expect(result.summary.census?.foreign).to.equal(1);
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
      expect([result.changes, result.held, result.summary.census?.unowned]).to.deep.equal([[], [], 1]);
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
});
