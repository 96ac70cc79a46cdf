import { PublicClientApplication } from '@azure/msal-node';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { randomUUID } from 'node:crypto';
import { CLIENT_ID, requestToken, type Received } from './emulatorClient.ts';
import { serverError, throttled } from './faultPresets.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';

const SCOPE = 'https://graph.microsoft.com/Device.Read.All openid profile offline_access';
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const ANN = { id: randomUUID(), userPrincipalName: 'ann@contoso.com' };

describe('the device code sign-in of the Graph emulator', () => {
  let emulator: GraphEmulator;

  beforeEach(async () => {
    emulator = await startGraphEmulator();
    emulator.apps.register({ clientId: CLIENT_ID });
  });

  afterEach(async () => await emulator.stop());

  const begin = async (fields: Record<string, string> = {}): Promise<Received> =>
    await post('devicecode', { client_id: CLIENT_ID, scope: SCOPE, ...fields });
  const post = async (endpoint: string, fields: Record<string, string>): Promise<Received> => {
    const url = `${emulator.loginUrl}/${emulator.tenantId}/oauth2/v2.0/${endpoint}`;
    const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, body };
  };
  const poll = async (deviceCode: unknown): Promise<Received> =>
    await requestToken(emulator, { grant_type: GRANT, device_code: String(deviceCode), scope: SCOPE });
  const devices = async (token: unknown): Promise<number> => {
    const headers = { authorization: `Bearer ${String(token)}` };
    return (await fetch(`${emulator.graphUrl}/v1.0/devices`, { headers })).status;
  };

  it('gives a code to show, and a token for the user once the user has approved', async () => {
    const { status, body } = await begin();
    expect(status).to.equal(200);
    expect(body).to.include({ expires_in: 900, interval: 5, verification_uri: 'https://microsoft.com/devicelogin' });
    expect(body['message']).to.contain(body['user_code']);
    expect(emulator.signIns.waiting()).to.deep.equal([body['user_code']]);
    expectRefusal(await poll(body['device_code']), 400, 'authorization_pending', 70016);

    emulator.signIns.approve(String(body['user_code']), ANN);
    const granted = await poll(body['device_code']);
    expect(granted.status).to.equal(200);
    const claims = decodeJwt(String(granted.body['access_token']));
    expect(claims).to.include({ oid: ANN.id, upn: ANN.userPrincipalName, appidacr: '0', idtyp: 'user' });
    expect(claims).to.include({ scp: 'Device.Read.All User.Read.All Organization.Read.All' });
    expect(claims).to.not.have.property('roles');
    expect(await devices(granted.body['access_token'])).to.equal(200);
    expectRefusal(await poll(body['device_code']), 400, 'bad_verification_code', 70018);
  });

  it('says that the user declined, that the code expired, and that the client polls too fast', async () => {
    const declined = (await begin()).body;
    emulator.signIns.decline(String(declined['user_code']));
    expectRefusal(await poll(declined['device_code']), 400, 'authorization_declined', 65004);

    emulator.switches.deviceCodeLifetime = -1;
    expectRefusal(await poll((await begin()).body['device_code']), 400, 'expired_token', 70019);

    emulator.switches.deviceCodeLifetime = 900;
    emulator.switches.refuseFastPolls = true;
    const fast = (await begin()).body;
    expectRefusal(await poll(fast['device_code']), 400, 'authorization_pending', 70016);
    expectRefusal(await poll(fast['device_code']), 400, 'slow_down', 70016);
  });

  it('refuses an unknown application or code, a missing scope, a scope without consent and a confidential client', async () => {
    expectRefusal(await begin({ client_id: randomUUID() }), 400, 'unauthorized_client', 700016);
    expectRefusal(await post('devicecode', { client_id: CLIENT_ID }), 400, 'invalid_request', 900144);
    expectRefusal(await poll('nonsense'), 400, 'bad_verification_code', 70018);
    const { body } = await begin({ scope: 'https://graph.microsoft.com/GroupMember.Read.All' });
    emulator.signIns.approve(String(body['user_code']), ANN);
    expectRefusal(await poll(body['device_code']), 400, 'invalid_grant', 65001);
    emulator.apps.register({ clientId: CLIENT_ID, publicClient: false });
    expectRefusal(await poll((await begin()).body['device_code']), 401, 'invalid_client', 7000218);
  });

  it('fails as it is told, where the code is asked for and where it is polled', async () => {
    emulator.faults.add({ when: (request) => request.path.endsWith('/devicecode'), action: throttled('2') });
    expect((await begin()).status).to.equal(429);
    const { body } = await begin();
    emulator.faults.add({ when: (request) => request.path.endsWith('/token'), action: serverError(503) });
    expect((await poll(body['device_code'])).status).to.equal(503);
    expectRefusal(await poll(body['device_code']), 400, 'authorization_pending', 70016);
  });

  it('opens devices only to a user with an Entra role that may read them', async () => {
    for (const [directoryRoles, status] of [
      [['f2ef992c-3afb-46b9-b7cf-a126ee74c451'], 200],
      [['b79fbf4d-3ef9-4689-8143-76b194e85509'], 403],
      [[], 403],
    ] as const) {
      const { body } = await begin();
      emulator.signIns.approve(String(body['user_code']), { ...ANN, directoryRoles });
      expect(await devices((await poll(body['device_code'])).body['access_token'])).to.equal(status);
    }
  });

  it('opens what the consent covers and nothing else', async () => {
    emulator.apps.register({ clientId: CLIENT_ID, roles: ['Device.Read.All'], scopes: ['User.Read.All'] });
    const { body } = await begin({ scope: 'https://graph.microsoft.com/.default' });
    emulator.signIns.approve(String(body['user_code']), ANN);
    const granted = (await poll(body['device_code'])).body;
    expect(granted).to.not.have.any.keys('refresh_token', 'id_token');
    expect(await devices(granted['access_token'])).to.equal(403);
  });

  it('renews a token until the refresh tokens are revoked', async () => {
    const { body } = await begin();
    emulator.signIns.approve(String(body['user_code']), ANN);
    const first = (await poll(body['device_code'])).body;
    const fields = { grant_type: 'refresh_token', refresh_token: String(first['refresh_token']), scope: SCOPE };
    const second = await requestToken(emulator, fields);
    expect(await devices(second.body['access_token'])).to.equal(200);
    emulator.signIns.revokeRefreshTokens();
    expectRefusal(await requestToken(emulator, fields), 400, 'invalid_grant', 50173);
  });

  it('is what MSAL expects, to the silent renewal', async () => {
    emulator.switches.deviceCodeInterval = 1;
    emulator.switches.tokenLifetime = 10;
    const { loginUrl, tenantId } = emulator;
    const authorityMetadata = JSON.stringify({
      token_endpoint: `${loginUrl}/${tenantId}/oauth2/v2.0/token`,
      authorization_endpoint: `${loginUrl}/${tenantId}/oauth2/v2.0/authorize`,
      issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
      jwks_uri: `${loginUrl}/${tenantId}/discovery/v2.0/keys`,
    });
    const authority = `https://login.microsoftonline.com/${tenantId}`;
    const application = new PublicClientApplication({ auth: { clientId: CLIENT_ID, authority, authorityMetadata } });
    const scopes = ['https://graph.microsoft.com/Device.Read.All'];
    const result = await application.acquireTokenByDeviceCode({
      scopes,
      deviceCodeCallback: ({ userCode }) => emulator.signIns.approve(userCode, ANN),
    });
    expect(decodeJwt(result?.accessToken ?? '')).to.include({ oid: ANN.id });
    const account = result?.account;
    if (account === null || account === undefined) throw new Error('MSAL knows no account.');
    expect(account.username).to.equal(ANN.userPrincipalName);
    const renewed = await application.acquireTokenSilent({ scopes, account });
    expect(renewed.accessToken).to.not.equal(result?.accessToken);
  });
});

function expectRefusal(received: Received, status: number, error: string, number: number): void {
  expect(received.status).to.equal(status);
  expect(received.body).to.include({ error });
  expect(received.body['error_codes']).to.deep.equal([number]);
}
