import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeToken } from '../../src/graph/token.ts';
import type { SignInWay } from '../../src/ports.ts';
import type { GraphEmulatorOptions } from '../emulator/graphEmulator.ts';
import type { EmulatorRequest } from '../emulator/exchange.ts';
import { serverError, throttled } from '../emulator/faultPresets.ts';
import { caught } from './caught.ts';
import { fakeClock, realClock } from './fakeClock.ts';
import { newCertificate, PASSWORD, pfx, type CertificateAndKey } from './signingCertificate.ts';
import { CLIENT_ID, SECRET, startSource, type SourceFixture } from './sourceFixture.ts';

const UNKNOWN = '00000000-1111-2222-3333-444444444444';
const toToken = ({ kind }: EmulatorRequest): boolean => kind === 'token';

describe('graph/token', () => {
  let fixture: SourceFixture;
  let folder: string;
  let own: CertificateAndKey;

  const start = async (options: GraphEmulatorOptions = {}): Promise<SourceFixture> => {
    fixture = await startSource(options);
    return fixture;
  };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-token-'));
    own = await newCertificate();
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  async function credentialFile({ certificate, privateKey }: CertificateAndKey): Promise<SignInWay> {
    const file = path.join(folder, 'application.pem');
    await writeFile(file, certificate + privateKey, { mode: 0o600 });
    return { kind: 'certificate', path: file, password: null };
  }

  function tokenRequests(): number {
    return fixture.emulator.requests.count(({ kind }) => kind === 'token');
  }

  it('signs in with a secret by one request and tells what the token says', async () => {
    const { emulator, source, signal } = await start();
    expect(await source.signIn(signal)).to.deep.equal({
      tenantId: emulator.tenantId,
      clientId: CLIENT_ID,
      roles: ['Device.Read.All', 'User.Read.All', 'Organization.Read.All'],
    });
    expect(emulator.requests.all().map(({ method, path: asked }) => `${method} ${asked}`)).to.deep.equal([
      `POST /${emulator.tenantId}/oauth2/v2.0/token`,
    ]);
  });

  it('signs in with a certificate', async () => {
    const { emulator, another, signal } = await start();
    emulator.apps.register({ clientId: CLIENT_ID, certificates: [own.certificate] });
    const signIn = await another({ credential: await credentialFile(own) }).signIn(signal);
    expect(signIn.clientId).to.equal(CLIENT_ID);
  });

  it('signs in anew with a certificate without repeating the assertion', async () => {
    const { emulator, another, signal } = await start({ switches: { refuseReplayedAssertion: true } });
    emulator.apps.register({ clientId: CLIENT_ID, certificates: [own.certificate] });
    const source = another({ credential: await credentialFile(own) });
    await source.probeDevices(signal);
    emulator.tokens.revoke();
    await source.probeDevices(signal);
    expect(tokenRequests()).to.equal(2);
  });

  it('signs in with a PFX file and its password, and keeps the password out of errors and log', async () => {
    const { emulator, another, lines, signal } = await start();
    emulator.apps.register({ clientId: CLIENT_ID, certificates: [own.certificate] });
    const file = await pfx(folder, own);
    const signIn = await another({ credential: { kind: 'certificate', path: file, password: PASSWORD } }).signIn(
      signal,
    );
    expect(signIn.clientId).to.equal(CLIENT_ID);
    const wrong = another({ credential: { kind: 'certificate', path: file, password: 'another-word' } });
    const error = await caught(() => wrong.signIn(signal));
    expect(error.code).to.equal('CertificateUnusable');
    expect(JSON.stringify([error, lines]))
      .not.to.contain('another-word')
      .and.not.to.contain(PASSWORD);
    expect(tokenRequests()).to.equal(1);
  });

  describe('with an access token that was given', () => {
    it('asks for none, and tells what the token says', async () => {
      const { emulator, another, lines, signal } = await start();
      const app = emulator.apps.register({ clientId: CLIENT_ID, roles: ['Device.Read.All'] });
      const token = await emulator.tokens.issue(app, 'secret', emulator.graphUrl, 600);
      const source = another({ clientId: null, credential: { kind: 'accessToken', token } });
      expect(await source.signIn(signal)).to.deep.equal({
        tenantId: emulator.tenantId,
        clientId: CLIENT_ID,
        roles: ['Device.Read.All'],
      });
      await source.probeDevices(signal);
      expect(tokenRequests()).to.equal(0);
      expect(lines.join('\n')).not.to.contain(token);
    });

    it('warns once that nothing of an opaque one was verified, and of none that can be read', async () => {
      const { emulator, another, lines, signal } = await start();
      const app = emulator.apps.register({ clientId: CLIENT_ID });
      const readable = await emulator.tokens.issue(app, 'secret', emulator.graphUrl, 600);
      for (const token of [readable, 'opaque-token']) {
        const source = another({ clientId: null, credential: { kind: 'accessToken', token } });
        await source.signIn(signal);
        await source.signIn(signal);
      }
      expect(lines).to.deep.equal([
        'warning: The access token that was given cannot be read: its tenant, its application and its permissions were not verified.',
      ]);
    });

    it('names the application of the token in the remedy of a refusal', async () => {
      const { emulator, another, signal } = await start();
      const app = emulator.apps.register({ clientId: CLIENT_ID, roles: [] });
      const token = await emulator.tokens.issue(app, 'secret', emulator.graphUrl, 600);
      const source = another({ clientId: null, credential: { kind: 'accessToken', token } });
      const error = await caught(() => source.probeDevices(signal));
      expect(error.remedy).to.contain(`Grant application ${CLIENT_ID}`);
    });

    for (const [what, text] of [
      ['one that has expired', null],
      ['an opaque one', 'opaque-token'],
    ] as const) {
      it(`ends at once, and names the remedy, when Graph refuses ${what}`, async () => {
        const { emulator, another, lines, signal } = await start();
        const app = emulator.apps.register({ clientId: CLIENT_ID });
        const token = text ?? (await emulator.tokens.issue(app, 'secret', emulator.graphUrl, -60));
        const source = another({ clientId: null, credential: { kind: 'accessToken', token } });
        const error = await caught(() => source.probeDevices(signal));
        expect(error).to.include({ code: 'GraphUnauthorized', category: 'AuthenticationError' });
        expect(error.message).to.contain('401 InvalidAuthenticationToken');
        expect(error.remedy).to.contain(`Get a new access token for https://${source.host}`);
        expect(source.requests()).to.equal(1);
        expect(JSON.stringify([error, lines])).not.to.contain(token);
      });
    }
  });

  it('needs a client id for a certificate and for a secret', async () => {
    const { another, signal } = await start();
    for (const credential of [await credentialFile(own), { kind: 'secret', secret: SECRET } as const]) {
      const error = await caught(() => another({ clientId: null, credential }).signIn(signal));
      expect(error).to.include({ code: 'ParameterMissing', target: 'ClientId' });
    }
  });

  it('sends nothing when the certificate has expired', async () => {
    const { emulator, another, signal } = await start();
    emulator.apps.register({ clientId: CLIENT_ID, certificates: [own.certificate] });
    const later = fakeClock(new Date(Date.now() + 60 * 86_400_000));
    const source = another({ credential: await credentialFile(own) }, {}, later);
    expect((await caught(() => source.signIn(signal))).code).to.equal('CertificateExpired');
    expect(emulator.requests.count()).to.equal(0);
  });

  it('names the remedy for a certificate that the application does not have', async () => {
    const { another, signal } = await start();
    const source = another({ credential: await credentialFile(own) });
    const error = await caught(() => source.signIn(signal));
    expect(error).to.include({ code: 'SignInRefused', target: CLIENT_ID });
    expect(error.message).to.contain('AADSTS700027').and.not.to.contain('Trace ID');
    expect(error.detail).to.contain('Trace ID');
    expect(error.remedy).to.contain('Add this certificate to the application');
  });

  const refusals: readonly (readonly [string, object, string, string])[] = [
    ['a wrong secret', { credential: { kind: 'secret', secret: 'another-word' } }, 'AADSTS7000215', 'not its id'],
    ['an unknown application', { clientId: UNKNOWN }, 'AADSTS700016', 'Check the client id'],
    ['an unknown tenant', { tenantId: UNKNOWN }, 'AADSTS90002', 'Check the tenant id'],
  ];
  for (const [what, identity, number, remedy] of refusals) {
    it(`is refused with ${what}, once, with Entra's words and a remedy`, async () => {
      const { another, lines, signal } = await start();
      const error = await caught(() => another(identity).signIn(signal));
      expect(error).to.include({ code: 'SignInRefused', category: 'AuthenticationError', retryable: false });
      expect(error.message).to.contain(number);
      expect(error.remedy).to.contain(remedy);
      expect(tokenRequests()).to.equal(1);
      expect(JSON.stringify([error, lines])).not.to.contain('another-word');
    });
  }

  it('keeps a token until shortly before it expires', async () => {
    const { another, clock, signal } = await start();
    const source = another({}, {}, clock);
    await source.signIn(signal);
    await clock.sleep(3_200_000, signal);
    await source.signIn(signal);
    expect(tokenRequests()).to.equal(1);
    await clock.sleep(200_000, signal);
    await source.signIn(signal);
    expect(tokenRequests()).to.equal(2);
  });

  it('keeps a token of short life for half of it', async () => {
    const { source, clock, signal } = await start({ switches: { tokenLifetime: 120 } });
    await source.signIn(signal);
    await clock.sleep(50_000, signal);
    await source.signIn(signal);
    expect(tokenRequests()).to.equal(1);
    await clock.sleep(15_000, signal);
    await source.signIn(signal);
    expect(tokenRequests()).to.equal(2);
  });

  it('asks for one token when several requests need one at once', async () => {
    const { source, signal } = await start();
    await Promise.all([source.probeDevices(signal), source.probeUsers(signal), source.signIn(signal)]);
    expect(tokenRequests()).to.equal(1);
  });

  it('heals one bad answer at once: a later request is not refused locally', async () => {
    const { emulator, source, clock, signal } = await start();
    emulator.faults.add({ when: toToken, action: serverError(503) });
    emulator.faults.add({ when: toToken, action: throttled('7') });
    await source.signIn(signal);
    expect(clock.waits).to.have.length(2);
    expect(clock.waits[0]).to.be.below(1001);
    expect(clock.waits[1]).to.equal(7000);
    expect(tokenRequests()).to.equal(3);
  });

  it('tries again after a cut connection and after an answer that is not JSON', async () => {
    const { emulator, source, signal } = await start();
    emulator.faults.add({ when: toToken, action: { kind: 'resetBeforeHeaders' } });
    emulator.faults.add({ when: toToken, action: { kind: 'truncate' } });
    await source.signIn(signal);
    expect(tokenRequests()).to.equal(3);
  });

  it('names the host when sign-in cannot be reached', async () => {
    const { emulator, source, clock, signal } = await start();
    const { host } = new URL(emulator.loginUrl);
    await emulator.stop();
    const error = await caught(() => source.signIn(signal));
    expect(error).to.include({ code: 'SignInUnreachable', target: host, retryable: true });
    expect(error.message).to.contain('ECONNREFUSED');
    expect(clock.waits).to.have.length(3);
  });

  it('names the host when sign-in answers with something else', async () => {
    const { emulator, source, signal } = await start();
    const page = { status: 404, headers: { 'Content-Type': 'text/html' }, body: '<html>no</html>' };
    emulator.faults.add({ when: toToken, action: { kind: 'answer', answer: page } });
    const error = await caught(() => source.signIn(signal));
    expect(error.code).to.equal('SignInUnreachable');
    expect(error.message).to.contain('answered 404 with something other than a token answer');
  });

  it('is refused when an answer of success holds no token', async () => {
    const { emulator, source, signal } = await start();
    const empty = { status: 200, headers: {}, body: { token_type: 'Bearer', expires_in: 3599 } };
    emulator.faults.add({ when: toToken, times: 20, action: { kind: 'answer', answer: empty } });
    expect((await caught(() => source.signIn(signal))).code).to.equal('SignInUnreachable');
  });

  it('stops at once when it is cancelled while sign-in does not answer', async () => {
    const { emulator, another } = await start();
    emulator.faults.add({ when: toToken, action: { kind: 'delay', milliseconds: 30_000 } });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const started = performance.now();
    const error = await caught(() => another({}, {}, realClock).signIn(stop.signal));
    expect(error.code).to.equal('Cancelled');
    expect(performance.now() - started).to.be.below(2000);
  });

  it('has a time limit for an answer, and tries again after it', async () => {
    const { emulator, another, clock, lines, signal } = await start();
    emulator.faults.add({ when: toToken, action: { kind: 'delay', milliseconds: 30_000 } });
    await another({}, { requestTimeout: 100 }).signIn(signal);
    expect(clock.waits).to.have.length(1);
    expect(lines[0]).to.match(/token: no answer in \d{2,4} ms: .*timeout/);
  });

  it('never shows secret or token in a log line', async () => {
    const { source, lines, signal } = await start();
    await source.signIn(signal);
    await source.probeDevices(signal);
    expect(lines.join('\n')).to.contain('/oauth2/v2.0/token: 200');
    expect(lines.join('\n'))
      .not.to.match(/eyJ|Bearer|authorization/i)
      .and.not.to.contain(SECRET);
  });

  it('reads delegated scopes, and nothing from an opaque token', async () => {
    await start();
    const claims = Buffer.from(JSON.stringify({ scp: 'Device.Read.All User.Read', azp: CLIENT_ID, tid: 'x' })).toString(
      'base64url',
    );
    expect(describeToken(`a.${claims}.c`)).to.deep.equal({
      tenantId: null,
      clientId: CLIENT_ID,
      roles: ['Device.Read.All', 'User.Read'],
    });
    for (const opaque of ['', 'opaque', 'a.b.c', 'a.bnVsbA.c']) {
      expect(describeToken(opaque)).to.deep.equal({ tenantId: null, clientId: null, roles: [] });
    }
  });
});
