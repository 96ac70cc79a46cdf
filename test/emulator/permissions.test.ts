import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { assertSchema, CLIENT_ID, connect, errorCode, ODATA_ERROR, valueOf } from './emulatorClient.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { newDevice, newGroup, newUser } from './newEntities.ts';

const GROUP_ID = randomUUID();
const PATHS = [
  '/devices',
  '/devices/delta?$deltatoken=latest',
  '/users',
  `/groups/${GROUP_ID}/transitiveMembers/microsoft.graph.device`,
  '/organization',
  '/subscribedSkus',
] as const;
const [DEVICES, DELTA, USERS, MEMBERS, ORGANIZATION, SKUS] = PATHS;
const OPENED: Readonly<Record<string, readonly string[]>> = {
  'Device.Read.All': [DEVICES, DELTA],
  'User.Read.All': [USERS, ORGANIZATION],
  'User.ReadBasic.All': [USERS],
  'GroupMember.Read.All': [MEMBERS],
  'Group.Read.All': [MEMBERS],
  'Organization.Read.All': [ORGANIZATION, SKUS],
  'LicenseAssignment.Read.All': [SKUS],
  'Application.Read.All': [],
  'Directory.Read.All': PATHS,
};
const LEAST = ['Device.Read.All', 'User.Read.All', 'Organization.Read.All', 'GroupMember.Read.All'] as const;

describe('the permissions of the Graph emulator', () => {
  let emulator: GraphEmulator;

  beforeEach(async () => {
    emulator = await startGraphEmulator();
    emulator.groups.add(newGroup({ id: GROUP_ID }));
  });

  afterEach(async () => await emulator.stop());

  it('are those of the token: each role opens its paths and no other', async () => {
    for (const [role, opened] of Object.entries(OPENED)) {
      const client = await connect(emulator, [role]);
      for (const path of PATHS) {
        const received = await client.get(path);
        expect(received.status, `${role} ${path}`).to.equal(opened.includes(path) ? 200 : 403);
        if (received.status === 200) continue;
        expect(errorCode(received)).to.equal('Authorization_RequestDenied');
        assertSchema(received, ODATA_ERROR);
      }
    }
  });

  it('open all that writeback reads by the least set together, and miss a path without any one of them', async () => {
    const opened = async (roles: readonly string[]): Promise<readonly string[]> => {
      const client = await connect(emulator, roles);
      const statuses = await Promise.all(PATHS.map(async (path) => (await client.get(path)).status));
      return PATHS.filter((_, index) => statuses[index] === 200);
    };
    expect(await opened(LEAST)).to.deep.equal(PATHS);
    for (const [missing, closed] of [
      ['Device.Read.All', [DEVICES, DELTA]],
      ['User.Read.All', [USERS]],
      ['Organization.Read.All', [SKUS]],
      ['GroupMember.Read.All', [MEMBERS]],
    ] as const) {
      const rest = await opened(LEAST.filter((role) => role !== missing));
      expect(PATHS.filter((path) => !rest.includes(path))).to.deep.equal(closed);
    }
  });

  it('hold inside a batch too', async () => {
    const client = await connect(emulator, ['GroupMember.Read.All']);
    const received = await client.batch(PATHS.map((url, index) => ({ id: String(index), method: 'GET', url })));
    const responses = received.body['responses'] as { id: string; status: number }[];
    for (const { id, status } of responses) expect(status).to.equal(PATHS[Number(id)] === MEMBERS ? 200 : 403);
  });

  it('show in a new token only', async () => {
    const before = await connect(emulator, []);
    emulator.apps.grant(CLIENT_ID, ['Device.Read.All']);
    expect((await before.get('/devices')).status).to.equal(403);
    expect((await (await connect(emulator, ['Device.Read.All'])).get('/devices')).status).to.equal(200);
  });

  it('leave owners their type and id alone without a permission on users', async () => {
    const owner = emulator.users.add(newUser());
    const { id } = emulator.devices.add(newDevice({ registeredOwners: [owner.id] }));
    const path = `/devices/${id}/registeredOwners`;
    const blind = await connect(emulator, ['Device.Read.All']);
    const [hidden] = valueOf(await blind.get(path));
    expect(hidden).to.include({ '@odata.type': '#microsoft.graph.user', id: owner.id, userPrincipalName: null });
    expect(valueOf(await blind.get(`${path}?$select=id,onPremisesSecurityIdentifier`))[0]).to.have.all.keys(
      '@odata.type',
      'id',
    );

    const seeing = await connect(emulator, ['Device.Read.All', 'User.Read.All']);
    expect(valueOf(await seeing.get(path))[0]).to.include({ userPrincipalName: owner['userPrincipalName'] });
  });

  it('open the default properties of users alone with User.ReadBasic.All', async () => {
    const { id } = emulator.users.add(newUser());
    const client = await connect(emulator, ['User.ReadBasic.All']);
    const { body } = await client.get(`/users/${id}?$select=displayName,onPremisesSecurityIdentifier`);
    expect(body).to.include.keys('displayName').and.to.not.have.property('onPremisesSecurityIdentifier');
  });

  it('need a token that this Graph issued', async () => {
    const bare = await fetch(`${emulator.graphUrl}/v1.0/devices`);
    expect(bare.status).to.equal(401);
    expect(await bare.text()).to.contain('InvalidAuthenticationToken');
    const forged = await fetch(`${emulator.graphUrl}/v1.0/devices`, { headers: { authorization: 'Bearer a.b.c' } });
    expect(forged.status).to.equal(401);
  });
});
