import { ConfidentialClientApplication } from '@azure/msal-node';
import { expect } from 'chai';
import { decodeJwt, SignJWT } from 'jose';
import { createHash, createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { CLIENT_ID, connect, errorCode, requestToken, SECRET, type Received } from './emulatorClient.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { selfSignedCertificate, type SelfSignedCertificate } from './selfSignedCertificate.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

describe('the token endpoint of the Graph emulator', () => {
  const registered = selfSignedCertificate('writeback');
  const other = selfSignedCertificate('writeback');
  let emulator: GraphEmulator;

  beforeEach(async () => {
    emulator = await startGraphEmulator();
    emulator.apps.register({ clientId: CLIENT_ID, secrets: [SECRET], certificates: [registered.certificate] });
  });

  afterEach(async () => await emulator.stop());

  it("accepts MSAL's assertion of a registered certificate, by SHA-256 and by SHA-1 thumbprint", async () => {
    for (const name of ['thumbprintSha256', 'thumbprint'] as const) {
      const result = await msal(emulator, registered, name).acquireTokenByClientCredential(request());
      const claims = decodeJwt(result?.accessToken ?? '');
      expect(claims).to.include({ appid: CLIENT_ID, tid: emulator.tenantId, appidacr: '2' });
      expect(claims['roles']).to.deep.equal(['Device.Read.All', 'User.Read.All', 'Organization.Read.All']);
    }
  });

  it('accepts the same assertion again, as MSAL sends it, unless told to refuse it', async () => {
    const application = msal(emulator, registered, 'thumbprintSha256');
    await application.acquireTokenByClientCredential(request());
    await application.acquireTokenByClientCredential({ ...request(), skipCache: true });
    emulator.switches.refuseReplayedAssertion = true;
    const again = application.acquireTokenByClientCredential({ ...request(), skipCache: true });
    expect(await rejection(again)).to.contain('AADSTS50027');
    expect(emulator.requests.count((one) => one.kind === 'token')).to.equal(3);
  });

  it('refuses a certificate that is not registered', async () => {
    const signIn = msal(emulator, other, 'thumbprintSha256').acquireTokenByClientCredential(request());
    expect(await rejection(signIn)).to.contain('AADSTS700027');
  });

  it('refuses the thumbprint of a registered certificate with the signature of another key', async () => {
    const forged = { certificate: registered.certificate, privateKey: other.privateKey };
    const signIn = msal(emulator, forged, 'thumbprintSha256').acquireTokenByClientCredential(request());
    expect(await rejection(signIn)).to.contain('AADSTS700027');
  });

  it('refuses a certificate that has expired', async () => {
    const expired = selfSignedCertificate('writeback', new Date(Date.now() - 60_000));
    emulator.apps.register({ clientId: CLIENT_ID, certificates: [expired.certificate] });
    const signIn = msal(emulator, expired, 'thumbprintSha256').acquireTokenByClientCredential(request());
    expect(await rejection(signIn))
      .to.contain('AADSTS700027')
      .and.to.contain('expired');
  });

  it('refuses an assertion for another audience, of another client, and out of its time', async () => {
    const cases = [
      [{ audience: 'https://login.example/token' }, 700023],
      [{ issuer: randomUUID() }, 700021],
      [{ subject: randomUUID() }, 700021],
      [{ from: -7200, to: -3600 }, 700024],
      [{ from: 3600, to: 7200 }, 700024],
    ] as const;
    for (const [claims, number] of cases) {
      const assertion = await signAssertion(emulator, registered, claims);
      expectRefusal(await requestToken(emulator, assertionFields(assertion)), 401, 'invalid_client', number);
    }
    const good = await signAssertion(emulator, registered, {});
    expect((await requestToken(emulator, assertionFields(good))).status).to.equal(200);
  });

  it('refuses an assertion that is no JWT', async () => {
    expectRefusal(await requestToken(emulator, assertionFields('nonsense')), 401, 'invalid_client', 50027);
  });

  it('issues a token for the right secret and refuses a wrong one', async () => {
    const { status, body } = await requestToken(emulator, { client_secret: SECRET });
    expect(status).to.equal(200);
    expect(body).to.include({ token_type: 'Bearer', expires_in: 3599 });
    expectRefusal(await requestToken(emulator, { client_secret: 'wrong' }), 401, 'invalid_client', 7000215);
    expectRefusal(await requestToken(emulator, {}), 401, 'invalid_client', 7000216);
  });

  it("refuses an unknown application, an unknown tenant, another grant and a scope that is no resource's default", async () => {
    const credential = { client_secret: SECRET };
    const cases = [
      [{ ...credential, client_id: randomUUID() }, 'unauthorized_client', 700016],
      [{ ...credential, grant_type: 'password' }, 'unsupported_grant_type', 70003],
      [{ ...credential, scope: 'https://graph.microsoft.com/Device.Read.All' }, 'invalid_scope', 1002012],
      [{ ...credential, scope: '' }, 'invalid_request', 900144],
    ] as const;
    for (const [fields, error, number] of cases) {
      expectRefusal(await requestToken(emulator, fields), 400, error, number);
    }
    expectRefusal(await requestToken(emulator, credential, randomUUID()), 400, 'invalid_request', 90002);
  });

  it('takes the tenant in any case', async () => {
    const { status } = await requestToken(emulator, { client_secret: SECRET }, emulator.tenantId.toUpperCase());
    expect(status).to.equal(200);
  });

  it('leaves the roles claim out when nothing is granted', async () => {
    emulator.apps.grant(CLIENT_ID, []);
    const { body } = await requestToken(emulator, { client_secret: SECRET });
    expect(decodeJwt(String(body['access_token']))).to.not.have.property('roles');
  });

  it('issues tokens that Graph refuses once they have expired or were revoked', async () => {
    const revoked = await connect(emulator);
    expect((await revoked.get('/devices')).status).to.equal(200);
    emulator.tokens.revoke();
    expectUnauthorized(await revoked.get('/devices'));

    emulator.switches.tokenLifetime = -1;
    expectUnauthorized(await (await connect(emulator)).get('/devices'));
  });

  it('keeps credentials out of the request log', async () => {
    await requestToken(emulator, { client_secret: SECRET });
    expect(JSON.stringify(emulator.requests.all())).to.contain('/oauth2/v2.0/token').and.to.not.contain(SECRET);
  });
});

function request(): { scopes: string[] } {
  return { scopes: ['https://graph.microsoft.com/.default'] };
}

function msal(
  emulator: GraphEmulator,
  { certificate, privateKey }: SelfSignedCertificate,
  thumbprintName: 'thumbprint' | 'thumbprintSha256',
): ConfidentialClientApplication {
  const { tenantId, loginUrl } = emulator;
  const algorithm = thumbprintName === 'thumbprint' ? 'sha1' : 'sha256';
  const thumbprint = createHash(algorithm).update(new X509Certificate(certificate).raw).digest('hex');
  const authorityMetadata = JSON.stringify({
    token_endpoint: `${loginUrl}/${tenantId}/oauth2/v2.0/token`,
    authorization_endpoint: `${loginUrl}/${tenantId}/oauth2/v2.0/authorize`,
    issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
    jwks_uri: `${loginUrl}/${tenantId}/discovery/v2.0/keys`,
  });
  const authority = `https://login.microsoftonline.com/${tenantId}`;
  const clientCertificate = { [thumbprintName]: thumbprint, privateKey };
  return new ConfidentialClientApplication({
    auth: { clientId: CLIENT_ID, authority, authorityMetadata, clientCertificate },
  });
}

interface AssertionClaims {
  readonly audience?: string;
  readonly issuer?: string;
  readonly subject?: string;
  /** Seconds from now. */
  readonly from?: number;
  readonly to?: number;
}

async function signAssertion(
  emulator: GraphEmulator,
  { certificate, privateKey }: SelfSignedCertificate,
  claims: AssertionClaims,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const thumbprint = createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
  return await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint })
    .setAudience(claims.audience ?? `${emulator.loginUrl}/${emulator.tenantId}/oauth2/v2.0/token`)
    .setIssuer(claims.issuer ?? CLIENT_ID)
    .setSubject(claims.subject ?? CLIENT_ID)
    .setNotBefore(now + (claims.from ?? 0))
    .setExpirationTime(now + (claims.to ?? 600))
    .sign(createPrivateKey(privateKey));
}

function assertionFields(assertion: string): Record<string, string> {
  return { client_assertion: assertion, client_assertion_type: ASSERTION_TYPE };
}

function expectRefusal(received: Received, status: number, error: string, number: number): void {
  expect(received.status).to.equal(status);
  expect(received.body).to.include({ error });
  expect(received.body['error_codes']).to.deep.equal([number]);
  expect(received.body['error_description']).to.match(new RegExp(`^AADSTS${number}: `));
  expect(received.body).to.include.keys('timestamp', 'trace_id', 'correlation_id');
}

function expectUnauthorized(received: Received): void {
  expect(received.status).to.equal(401);
  expect(errorCode(received)).to.equal('InvalidAuthenticationToken');
  expect(received.headers.get('www-authenticate')).to.match(/^Bearer /);
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    return String(thrown);
  }
  throw new Error('The sign-in was expected to fail.');
}
