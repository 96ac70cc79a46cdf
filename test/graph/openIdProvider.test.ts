import { expect } from 'chai';
import { constants, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { createTokens, type Tokens } from '../../src/graph/token.ts';
import { environmentOf } from '../../src/graph/environment.ts';
import { createRetry, DEFAULT_RETRY } from '../../src/graph/retry.ts';
import type { HostServices, SignatureAlgorithm, SignInWay } from '../../src/ports.ts';
import { caught } from './caught.ts';
import { realClock } from './fakeClock.ts';
import { newCertificate, PASSWORD, pfx, type CertificateAndKey } from './signingCertificate.ts';
import { CLIENT_ID, recordLog, type RecordedLog } from './sourceFixture.ts';

const TENANT_ID = '72f988bf-86f1-41af-91ab-2d7cd011db47';

/** What is used of the package, which brings no types. */
interface ProviderPackage {
  readonly Provider: new (issuer: string, configuration: object) => Provider;
}

interface Provider {
  callback(): RequestListener;
  on(event: 'grant.success' | 'grant.error', listener: (ctx: Grant, error?: { error: string }) => void): void;
}

interface Grant {
  readonly oidc: { readonly params: { readonly client_assertion?: string } };
}

/** How the provider ended one request for a token. */
interface Ending {
  readonly error: string | null;
  readonly assertion: string;
}

interface RunningProvider {
  readonly url: string;
  readonly endings: readonly Ending[];
  stop(): Promise<void>;
}

/** The OpenID provider of the package oidc-provider, which knows one client by the public key of its certificate. */
async function startProvider(certificate: string): Promise<RunningProvider> {
  const name: string = 'oidc-provider';
  const { Provider } = (await import(name)) as ProviderPackage;
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const url = `http://127.0.0.1:${address.port}`;
  const key = createPublicKey(certificate).export({ format: 'jwk' });
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT_ID,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...key, use: 'sig' }] },
      },
    ],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
    routes: { token: `/${TENANT_ID}/oauth2/v2.0/token` },
    scopes: [`${url}/.default`],
  });
  const endings: Ending[] = [];
  const note = ({ oidc }: Grant, error: string | null): void => {
    endings.push({ error, assertion: oidc.params.client_assertion ?? '' });
  };
  provider.on('grant.success', (grant) => note(grant, null));
  provider.on('grant.error', (grant, error) => note(grant, error?.error ?? 'unknown'));
  server.on('request', provider.callback());
  return {
    url,
    endings,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A certificate store that signs with this key, by Node. */
function storeOf({ certificate, privateKey }: CertificateAndKey, makes: SignatureAlgorithm): HostServices {
  const pss = {
    key: privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  };
  const unused = (): never => {
    throw new Error('Signing in asks the certificate store alone.');
  };
  return {
    negotiate: unused,
    protectSecret: unused,
    unprotectSecret: unused,
    findCertificate: async () => ({
      certificate: new X509Certificate(certificate).raw,
      storeLocation: 'CurrentUser',
      hasPrivateKey: true,
    }),
    sign: async (_, algorithm, text) =>
      algorithm === makes ? sign('sha256', text, algorithm === 'PS256' ? pss : privateKey) : null,
  };
}

describe('signing in at an independent OpenID provider', function () {
  this.timeout(20_000);
  const signal = new AbortController().signal;
  let own: CertificateAndKey;
  let folder: string;
  let provider: RunningProvider;
  let recorded: RecordedLog;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-openid-'));
    own = await newCertificate();
    provider = await startProvider(own.certificate);
  });

  beforeEach(() => {
    recorded = recordLog();
  });

  after(async () => {
    await provider?.stop();
    await rm(folder, { recursive: true });
  });

  async function pem({ certificate, privateKey }: CertificateAndKey): Promise<SignInWay> {
    const file = path.join(folder, 'application.pem');
    await writeFile(file, certificate + privateKey, { mode: 0o600 });
    return { kind: 'certificate', path: file, password: null };
  }

  function tokens(credential: SignInWay, hostServices: HostServices | null = null): Tokens {
    const { log } = recorded;
    return createTokens({
      application: {
        tenantId: TENANT_ID,
        clientId: CLIENT_ID,
        environment: environmentOf({ graph: provider.url, login: provider.url }),
        credential,
      },
      retry: createRetry(DEFAULT_RETRY, realClock, log),
      requestTimeout: 10_000,
      clock: realClock,
      log,
      hostServices,
    });
  }

  /** Gets two tokens one after the other; gives the algorithms of both assertions, each of which is good once only. */
  async function signInTwice(ways: Tokens): Promise<readonly (string | undefined)[]> {
    const before = provider.endings.length;
    const first = await ways.get(signal);
    ways.refuse(first);
    const second = await ways.get(signal);
    expect(first.text).to.be.a('string').and.not.to.equal(second.text);
    expect(first.stale.getTime()).to.be.greaterThan(Date.now());
    const endings = provider.endings.slice(before);
    expect(endings.map(({ error }) => error)).to.deep.equal([null, null]);
    for (const { assertion } of endings) {
      expect(recorded.lines.join('\n'))
        .not.to.contain(assertion)
        .and.not.to.contain(first.text)
        .and.not.to.contain(second.text);
      expect(decodeJwt(assertion)).to.include({
        iss: CLIENT_ID,
        sub: CLIENT_ID,
        aud: `${provider.url}/${TENANT_ID}/oauth2/v2.0/token`,
      });
    }
    return endings.map(({ assertion }) => decodeProtectedHeader(assertion).alg);
  }

  it('verifies the assertion of a PEM certificate, PS256', async () => {
    expect(await signInTwice(tokens(await pem(own)))).to.deep.equal(['PS256', 'PS256']);
  });

  it('verifies the assertion of a PFX certificate, PS256', async () => {
    const file = await pfx(folder, own);
    const credential: SignInWay = { kind: 'certificate', path: file, password: PASSWORD };
    expect(await signInTwice(tokens(credential))).to.deep.equal(['PS256', 'PS256']);
  });

  for (const algorithm of ['PS256', 'RS256'] as const) {
    it(`verifies the assertion that a certificate store signs with ${algorithm}`, async () => {
      const thumbprint = new X509Certificate(own.certificate).fingerprint.replaceAll(':', '');
      const ways = tokens({ kind: 'thumbprint', thumbprint }, storeOf(own, algorithm));
      expect(await signInTwice(ways)).to.deep.equal([algorithm, algorithm]);
    });
  }

  it('refuses the assertion of another key, and the sign-in is refused with its words', async () => {
    const other = await newCertificate();
    const ofFile = tokens(await pem(other));
    const thumbprint = new X509Certificate(other.certificate).fingerprint.replaceAll(':', '');
    const ofStore = tokens({ kind: 'thumbprint', thumbprint }, storeOf(other, 'RS256'));
    for (const ways of [ofFile, ofStore]) {
      const before = provider.endings.length;
      const error = await caught(() => ways.get(signal));
      expect(provider.endings.slice(before).map((ending) => ending.error)).to.deep.equal(['invalid_client']);
      expect(error).to.include({ code: 'SignInRefused', target: CLIENT_ID, retryable: false });
      expect(error.message).to.contain('client authentication failed');
      expect(recorded.lines.filter((line) => line.includes('/oauth2/v2.0/token: 401'))).not.to.deep.equal([]);
    }
  });
});
