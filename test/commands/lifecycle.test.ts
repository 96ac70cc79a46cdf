import { expect } from 'chai';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { certificateKey, newUser } from '../emulator/newEntities.ts';
import { Forest, MARK, type Synced } from './forest.ts';
import { certificateKeys, desiredObject, desiredObjects, guidBytes, textOf } from './oracle.ts';

const REMOVED = new RegExp(`^${MARK} removed \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$`);
const FOREIGN = 'DeviceWriteback 11111111-2222-3333-4444-555555555555';

describe('the life of a device object', () => {
  let forest: Forest;
  let device: StoredDevice;

  before(async () => {
    forest = await Forest.startPrepared();
  });

  after(() => forest.stop());

  beforeEach(async () => {
    await forest.clear();
    const owner = forest.tenant.users.add(newUser());
    device = forest.addDevice({ registeredOwners: [owner.id] });
    await forest.sync();
    await expectEqual();
  });

  /** The directory holds what Entra says of every eligible device, and nothing else. */
  async function expectEqual(): Promise<void> {
    const objects = await forest.objects();
    const desired = desiredObjects(forest.tenant);
    expect(objects.size).to.equal(desired.size);
    for (const [deviceId, object] of objects) expect(object).to.deep.equal(desired.get(deviceId));
  }

  /** One change is made, after which there is nothing left to do. */
  async function expectOne(action: string, reason: string, more: object = {}): Promise<Synced> {
    const synced = await forest.sync({ ...more });
    expect(synced.changes.map((change) => `${change.action} ${change.reason}`)).to.deep.equal([`${action} ${reason}`]);
    expect(synced.run).to.include({ outcome: 'Completed', failed: 0, skipped: 0 });
    const usn = await forest.usn();
    expect((await forest.sync({ ...more })).planned.changes).to.equal(0);
    expect(await forest.usn()).to.equal(usn);
    return synced;
  }

  it('follows every property that Entra changes', async () => {
    forest.tenant.devices.update(device.id, {
      displayName: 'Zoës “Rechner” 📱',
      operatingSystem: 'Linux',
      operatingSystemVersion: '6.1',
      deviceVersion: 3,
      physicalIds: ['[HWID]:h:1', '[GID]:g:2'],
      isManaged: false,
      isCompliant: null,
    });
    await expectOne('Update', 'Flow');
    await expectEqual();
  });

  it('clears what Entra clears', async () => {
    forest.tenant.devices.update(device.id, { operatingSystemVersion: null, physicalIds: [], isManaged: null });
    await expectOne('Update', 'Flow');
    await expectEqual();
  });

  it('takes a rename, the name of the object stays', async () => {
    forest.tenant.devices.update(device.id, { displayName: 'New name' });
    const { report } = await expectOne('Update', 'Flow');
    expect(textOf(await forest.object(device), 'displayName')).to.equal('New name');
    const [change] = report.changes;
    expect(change?.change?.attributes).to.deep.equal([
      { attribute: 'displayName', before: [device['displayName']], after: ['New name'] },
    ]);
    expect((await forest.entries())[0]?.dn).to.equal(forest.dnOf(device));
  });

  it('follows a disable and an enable in Entra, without a removed mark', async () => {
    forest.tenant.devices.update(device.id, { accountEnabled: false });
    await expectOne('Disable', 'Stated');
    expect(textOf(await forest.object(device), 'msDS-IsEnabled')).to.equal('FALSE');
    expect(textOf(await forest.object(device), 'adminDescription')).to.equal(MARK);
    forest.tenant.devices.update(device.id, { accountEnabled: true });
    await expectOne('Enable', 'Flow');
    await expectEqual();
  });

  it('changes the key and keeps no value of the old one', async () => {
    const old = certificateKeys(device);
    forest.tenant.devices.update(device.id, {
      alternativeSecurityIds: [certificateKey('new 1'), certificateKey('new 2')],
    });
    await expectOne('Update', 'Flow');
    await expectEqual();
    const [entry] = await forest.entries();
    const keys = entry?.attributes.get('altSecurityIdentities')?.map(String) ?? [];
    expect(keys).to.have.length(2).and.not.include(old[0]);
  });

  it('disables a device that lost its key, and enables it when it has one again', async () => {
    forest.tenant.devices.update(device.id, { alternativeSecurityIds: [] });
    const { changes } = await forest.sync();
    expect(changes.map(({ action, reason }) => `${action} ${reason}`)).to.deep.equal(['Disable NoKey', 'Held NoKey']);
    expect(textOf(await forest.object(device), 'msDS-IsEnabled')).to.equal('FALSE');
    forest.tenant.devices.update(device.id, { alternativeSecurityIds: [certificateKey('again')] });
    await expectOne('Enable', 'Flow');
    await expectEqual();
  });

  it('follows a change of the owner, and clears one who has no SID in AD', async () => {
    const other = forest.tenant.users.add(newUser());
    forest.tenant.devices.update(device.id, { registeredOwners: [other.id] });
    await expectOne('Update', 'Flow');
    expect(textOf(await forest.object(device), 'msDS-RegisteredOwner')).to.equal(other['onPremisesSecurityIdentifier']);
    forest.tenant.devices.update(device.id, { registeredOwners: [] });
    await expectOne('Update', 'Flow');
    expect(textOf(await forest.object(device), 'msDS-RegisteredOwner')).to.equal(null);
  });

  it('takes a device that registered anew under its old device id: new anchor, new key, same object', async () => {
    const [before] = await forest.entries();
    forest.tenant.devices.remove(device.id);
    const anew = forest.addDevice({ deviceId: device['deviceId'] });
    await expectOne('Update', 'Flow');
    await expectEqual();
    const [after] = await forest.entries();
    expect(after?.attributes.get('msDS-CloudAnchor')?.[0]?.equals(guidBytes(anew.id))).to.equal(true);
    expect(after?.attributes.get('objectGUID')).to.deep.equal(before?.attributes.get('objectGUID'));
  });

  it('undoes what somebody changed in AD on an object of its own', async () => {
    await forest.modify(device, { displayName: 'Drifted', 'msDS-IsEnabled': 'FALSE', 'msDS-DeviceOSType': null });
    await expectOne('Enable', 'Flow');
    await expectEqual();
  });

  it('creates again what somebody deleted in AD', async () => {
    await forest.dc.ldapModify(`dn: ${forest.dnOf(device)}\nchangetype: delete\n`);
    await expectOne('Create', 'Flow');
    await expectEqual();
  });

  it('never touches the transport key, and warns when key or anchor change beside it', async () => {
    const blob = 'B:22:0002000020000000000000:CN=svc-writeback,CN=Users,DC=corp,DC=contoso,DC=test';
    await forest.modify(device, { 'msDS-KeyCredentialLink': blob.replace(/CN=svc.*/, forest.dnOf(device)) });
    forest.tenant.devices.update(device.id, { alternativeSecurityIds: [certificateKey('stale')] });
    const { changes } = await expectOne('Update', 'Flow');
    expect(changes[0]?.warnings).to.deep.equal(['TransportKeyStale']);
    const [entry] = await forest.entries();
    expect(entry?.attributes.get('msDS-KeyCredentialLink')).to.have.length(1);
  });

  describe('after the Entra device was deleted', () => {
    beforeEach(async () => {
      // An empty source is refused by itself.
      forest.addDevice();
      await forest.sync();
      forest.tenant.devices.remove(device.id);
    });

    it('is disabled at once, with the removed mark in the time of the domain controller', async () => {
      await expectOne('Disable', 'Removal');
      const object = await forest.object(device);
      expect(textOf(object, 'msDS-IsEnabled')).to.equal('FALSE');
      const mark = textOf(object, 'adminDescription') ?? '';
      expect(mark).to.match(REMOVED);
      expect(Math.abs(Date.now() - Date.parse(mark.slice(-20)))).to.be.below(60_000);
      const { adminDescription: _, 'msDS-IsEnabled': __, ...kept } = object?.values ?? {};
      const {
        adminDescription: ___,
        'msDS-IsEnabled': ____,
        ...asBefore
      } = desiredObject(device, forest.tenant)?.values ?? {};
      expect(kept).to.deep.equal(asBefore);
    });

    it('is enabled again when the device is restored', async () => {
      await forest.sync();
      forest.tenant.devices.restore(device.id);
      await expectOne('Enable', 'Flow');
      await expectEqual();
    });

    it('is deleted when the time of retention is over, not before, and never with -KeepRemoved', async () => {
      await forest.sync();
      await forest.modify(device, { adminDescription: `${MARK} removed ${daysAgo(29)}` });
      expect((await forest.sync()).planned.changes).to.equal(0);
      await forest.modify(device, { adminDescription: `${MARK} removed ${daysAgo(31)}` });
      expect((await forest.sync({ keepRemoved: true })).planned.changes).to.equal(0);
      expect((await forest.sync({ deleteAfter: 40 })).planned.changes).to.equal(0);
      const { run } = await expectOne('Delete', 'Retention');
      expect(run.deleted).to.equal(1);
      expect(await forest.object(device)).to.equal(null);
    });

    it('is deleted at once with a retention of 0 days', async () => {
      await expectOne('Delete', 'Removal', { deleteAfter: 0 });
      expect(await forest.object(device)).to.equal(null);
    });

    it('is deleted by a later run with a retention of 0 days', async () => {
      await forest.sync();
      await expectOne('Delete', 'Retention', { deleteAfter: 0 });
      expect(await forest.object(device)).to.equal(null);
    });

    it('is not deleted while the clocks differ by more than an hour', async () => {
      forest.tenant.switches.clockSkew = 2 * 60 * 60 * 1000;
      const { changes } = await forest.sync({ deleteAfter: 0 });
      forest.tenant.switches.clockSkew = 0;
      expect(changes.map(({ action, reason }) => `${action} ${reason}`)).to.deep.equal([
        'Disable Removal',
        'Held ClockSkew',
      ]);
      expect(textOf(await forest.object(device), 'msDS-IsEnabled')).to.equal('FALSE');
    });

    it('gets a new removed mark when somebody enabled it again', async () => {
      await forest.sync();
      await forest.modify(device, { 'msDS-IsEnabled': 'TRUE', adminDescription: `${MARK} removed ${daysAgo(20)}` });
      await expectOne('Disable', 'Removal');
      expect(Date.parse((textOf(await forest.object(device), 'adminDescription') ?? '').slice(-20))).to.be.above(
        Date.now() - 3_600_000,
      );
    });

    it('gets the removed mark alone when it was disabled already', async () => {
      await forest.modify(device, { 'msDS-IsEnabled': 'FALSE' });
      await expectOne('Update', 'Removal');
      expect(textOf(await forest.object(device), 'adminDescription')).to.match(REMOVED);
    });
  });

  describe('objects that are not its own', () => {
    it('leaves an object of AD FS untouched, whether Entra has the device or not', async () => {
      const known = forest.addDevice();
      await forest.dc.ldapAdd(
        [known, { ...known, deviceId: '0aaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee' }].map((one) => byAdfs(one)).join('\n'),
      );
      const usn = await forest.usn();
      const { changes } = await forest.sync();
      expect(changes.map(({ action, reason, deviceId }) => ({ action, reason, deviceId }))).to.deep.equal([
        { action: 'Held', reason: 'Unowned', deviceId: known['deviceId'] },
      ]);
      expect(await forest.usn()).to.equal(usn);
    });

    it('leaves any other text in adminDescription as it is', async () => {
      await forest.modify(device, { adminDescription: 'Belongs to the help desk' });
      forest.tenant.devices.update(device.id, { displayName: 'Renamed' });
      const usn = await forest.usn();
      const { changes } = await forest.sync();
      expect(changes.map(({ action, reason }) => `${action} ${reason}`)).to.deep.equal(['Held Unowned']);
      expect(await forest.usn()).to.equal(usn);
    });

    it('leaves an object with the mark of another tenant untouched', async () => {
      const other = forest.addDevice();
      await forest.sync();
      await forest.modify(other, { adminDescription: FOREIGN });
      forest.tenant.devices.update(other.id, { displayName: 'Renamed', accountEnabled: false });
      const usn = await forest.usn();
      const { changes } = await forest.sync();
      expect(changes.map(({ action, reason }) => `${action} ${reason}`)).to.deep.equal(['Held Foreign']);
      expect(await forest.usn()).to.equal(usn);
    });
  });

  function byAdfs(from: Readonly<Record<string, unknown>>): string {
    const deviceId = String(from['deviceId']);
    return `dn: CN=${deviceId},${forest.dc.deviceContainerDn}
objectClass: msDS-Device
displayName: Registered with AD FS
altSecurityIdentities: X509:<SHA1-TP-PUBKEY>${deviceId}
msDS-DeviceID:: ${guidBytes(deviceId).toString('base64')}
msDS-IsEnabled: TRUE
`;
  }
});

function daysAgo(days: number): string {
  return `${new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 19)}Z`;
}
