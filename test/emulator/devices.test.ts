import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import {
  assertSchema,
  connect,
  errorCode,
  nextLinkOf,
  ODATA_ERROR,
  readPages,
  valueOf,
  type EmulatorClient,
} from './emulatorClient.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { keyEntry, newDevice, newGroup, newUser } from './newEntities.ts';
import { syntheticDevices } from './syntheticDevices.ts';

const COLLECTION = 'microsoft.graph.deviceCollectionResponse';
const OWNERS = 'microsoft.graph.directoryObjectCollectionResponse';

describe('the devices of the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  beforeEach(async () => {
    emulator = await startGraphEmulator({ synthetic: syntheticDevices(250, 1) });
    client = await connect(emulator);
  });

  afterEach(async () => await emulator.stop());

  it('come a hundred a page and at most 999, each once, to the last page', async () => {
    const pages = await readPages(client, '/devices?$select=id');
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([100, 100, 50]);
    for (const page of pages) assertSchema(page, COLLECTION);
    expect(new Set(pages.flatMap((page) => valueOf(page).map((one) => one['id']))).size).to.equal(250);
    expect(valueOf(await client.get('/devices?$top=999'))).to.have.length(250);
    for (const top of ['1000', '0', 'x']) expect((await client.get(`/devices?$top=${top}`)).status).to.equal(400);
  });

  it('are linked page by page with the query kept and an opaque token that fits no other query', async () => {
    const first = await client.get('/devices?$top=2&$select=displayName');
    const link = nextLinkOf(first) ?? '';
    expect(link).to.match(/\/v1\.0\/devices\?\$top=2&\$select=displayName&\$skiptoken=X%27[\w-]+%27$/);
    expect((await client.get(link.replace('$skiptoken', '$skipToken'))).status).to.equal(200);
    const altered = await client.get(link.replace('displayName', 'deviceId'));
    expect(altered.status).to.equal(400);
    expect(errorCode(altered)).to.equal('Request_BadRequest');
    assertSchema(altered, ODATA_ERROR);
  });

  it('keep their place when one vanishes between two pages', async () => {
    const all = valueOf(await client.get('/devices?$select=id&$top=6')).map((one) => String(one['id']));
    const first = await client.get('/devices?$select=id&$top=3');
    emulator.devices.remove(all[0] ?? '');
    emulator.devices.remove(all[4] ?? '');
    const second = valueOf(await client.get(nextLinkOf(first) ?? '')).map((one) => one['id']);
    expect(second.slice(0, 2)).to.deep.equal([all[3], all[5]]);
  });

  it('carry the selected properties alone, and the id', async () => {
    const [device] = valueOf(await client.get('/devices?$select=deviceId,physicalIds&$top=1'));
    expect(device).to.have.all.keys('id', 'deviceId', 'physicalIds');
    const [complete] = valueOf(await client.get('/devices?$top=1'));
    expect(complete).to.include.keys('displayName', 'trustType', 'systemLabels');
    expect(complete).to.not.have.any.keys('onPremisesSecurityIdentifier', 'isManagementRestricted', 'registeredOwners');
    const [sid] = valueOf(await client.get('/devices?$select=onPremisesSecurityIdentifier&$top=1'));
    expect(sid).to.have.all.keys('id', 'onPremisesSecurityIdentifier');
    expect(valueOf(await client.get('/devices?$select=id,registeredOwners&$top=1'))[0]).to.have.all.keys('id');
  });

  it('carry wrong types as they are and lose a property that is set to undefined', async () => {
    const { id } = emulator.devices.add(newDevice({ accountEnabled: 'yes', physicalIds: 7, displayName: undefined }));
    const { body } = await client.get(`/devices/${id}?$select=accountEnabled,physicalIds,displayName`);
    expect(body).to.include({ accountEnabled: 'yes', physicalIds: 7 }).and.to.not.have.property('displayName');
  });

  it('refuse an unknown property, option, navigation and segment', async () => {
    for (const query of [
      '$select=nonsense',
      '$orderby=id',
      'nonsense=1',
      '$expand=nonsense',
      '$expand=registeredOwners($select=nonsense)',
      '$select=id&$select=id',
    ]) {
      const received = await client.get(`/devices?${query}`);
      expect(received.status, query).to.equal(400);
      assertSchema(received, ODATA_ERROR);
    }
    expect((await client.get('/nonsense')).status).to.equal(400);
  });

  it('expand their owners, with a nested selection unless it is refused', async () => {
    const owner = emulator.users.add(newUser({ displayName: 'Ann' }));
    const { id } = emulator.devices.add(newDevice({ registeredOwners: [owner.id] }));
    const filter = `$filter=${encodeURIComponent(`id eq '${id}'`)}`;
    const nested = await client.get(`/devices?$select=id&$expand=registeredOwners($select=id)&${filter}`);
    expect(valueOf(nested)).to.deep.equal([
      { id, registeredOwners: [{ '@odata.type': '#microsoft.graph.user', id: owner.id }] },
    ]);
    assertSchema(nested, COLLECTION);

    emulator.switches.refuseNestedSelect = true;
    expect((await client.get(`/devices?$expand=registeredOwners($select=id)&${filter}`)).status).to.equal(400);
    const plain = await client.get(`/devices?$select=id&$expand=registeredOwners&${filter}`);
    const owners = (valueOf(plain)[0] ?? {})['registeredOwners'] as Record<string, unknown>[];
    const [expanded] = owners;
    expect(owners).to.have.length(1);
    expect(expanded).to.include({ id: owner.id, displayName: 'Ann' });
    expect(expanded).to.not.have.property('onPremisesSecurityIdentifier');
  });

  it('cut expanded owners at twenty and list all of them by themselves', async () => {
    const owners = Array.from({ length: 25 }, () => emulator.users.add(newUser()).id);
    const { id } = emulator.devices.add(newDevice({ registeredOwners: owners }));
    const { body } = await client.get(`/devices/${id}?$expand=registeredOwners($select=id)`);
    expect(body['registeredOwners']).to.have.length(20);
    const list = await client.get(`/devices/${id}/registeredOwners?$select=id,onPremisesSecurityIdentifier`);
    expect(valueOf(list)).to.have.length(25);
    expect(valueOf(list)[0]?.['onPremisesSecurityIdentifier']).to.match(/^S-1-5-21-/);
    assertSchema(list, OWNERS);
  });

  it('are owned by users, groups, service principals, guests and users that nobody knows', async () => {
    const guest = emulator.users.add(newUser({ userType: 'Guest', onPremisesSecurityIdentifier: null }));
    const group = emulator.groups.add(newGroup());
    const principal = emulator.servicePrincipals.add({ id: randomUUID(), displayName: 'S' });
    const unknown = randomUUID();
    const registeredOwners = [guest.id, group.id, principal.id, unknown];
    const { id } = emulator.devices.add(newDevice({ registeredOwners }));
    const { body } = await client.get(`/devices/${id}?$expand=registeredOwners($select=id)`);
    expect(body['registeredOwners']).to.deep.equal([
      { '@odata.type': '#microsoft.graph.user', id: guest.id },
      { '@odata.type': '#microsoft.graph.group', id: group.id },
      { '@odata.type': '#microsoft.graph.servicePrincipal', id: principal.id },
      { '@odata.type': '#microsoft.graph.user', id: unknown },
    ]);
    const select = '$select=id,onPremisesSecurityIdentifier';
    expect((await client.get(`/users/${guest.id}?${select}`)).body).to.include({ onPremisesSecurityIdentifier: null });
    expect((await client.get(`/users/${unknown}?${select}`)).status).to.equal(404);
    expect((await client.get(`/users/${group.id}?${select}`)).status).to.equal(404);
  });

  it('carry members that are not declared by default, and keys and names of every kind', async () => {
    const odd = emulator.devices.add(
      newDevice({
        displayName: null,
        kind: 'Desktop',
        extensionAttributes: { extensionAttribute1: 'x' },
        alternativeSecurityIds: [
          keyEntry('X509:<UID>abc'),
          { type: 2, identityProvider: null, key: 'Y3YxN2E1MWFlYw==' },
        ],
      }),
    );
    const received = await client.get(`/devices/${odd.id}`);
    assertSchema(received, 'microsoft.graph.device');
    expect(received.body).to.deep.include({
      displayName: null,
      kind: 'Desktop',
      extensionAttributes: { extensionAttribute1: 'x' },
      alternativeSecurityIds: odd['alternativeSecurityIds'],
    });
    const selected = await client.get(`/devices/${odd.id}?$select=displayName`);
    expect(selected.body).to.not.have.any.keys('kind', 'extensionAttributes');
  });

  it('count on the first page only, because headers are not carried to later ones', async () => {
    const first = await client.get('/devices?$count=true&$top=100&$select=id', { ConsistencyLevel: 'eventual' });
    expect(first.body).to.include({ '@odata.count': 250 });
    const second = await client.get(nextLinkOf(first) ?? '');
    expect(second.status).to.equal(200);
    expect(second.body).to.not.have.property('@odata.count');
  });

  it('are found by object id, by device id and by filter', async () => {
    const device = emulator.devices.add(newDevice({ displayName: "O'Brien & 日本語" }));
    const byId = await client.get(`/devices/${device.id.toUpperCase()}`);
    expect(byId.body).to.include({ id: device.id });
    assertSchema(byId, 'microsoft.graph.device');
    const deviceId = String(device['deviceId']);
    expect((await client.get(`/devices(deviceId='${deviceId}')`)).body).to.include({ id: device.id });
    for (const filter of [
      `displayName eq 'o''brien & 日本語'`,
      `deviceId eq '${deviceId}'`,
      `id in ('${device.id}')`,
    ]) {
      const found = valueOf(await client.get(`/devices?$filter=${encodeURIComponent(filter)}`));
      expect(
        found.map((one) => one['id']),
        filter,
      ).to.deep.equal([device.id]);
    }
    const unsupported = encodeURIComponent("contains(displayName,'x')");
    expect((await client.get(`/devices?$filter=${unsupported}`)).status).to.equal(400);
  });

  it('answer 404 after a removal, and come back when restored', async () => {
    const { id } = emulator.devices.add(newDevice());
    emulator.devices.remove(id);
    const gone = await client.get(`/devices/${id}`);
    expect(gone.status).to.equal(404);
    expect(errorCode(gone)).to.equal('Request_ResourceNotFound');
    expect((await client.get(`/devices/${id}/registeredOwners`)).status).to.equal(404);
    emulator.devices.restore(id);
    expect((await client.get(`/devices/${id}`)).status).to.equal(200);
    emulator.devices.purge(id);
    expect((await client.get(`/devices/${id}`)).status).to.equal(404);
    expect((await client.get(`/devices/${randomUUID()}`)).status).to.equal(404);
  });

  it('are counted with the ConsistencyLevel header only, and then not expanded', async () => {
    const eventual = { ConsistencyLevel: 'eventual' };
    expect((await client.get('/devices?$count=true', eventual)).body['@odata.count']).to.equal(250);
    expect((await client.get('/devices?$count=true')).body).to.not.have.property('@odata.count');
    expect((await client.get('/devices?$count=true&$expand=registeredOwners', eventual)).status).to.equal(400);
    expect((await client.get('/devices/$count')).status).to.equal(400);
    expect((await client.get('/devices/$count', eventual)).body).to.equal(250);
  });

  it('say what a request cost and what time it is', async () => {
    emulator.switches.clockSkew = 7_200_000;
    const { headers } = await client.get('/devices?$top=999&$expand=registeredOwners');
    expect(headers.get('x-ms-resource-unit')).to.equal('2');
    expect(headers.get('request-id')).to.match(/^[0-9a-f-]{36}$/);
    expect(Date.parse(headers.get('date') ?? '') - Date.now()).to.be.closeTo(7_200_000, 5_000);
  });
});
