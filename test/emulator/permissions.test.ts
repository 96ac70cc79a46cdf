import { expect } from 'chai';
import { assertSchema, CLIENT_ID, connect, errorCode, ODATA_ERROR, valueOf } from './emulatorClient.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { newDevice, newUser } from './newEntities.ts';

const PATHS = ['/devices', '/users', '/organization', '/subscribedSkus'] as const;
const OPENED: Readonly<Record<string, readonly string[]>> = {
  'Device.Read.All': ['/devices'],
  'User.Read.All': ['/users', '/organization'],
  'User.ReadBasic.All': ['/users'],
  'Organization.Read.All': ['/organization', '/subscribedSkus'],
  'LicenseAssignment.Read.All': ['/subscribedSkus'],
};

describe('the permissions of the Graph emulator', () => {
  let emulator: GraphEmulator;

  beforeEach(async () => {
    emulator = await startGraphEmulator();
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
