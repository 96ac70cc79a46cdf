import { expect } from 'chai';
import { readAnchor } from '../../src/device/anchor.ts';
import { createDirectory } from '../../src/directory/deviceDirectory.ts';
import type { Directory } from '../../src/ports.ts';
import { ACCOUNT, startProgram, type DirectoryServer, type Started } from '../benchmark/streamedServers.ts';
import { writableTenant } from '../benchmark/writableTenant.ts';
import { all, keptLog, NEVER } from '../directory/sample.ts';
import { DEVICE_CONTAINER_DN } from '../lab/registrationService.ts';

const DEVICES = 250;
const STALE_EVERY = 100;

describe('a directory that streams', () => {
  let server: Started<DirectoryServer>;
  let directory: Directory;

  before(async () => {
    server = await startProgram('directoryServer.ts', { devices: DEVICES, staleEvery: STALE_EVERY });
    directory = createDirectory(
      {
        server: server.said.server,
        bind: { kind: 'simple', credential: ACCOUNT },
        startTls: false,
        trustedCertificate: server.said.caFile,
        hostServices: null,
        pageSize: 60,
      },
      keptLog().log,
    );
  });

  after(async () => {
    await directory.close();
    await server.stop();
  });

  it('leads to the container as a domain controller does', async () => {
    const services = await directory.registrationServices(NEVER);
    expect(services.map(({ deviceLocation }) => deviceLocation)).to.deep.equal([DEVICE_CONTAINER_DN]);
    expect((await directory.container(DEVICE_CONTAINER_DN, NEVER))?.objectClasses).to.include('msDS-DeviceContainer');
    expect(await directory.serviceConnectionPoint(NEVER)).to.have.lengthOf(2);
    expect(await directory.container(`CN=other,${DEVICE_CONTAINER_DN}`, NEVER)).to.equal(null);
  });

  it('gives one object for each device of the tenant, over all pages, each so many with a former name', async () => {
    const objects = await all(directory.devices(DEVICE_CONTAINER_DN, NEVER));
    const { devices } = writableTenant(DEVICES);
    const ids = Array.from({ length: DEVICES }, (_, index) => devices.at(index).id);
    expect(objects.map(({ attributes }) => readAnchor(attributes['msDS-CloudAnchor']))).to.have.members(ids);
    const stale = objects.filter(({ attributes }) => attributes.displayName?.[0] === 'a former name');
    expect(stale).to.have.lengthOf(Math.ceil(DEVICES / STALE_EVERY));
  });

  it('gives the same objects by objectGUID, and none for another GUID', async () => {
    const objects = await all(directory.devices(DEVICE_CONTAINER_DN, NEVER));
    const some = objects.filter((_, index) => index % 7 === 0);
    const guids = [...some.map(({ objectGuid }) => objectGuid), '00000000-0000-4000-8000-000000000000'];
    const found = await all(directory.devicesByGuid(DEVICE_CONTAINER_DN, guids, NEVER));
    expect(found).to.have.deep.members(some);
  });
});
