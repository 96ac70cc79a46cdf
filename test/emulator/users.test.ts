import { expect } from 'chai';
import { assertSchema, connect, readPages, valueOf, type EmulatorClient } from './emulatorClient.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { newUser } from './newEntities.ts';
import { syntheticDevices } from './syntheticDevices.ts';

const COLLECTION = 'microsoft.graph.userCollectionResponse';

describe('the users of the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  beforeEach(async () => {
    emulator = await startGraphEmulator({ synthetic: syntheticDevices(500, 1) });
    client = await connect(emulator);
  });

  afterEach(async () => await emulator.stop());

  it('give their on-premises properties on $select only', async () => {
    const { id } = emulator.users.add(newUser({ onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-4' }));
    const selected = await client.get(`/users/${id}?$select=id,onPremisesSecurityIdentifier`);
    assertSchema(selected, 'microsoft.graph.user');
    expect(selected.body).to.include({ id, onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-4' });
    expect((await client.get(`/users/${id}`)).body).to.not.have.property('onPremisesSecurityIdentifier');
  });

  it('come in pages', async () => {
    const pages = await readPages(client, '/users?$select=id,onPremisesSecurityIdentifier&$top=128');
    for (const page of pages) assertSchema(page, COLLECTION);
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([128, 128, 44]);
    const cloudOnly = pages.flatMap(valueOf).filter((user) => user['onPremisesSecurityIdentifier'] === null);
    expect(cloudOnly).to.have.length(38);
  });

  it('are found by fifteen ids at once and refuse sixteen', async () => {
    const ids = valueOf(await client.get('/users?$select=id&$top=16')).map((user) => `'${String(user['id'])}'`);
    const path = (count: number): string =>
      `/users?$select=id&$filter=${encodeURIComponent(`id in (${ids.slice(0, count).join(',')})`)}`;
    expect(valueOf(await client.get(path(15)))).to.have.length(15);
    expect((await client.get(path(16))).status).to.equal(400);
  });

  it('answer 404 for an unknown one and take a user principal name for an id', async () => {
    expect((await client.get('/users/00000000-0000-0000-0000-000000000000')).status).to.equal(404);
    expect((await client.get('/users/nobody@contoso.com')).status).to.equal(404);
    expect((await client.get('/users/user3@contoso.com')).body).to.include({ displayName: 'User 3' });
  });
});
