/** What a Directory does however its connection is protected and whatever the schema: one suite for every way. */
import { expect } from 'chai';
import { createDirectory } from '../../src/directory/deviceDirectory.ts';
import type { SignInSettings } from '../../src/directory/signIn.ts';
import type { Directory } from '../../src/ports.ts';
import type { DirectoryUser, DomainController } from '../lab/domainController.ts';
import { CONNECTION_POINT_DN, REGISTRATION_SERVICE_DN } from '../lab/registrationService.ts';
import { openPassage } from './passage.ts';
import {
  all,
  apply,
  changeOf,
  creation,
  deletion,
  deviceId,
  deviceOf,
  keptLog,
  MARK,
  NEVER,
  sampleKey,
  sampleValues,
} from './sample.ts';

export interface Approach {
  readonly domainController: DomainController;
  /** How to sign in, at this port of the domain controller's address where one is given. */
  settings(port?: number): SignInSettings;
  /** The port of the domain controller that it leads to. */
  readonly port: number;
  /** What `protection` says. */
  readonly protection: RegExp;
  /** Signs in as another user of the directory, by name and password. */
  as(user: DirectoryUser): SignInSettings;
}

const PAGE_SIZE = 20;
const COUNT = 50;

/** Declares the suite; the approach is asked for when it runs. */
export function describeDirectory(name: string, approach: () => Approach): void {
  describe(name, () => {
    let domainController: DomainController;
    let directory: Directory;
    let container: string;
    const opened: Directory[] = [];

    const open = (settings: SignInSettings): Directory => {
      const one = createDirectory({ ...settings, pageSize: PAGE_SIZE }, keptLog().log);
      opened.push(one);
      return one;
    };

    before(async () => {
      ({ domainController } = approach());
      directory = open(approach().settings());
      container = domainController.deviceContainerDn;
      for (let number = 0; number < COUNT; number += 1) await apply(directory, creation(number, container));
    });

    after(() => Promise.all(opened.map((one) => one.close())));

    it('tells its server and how it is protected', async () => {
      expect(directory.server).to.equal(`${domainController.address}:${approach().port}`);
      expect(await directory.protection(NEVER)).to.match(approach().protection);
    });

    it('tells what the rootDSE, the schema and the forest have', async () => {
      expect(await directory.rootDse(NEVER)).to.deep.include({
        dnsHostName: domainController.hostName,
        defaultNamingContext: domainController.domainDn,
        configurationNamingContext: domainController.configurationDn,
      });
      const schema = await directory.schema(NEVER);
      expect(schema.objectVersion).to.equal(domainController.schema);
      expect(schema.attributes.has('msDS-IsCompliant')).to.equal(domainController.schema >= 87);
      const services = await directory.registrationServices(NEVER);
      expect(services.map((service) => service.distinguishedName)).to.deep.equal([REGISTRATION_SERVICE_DN]);
      expect(services[0]).to.include({ deviceLocation: container, isEnabled: true });
      expect(await directory.serviceConnectionPoint(NEVER)).to.include('azureADName:contoso.com');
      expect((await directory.container(container, NEVER))?.objectClasses).to.include('msDS-DeviceContainer');
      expect(await directory.container(CONNECTION_POINT_DN.replace('62a0', '62a1'), NEVER)).to.equal(null);
    });

    it('reads every device object once, over several pages', async () => {
      const found = await all(directory.devices(container, NEVER));
      expect(found.map((object) => object.name).sort()).to.deep.equal(
        Array.from({ length: COUNT }, (_, number) => deviceId(number)),
      );
      expect(found.find((object) => object.name === deviceId(1))?.attributes).to.deep.equal(sampleValues(1));
    });

    it('finds device objects by device id, name and key', async () => {
      const names = { deviceIds: [deviceId(1)], names: [deviceId(2)], keys: [sampleKey(3)] };
      const found = await all(directory.devicesNamed(container, names, NEVER));
      expect(found.map((object) => object.name).sort()).to.deep.equal([1, 2, 3].map(deviceId));
    });

    it('finds device objects by objectGUID, as many as there are, and no other object', async () => {
      const objects = await all(directory.devices(container, NEVER));
      const other = await directory.container(container, NEVER);
      const guids = [...objects.map(({ objectGuid }) => objectGuid), other?.objectGuid ?? '', deviceId(1)];
      const found = await all(directory.devicesByGuid(container, guids, NEVER));
      const byGuid = (one: { objectGuid: string }, two: { objectGuid: string }): number =>
        one.objectGuid < two.objectGuid ? -1 : 1;
      expect(found.toSorted(byGuid)).to.deep.equal(objects.toSorted(byGuid)).and.to.not.deep.equal([]);
      expect(await all(directory.devicesByGuid(container, [], NEVER))).to.deep.equal([]);
    });

    it('creates, changes, disables, enables and deletes a device object', async () => {
      const before = await domainController.highestCommittedUsn();
      await apply(directory, creation(100, container));
      const object = await deviceOf(directory, container, 100);
      await apply(directory, changeOf(object, { displayName: ['𝕏 Büro'], 'msDS-IsManaged': [] }));
      const disabled = { 'msDS-IsEnabled': ['FALSE'], adminDescription: [`${MARK} removed 2026-11-22T14:23:12Z`] };
      await apply(directory, changeOf(await deviceOf(directory, container, 100), disabled, 'disable'));
      const enabled = { 'msDS-IsEnabled': ['TRUE'], adminDescription: [MARK] };
      await apply(directory, changeOf(await deviceOf(directory, container, 100), enabled, 'enable'));
      expect(await domainController.highestCommittedUsn(), 'one operation each').to.equal(before + 4);
      const now = await deviceOf(directory, container, 100);
      expect(now).to.include({ objectGuid: object.objectGuid, name: deviceId(100) });
      expect(now.attributes).to.include.deep.keys('displayName').and.to.not.include.keys('msDS-IsManaged');
      expect(now.attributes.displayName).to.deep.equal(['𝕏 Büro']);
      await apply(directory, deletion(now));
      expect(await directory.device(object.objectGuid, NEVER)).to.equal(null);
    });

    it('writes and reads the longest values that the schema takes', async () => {
      const long = {
        displayName: ['x'.repeat(256)],
        'msDS-DeviceOSType': ['日'.repeat(1024)],
        'msDS-DeviceOSVersion': ['y'.repeat(512)],
        'msDS-DevicePhysicalIDs': Array.from({ length: 40 }, (_, n) => `[ID]:${String(n).padStart(1019, '0')}`).sort(),
      };
      await apply(directory, creation(101, container, long));
      const object = await deviceOf(directory, container, 101);
      expect(object.attributes).to.deep.equal({ ...sampleValues(101), ...long });
      await apply(directory, deletion(object));
    });

    it('skips a change of an object that is not what it was', async () => {
      await apply(directory, creation(102, container));
      const object = await deviceOf(directory, container, 102);
      await domainController.ldapModify(
        `dn: ${object.distinguishedName}\nchangetype: modify\nreplace: displayName\ndisplayName: Theirs\n`,
      );
      expect(await directory.write(changeOf(object, { displayName: ['Ours'] }), NEVER)).to.deep.equal({
        state: 'skipped',
        why: 'The object changed since it was read: displayName.',
      });
      expect((await directory.write(deletion(object), NEVER)).state).to.equal('skipped');
      await apply(directory, deletion(await deviceOf(directory, container, 102)));
      const gone = await directory.write(changeOf(object, { displayName: ['Ours'] }), NEVER);
      expect(gone).to.deep.equal({ state: 'skipped', why: 'The object is gone since it was read.' });
    });

    it('fails one change with the words of the server and goes on', async () => {
      const bad = await directory.write(creation(103, container, { displayName: ['x'.repeat(257)] }), NEVER);
      if (bad.state !== 'failed') throw new Error(`it did not fail: ${JSON.stringify(bad)}`);
      expect(bad.error).to.include({ code: 'ChangeFailed', target: `CN=${deviceId(103)},${container}` });
      expect(bad.error.detail).to.match(/^\w+ \(\d+\): ./);
      expect(await all(directory.devices(container, NEVER))).to.have.lengthOf(COUNT);
    });

    it('gives an account the least rights, with which it then writes', async () => {
      const user = await domainController.addUser(`svc-${approach().port}-${name.length}`, 'Svc-Passw0rd!');
      const weak = open(approach().as(user));
      const denied = await weak.write(creation(104, container), NEVER);
      expect(denied.state === 'failed' && denied.error.code).to.equal('DirectoryForbidden');
      const found = await directory.account(user.userName, NEVER);
      expect(found?.sid).to.equal(user.sid);
      expect((await directory.grant(container, user.sid, NEVER)).missing).to.have.lengthOf(2);
      await directory.addGrant(container, user.sid, NEVER);
      expect((await directory.grant(container, user.sid, NEVER)).missing).to.deep.equal([]);
      expect(await weak.effectiveRights(container, NEVER)).to.include({ createDevices: true, deleteDevices: true });
      await apply(weak, creation(104, container));
      await apply(weak, deletion(await deviceOf(weak, container, 104)));
    });

    it('signs in again when the connection was lost, and learns the fate of what was under way', async () => {
      const passage = await openPassage(domainController.address, approach().port);
      try {
        const remote = open(approach().settings(passage.port));
        expect(await remote.container(container, NEVER)).to.not.equal(null);
        const first = passage.connections();
        passage.cut();
        expect(await all(remote.devices(container, NEVER))).to.have.lengthOf(COUNT);
        passage.loseAnswers();
        await apply(remote, creation(105, container));
        passage.loseRequests();
        await apply(remote, deletion(await deviceOf(directory, container, 105)));
        expect(await all(directory.devices(container, NEVER))).to.have.lengthOf(COUNT);
        expect(passage.connections() - first).to.equal(3);
      } finally {
        await passage.stop();
      }
    });

    it('refuses a container in a domain that this server does not keep, and names that domain', async () => {
      const elsewhere = 'CN=RegisteredDevices,DC=child,DC=corp,DC=contoso,DC=test';
      const error: unknown = await directory.container(elsewhere, NEVER).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).to.include({ code: 'DirectoryFailed', target: elsewhere });
      expect(error).to.have.property('remedy').that.includes('-DomainName child.corp.contoso.test');
      const configuration = `CN=Absent,CN=Services,${domainController.configurationDn}`;
      expect(await directory.container(configuration, NEVER)).to.equal(null);
    });
  });
}
