import { expect } from 'chai';
import { assertSchema, connect, valueOf, type EmulatorClient } from './emulatorClient.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { AAD_PREMIUM, AAD_PREMIUM_P2, newSku } from './organization.ts';

describe('organization and subscribedSkus of the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  before(async () => {
    emulator = await startGraphEmulator();
    client = await connect(emulator);
  });

  after(async () => await emulator.stop());

  it('name the tenant and its verified domains', async () => {
    const received = await client.get('/organization');
    assertSchema(received, 'microsoft.graph.organizationCollectionResponse');
    expect(valueOf(received)).to.have.length(1);
    expect(valueOf(received)[0]).to.include({ id: emulator.tenantId, displayName: 'Contoso' });
    emulator.organization = { ...emulator.organization, displayName: 'Fabrikam' };
    expect(valueOf(await client.get('/organization?$select=displayName'))[0]).to.deep.equal({
      id: emulator.tenantId,
      displayName: 'Fabrikam',
    });
  });

  it('list the service plans that the tenant has now', async () => {
    const received = await client.get('/subscribedSkus');
    assertSchema(received, 'microsoft.graph.subscribedSkuCollectionResponse');
    expect(JSON.stringify(received.body)).to.contain(AAD_PREMIUM);
    emulator.subscribedSkus = [newSku(emulator.tenantId, [[AAD_PREMIUM_P2, 'AAD_PREMIUM_P2']])];
    const changed = JSON.stringify((await client.get('/subscribedSkus?$select=capabilityStatus,servicePlans')).body);
    expect(changed).to.contain(AAD_PREMIUM_P2).and.to.not.contain(AAD_PREMIUM);
    expect((await client.get('/subscribedSkus?$top=1')).status).to.equal(400);
  });
});
