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
import { newDevice, newGroup, newUser } from './newEntities.ts';
import { syntheticDevices } from './syntheticDevices.ts';

const MEMBERS = 'microsoft.graph.directoryObjectCollectionResponse';
const DEVICES = 'microsoft.graph.deviceCollectionResponse';
const ROLES = ['Device.Read.All', 'GroupMember.Read.All'];

describe('the groups of the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  beforeEach(async () => {
    emulator = await startGraphEmulator({ synthetic: syntheticDevices(30, 1) });
    client = await connect(emulator, ROLES);
  });

  afterEach(async () => await emulator.stop());

  const ids = async (path: string): Promise<readonly unknown[]> =>
    (await readPages(client, path)).flatMap(valueOf).map((one) => one['id']);

  it('are found by id, without their members', async () => {
    const { id } = emulator.groups.add(newGroup({ displayName: 'Kiosks', members: [randomUUID()] }));
    const { body } = await client.get(`/groups/${id}`);
    expect(body).to.include({ id, displayName: 'Kiosks', securityEnabled: true }).and.to.not.have.property('members');
    expect((await client.get(`/groups/${id}?$select=id`)).body).to.have.all.keys('@odata.context', 'id');
  });

  it('give the devices of all groups nested in them, each once, whatever circles they make', async () => {
    const add = (): string => emulator.devices.add(newDevice()).id;
    const [one, two, three] = [add(), add(), add()] as const;
    const user = emulator.users.add(newUser());
    const inner = emulator.groups.add(newGroup());
    const middle = emulator.groups.add(newGroup({ members: [inner.id, two, one] }));
    const outer = emulator.groups.add(newGroup({ members: [one, middle.id, user.id] }));
    emulator.groups.update(inner.id, { members: [three, outer.id] });
    const path = `/groups/${outer.id.toUpperCase()}/transitiveMembers/microsoft.graph.device?$select=id&$top=999`;
    const received = await client.get(path);
    assertSchema(received, DEVICES);
    expect(valueOf(received)).to.have.deep.members([{ id: one }, { id: two }, { id: three }]);
    expect(await ids(`/groups/${outer.id}/members/microsoft.graph.device?$select=id`)).to.deep.equal([one]);
    emulator.devices.remove(two);
    expect(await ids(path)).to.have.members([one, three]);
  });

  it('give members of mixed types by type and id, and more of the types that may be read', async () => {
    const device = emulator.devices.add(newDevice({ displayName: 'D' }));
    const user = emulator.users.add(newUser({ displayName: 'U' }));
    const inner = emulator.groups.add(newGroup({ displayName: 'G' }));
    const principal = emulator.servicePrincipals.add({ id: randomUUID(), displayName: 'S', appId: randomUUID() });
    const { id } = emulator.groups.add(newGroup({ members: [device.id, user.id, inner.id, principal.id] }));
    const received = await client.get(`/groups/${id}/transitiveMembers?$select=id,displayName,deviceId`);
    assertSchema(received, MEMBERS);
    expect(valueOf(received)).to.deep.equal([
      { '@odata.type': '#microsoft.graph.device', id: device.id, displayName: 'D', deviceId: device['deviceId'] },
      { '@odata.type': '#microsoft.graph.user', id: user.id, displayName: null },
      { '@odata.type': '#microsoft.graph.group', id: inner.id, displayName: 'G' },
      { '@odata.type': '#microsoft.graph.servicePrincipal', id: principal.id, displayName: null },
    ]);
  });

  it('come in pages, also under a page limit', async () => {
    const members = [...emulator.devices].map((device) => device.id);
    const { id } = emulator.groups.add(newGroup({ members }));
    const path = `/groups/${id}/transitiveMembers/microsoft.graph.device?$select=id&$top=12`;
    const pages = await readPages(client, path);
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([12, 12, 6]);
    expect(nextLinkOf(pages[0] ?? (await client.get(path)))).to.contain(`${path}&$skiptoken=X%27`);
    expect(await ids(path)).to.deep.equal(members);
    emulator.switches.pageLimit = 7;
    expect((await readPages(client, path)).map((page) => valueOf(page).length)).to.deep.equal([7, 7, 7, 7, 2]);
  });

  it('answer 403 without a permission on groups, and hide the devices without one on devices', async () => {
    const device = emulator.devices.add(newDevice());
    const { id } = emulator.groups.add(newGroup({ members: [device.id] }));
    const paths = [
      `/groups/${id}`,
      `/groups/${id}/transitiveMembers`,
      `/groups/${id}/transitiveMembers/microsoft.graph.device`,
    ];
    const blind = await connect(emulator, ['Device.Read.All', 'User.Read.All', 'Organization.Read.All']);
    for (const path of paths) {
      const received = await blind.get(path);
      expect(received.status).to.equal(403);
      expect(errorCode(received)).to.equal('Authorization_RequestDenied');
      assertSchema(received, ODATA_ERROR);
    }
    const narrow = await connect(emulator, ['GroupMember.Read.All']);
    const cast = `${paths[2] ?? ''}?$select=id,displayName`;
    expect(valueOf(await narrow.get(cast))).to.deep.equal([{ id: device.id, displayName: null }]);
    expect(valueOf(await client.get(cast))).to.deep.equal([{ id: device.id, displayName: device['displayName'] }]);
  });

  it('answer 404 for an unknown or removed group and 400 for an unknown cast', async () => {
    const { id } = emulator.groups.add(newGroup());
    expect((await client.get(`/groups/${id}/transitiveMembers/microsoft.graph.nonsense`)).status).to.equal(400);
    emulator.groups.remove(id);
    for (const unknown of [id, randomUUID()]) {
      for (const path of [`/groups/${unknown}`, `/groups/${unknown}/transitiveMembers/microsoft.graph.device`]) {
        const received = await client.get(path);
        expect(received.status).to.equal(404);
        expect(errorCode(received)).to.equal('Request_ResourceNotFound');
      }
    }
  });

  it('can refuse a cast that is no advanced query; later pages need no header', async () => {
    emulator.switches.castIsAdvanced = true;
    const { id } = emulator.groups.add(newGroup({ members: [...emulator.devices].map((device) => device.id) }));
    const path = `/groups/${id}/transitiveMembers/microsoft.graph.device?$select=id&$top=20`;
    const refused = await client.get(path);
    expect(refused.status).to.equal(400);
    expect(errorCode(refused)).to.equal('Request_UnsupportedQuery');
    const first = await client.get(`${path}&$count=true`, { ConsistencyLevel: 'eventual' });
    expect(first.body).to.include({ '@odata.count': 30 });
    const second = await client.get(nextLinkOf(first) ?? '');
    expect(second.status).to.equal(200);
    expect(second.body).to.not.have.property('@odata.count');
    expect(valueOf(second)).to.have.length(10);
  });
});
