import { expect } from 'chai';
import { createDirectory } from '../../src/directory/deviceDirectory.ts';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { Directory, ObjectNames } from '../../src/ports.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { REGISTRATION_SERVICE_DN } from '../lab/registrationService.ts';
import { openPassage } from './passage.ts';
import {
  all,
  apply,
  changeOf,
  creation,
  deviceId,
  deviceOf,
  directoryOf,
  keptLog,
  MARK,
  NEVER,
  sampleKey,
  sampleValues,
  settingsOf,
  simple,
} from './sample.ts';

const COUNT = 120;

describe('deviceDirectory', () => {
  let domainController: DomainController;
  let directory: Directory;
  let container: string;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    directory = directoryOf(domainController);
    container = domainController.deviceContainerDn;
    for (let number = 0; number < COUNT; number += 1) await apply(directory, creation(number, container));
  });

  after(async () => {
    await directory?.close();
    await domainController?.stop();
  });

  async function failureOf(work: Promise<unknown>): Promise<unknown> {
    return work.then(
      () => null,
      (error: unknown) => error,
    );
  }

  it('gives every device object once, over several pages and in one', async () => {
    const expected = Array.from({ length: COUNT }, (_, number) => deviceId(number)).sort();
    for (const pageSize of [50, 7, 1000]) {
      const paging = directoryOf(domainController, { pageSize });
      try {
        const names: string[] = [];
        for await (const object of paging.devices(container, NEVER)) names.push(object.name);
        expect(names.sort(), `pages of ${pageSize}`).to.deep.equal(expected);
      } finally {
        await paging.close();
      }
    }
  });

  it('finds device objects by device id, name or key, each once', async () => {
    const named = async (names: Partial<ObjectNames>): Promise<readonly string[]> => {
      const full = { deviceIds: [], names: [], keys: [], ...names };
      const found = await all(directory.devicesNamed(container, full, NEVER));
      return found.map((object) => object.name).sort();
    };
    expect(await named({})).to.deep.equal([]);
    expect(await named({ deviceIds: [deviceId(1)], names: [deviceId(2)], keys: [sampleKey(3)] })).to.deep.equal(
      [1, 2, 3].map(deviceId),
    );
    expect(await named({ deviceIds: [deviceId(1)], names: [deviceId(1)], keys: [sampleKey(1)] })).to.deep.equal([
      deviceId(1),
    ]);
    expect(await named({ deviceIds: [deviceId(700_000)], names: ['*', 'x)(cn=*'], keys: ['*'] })).to.deep.equal([]);
    const numbers = Array.from({ length: COUNT }, (_, number) => number);
    const everything = { deviceIds: numbers.map(deviceId), names: numbers.map(deviceId), keys: numbers.map(sampleKey) };
    expect(await named(everything)).to.deep.equal(numbers.map(deviceId));
  });

  it('ends the read when the connection is lost between two pages', async () => {
    const passage = await openPassage(domainController.address, domainController.securePort);
    const remote = directoryOf(domainController, { server: passage.server, pageSize: 50 });
    try {
      let seen = 0;
      const read = async (): Promise<void> => {
        for await (const object of remote.devices(container, NEVER)) {
          seen += object.name === '' ? 0 : 1;
          if (seen === 50) passage.cut();
        }
      };
      expect(await failureOf(read())).to.include({ code: 'DirectoryUnreachable', retryable: true });
      expect(seen).to.equal(50);
    } finally {
      await remote.close();
      await passage.stop();
    }
  });

  it('stops a read when it is cancelled', async () => {
    const stop = new AbortController();
    const paging = directoryOf(domainController, { pageSize: 50 });
    try {
      const read = async (): Promise<void> => {
        for await (const object of paging.devices(container, stop.signal)) if (object.name !== '') stop.abort();
      };
      expect(await failureOf(read())).to.include({ code: 'Cancelled' });
    } finally {
      await paging.close();
    }
  });

  it('gives nothing for an empty container and an error for one that is not there', async () => {
    const empty = `CN=Other,${domainController.domainDn}`;
    await directory.create({ distinguishedName: empty, objectClass: 'msDS-DeviceContainer', attributes: {} }, NEVER);
    expect(await all(directory.devices(empty, NEVER))).to.deep.equal([]);
    const absent = all(directory.devices(`CN=Absent,${domainController.domainDn}`, NEVER));
    expect(await failureOf(absent)).to.include({
      code: 'DirectoryFailed',
      target: `CN=Absent,${domainController.domainDn}`,
    });
  });

  it('gives one device object by its GUID, and null when it is gone', async () => {
    const object = await deviceOf(directory, container, 3);
    expect(await directory.device(object.objectGuid, NEVER)).to.deep.equal(object);
    expect(object.attributes).to.deep.equal(sampleValues(3));
    expect(await directory.device('11111111-2222-3333-4444-555555555555', NEVER)).to.equal(null);
    const found = await directory.container(container, NEVER);
    expect(await directory.device(found?.objectGuid ?? '', NEVER), 'an object of another class').to.equal(null);
  });

  /** What an account reads of which these attributes, by schemaIDGUID, are denied on the object with this number. */
  async function readWithout(
    userName: string,
    number: number,
    schemaIdGuids: readonly string[],
  ): Promise<{ readonly found: ReadonlyMap<string, DeviceObject>; readonly warnings: readonly string[] }> {
    const weak = await domainController.addUser(userName, 'Svc-Passw0rd!');
    const { distinguishedName } = await deviceOf(directory, container, number);
    for (const guid of schemaIdGuids) {
      await domainController.addAccess(distinguishedName, `(OD;;RP;${guid};;${weak.sid})`);
    }
    const { log, lines } = keptLog();
    const limited = createDirectory({ ...settingsOf(domainController), bind: simple(weak) }, log);
    try {
      await all(limited.devices(container, NEVER));
      const objects = await all(limited.devices(container, NEVER));
      const found = new Map(objects.map((object) => [object.name, object]));
      return { found, warnings: lines.filter((line) => line.startsWith('warning:')) };
    } finally {
      await limited.close();
    }
  }

  it('gives a device object without the mandatory attributes that the account may not read', async () => {
    const whole = await deviceOf(directory, container, 4);
    const { found, warnings } = await readWithout('svc-blind', 4, [
      'c30181c7-6342-41fb-b279-f7c566cbe0a7',
      'bf967953-0de6-11d0-a285-00aa003049e2',
    ]);
    const { 'msDS-DeviceID': deviceIds, displayName, ...others } = whole.attributes;
    expect([deviceIds?.length, displayName?.length]).to.deep.equal([1, 1]);
    expect(found.get(whole.name)).to.deep.equal({ ...whole, attributes: others });
    expect(found.size).to.equal((await all(directory.devices(container, NEVER))).length);
    expect(warnings).to.deep.equal([]);
  });

  it('passes over an object whose objectGUID it may not read, and warns once', async () => {
    const whole = await deviceOf(directory, container, 7);
    const { found, warnings } = await readWithout('svc-no-guid', 7, ['bf9679e7-0de6-11d0-a285-00aa003049e2']);
    expect(found.has(whole.name)).to.equal(false);
    expect(found.size).to.equal((await all(directory.devices(container, NEVER))).length - 1);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include(`Reading objectGUID of ${whole.distinguishedName}: it has no value`);
    expect(warnings[0]).to.include('passed over');
  });

  it('knows of an object what class it has, and of none that there is none', async () => {
    expect(await directory.container(container, NEVER)).to.deep.include({
      distinguishedName: container,
      objectClasses: ['top', 'msDS-DeviceContainer'],
    });
    expect(await directory.container(`CN=Absent,${domainController.domainDn}`, NEVER)).to.equal(null);
    const users = await directory.container(`CN=Users,${domainController.domainDn}`, NEVER);
    expect(users?.objectClasses).to.include('container');
  });

  it('says that a name which is none cannot be read', async () => {
    expect(await failureOf(directory.container('no name', NEVER))).to.include({
      code: 'DirectoryFailed',
      target: 'no name',
    });
  });

  it('adds values to an attribute that has some', async () => {
    const attribute = 'msDS-CloudIssuerPublicCertificates';
    for (const value of ['01', '02']) {
      await directory.addValues(REGISTRATION_SERVICE_DN, attribute, [Buffer.from(value, 'hex')], NEVER);
    }
    const [service] = await directory.registrationServices(NEVER);
    expect(service?.cloudIssuerCertificates).to.deep.equal(['01', '02']);
    const again = directory.addValues(REGISTRATION_SERVICE_DN, attribute, [Buffer.from('02', 'hex')], NEVER);
    expect(await failureOf(again)).to.include({ code: 'DirectoryFailed', target: REGISTRATION_SERVICE_DN });
  });

  it('says who may prepare when the account may not', async () => {
    const user = await domainController.addUser('svc-plain', 'Svc-Passw0rd!');
    const plain = directoryOf(domainController, { bind: simple(user) });
    try {
      const object = {
        distinguishedName: `CN=New,${domainController.domainDn}`,
        objectClass: 'msDS-DeviceContainer',
        attributes: {},
      };
      const error = await failureOf(plain.create(object, NEVER));
      expect(error).to.include({ code: 'DirectoryForbidden', target: object.distinguishedName });
      expect(error).to.have.property('remedy').that.includes('Enterprise Admin');
    } finally {
      await plain.close();
    }
  });

  it('tells each write and never the password', async () => {
    const { log, lines } = keptLog();
    const telling = createDirectory(settingsOf(domainController), log);
    try {
      const object = await deviceOf(telling, container, 5);
      await apply(telling, creation(500, container));
      await apply(telling, changeOf(object, { displayName: ['New'] }));
      expect(lines).to.include(
        `verbose: LDAP add CN=${deviceId(500)},${container}: objectClass, adminDescription, altSecurityIdentities, displayName, ` +
          'msDS-CloudAnchor, msDS-DeviceID, msDS-DeviceOSType, msDS-DeviceOSVersion, msDS-DeviceObjectVersion, msDS-DevicePhysicalIDs, msDS-IsEnabled, msDS-IsManaged',
      );
      expect(lines).to.include(
        `verbose: LDAP modify ${object.distinguishedName} (<GUID=${object.objectGuid}>): ` +
          'delete adminDescription, add adminDescription, delete displayName, add displayName',
      );
      expect(lines.some((line) => line.startsWith('debug: Search '))).to.equal(true);
      expect(lines.join('\n')).to.not.include(domainController.administrator.password);
    } finally {
      await telling.close();
    }
  });

  it('sees that an object has a transport key and leaves it when it writes', async () => {
    const object = await deviceOf(directory, container, 6);
    const link = `B:8:00020000:${object.distinguishedName}`;
    await domainController.ldapModify(
      `dn: ${object.distinguishedName}\nchangetype: modify\nadd: msDS-KeyCredentialLink\nmsDS-KeyCredentialLink: ${link}\n`,
    );
    const marked = await deviceOf(directory, container, 6);
    expect(marked.hasTransportKey).to.equal(true);
    await apply(directory, changeOf(marked, { displayName: ['New'] }));
    expect((await deviceOf(directory, container, 6)).hasTransportKey).to.equal(true);
  });

  it('reads a container of the 2012 R2 schema without asking for what it lacks', async () => {
    const old = await startDomainController({ schema: 69, prepared: true });
    const { log, lines } = keptLog();
    const reading = createDirectory(settingsOf(old), log);
    try {
      await apply(reading, creation(1, container));
      const [object] = await all(reading.devices(container, NEVER));
      expect(object?.attributes).to.deep.equal(sampleValues(1));
      expect(object?.adminDescription).to.deep.equal([MARK]);
      expect(lines.filter((line) => line.includes('in pages of')).join()).to.not.match(/IsCompliant|KeyCredentialLink/);
      const outcome = await reading.write(creation(2, container, { 'msDS-IsCompliant': ['TRUE'] }), NEVER);
      expect(outcome.state === 'failed' && outcome.error).to.include({ code: 'ChangeFailed' });
    } finally {
      await reading.close();
      await old.stop();
    }
  });

  it('goes on with the same server after it was started again', async () => {
    expect(await directory.container(container, NEVER)).to.not.equal(null);
    await domainController.kill();
    const away = directory.container(container, NEVER);
    expect(await failureOf(away)).to.include({ code: 'DirectoryUnreachable', retryable: true });
    await domainController.restart();
    expect((await directory.container(container, NEVER))?.distinguishedName).to.equal(container);
  });
});
