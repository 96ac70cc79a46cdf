import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startAzureArc } from '../emulator/azureArc.ts';
import { startAzureVirtualMachine } from '../emulator/azureVirtualMachine.ts';
import type { GraphEmulator } from '../emulator/graphEmulator.ts';
import { TOKEN_PATH, type ManagedIdentity } from '../emulator/managedIdentity.ts';
import { newCertificate, PASSWORD, pfx, type CertificateAndKey } from '../graph/signingCertificate.ts';
import { startEngine, type Answer, type EngineClient, type EngineOptions } from '../protocol/engineClient.ts';
import { CLIENT_ID, CLIENT_SECRET, Forest, resultOf } from './forest.ts';

type Params = Readonly<Record<string, unknown>>;

const USER = { id: randomUUID(), userPrincipalName: 'admin@contoso.com' };
const LOUD = { verbose: true, debug: true };
/** The folder of Azure Arc's agent, the only one that MSAL reads keys from. */
const ARC_KEYS = '/var/opt/azcmagent/tokens/';

/** Notes every token and code that the tenant gives out and that no log may show. */
function noteSecrets({ tokens, signIns }: GraphEmulator): readonly string[] {
  const secrets: string[] = [];
  const issue = tokens.issue.bind(tokens);
  const issueDelegated = tokens.issueDelegated.bind(tokens);
  const issueRefreshToken = signIns.issueRefreshToken.bind(signIns);
  const begin = signIns.begin.bind(signIns);
  const noted = (text: string): string => {
    secrets.push(text);
    return text;
  };
  tokens.issue = async (...about) => noted(await issue(...about));
  tokens.issueDelegated = async (...about) => noted(await issueDelegated(...about));
  signIns.issueRefreshToken = (token) => noted(issueRefreshToken(token));
  signIns.begin = (...about) => {
    const signIn = begin(...about);
    noted(signIn.deviceCode);
    return signIn;
  };
  return secrets;
}

/** A preload by which the folder of Azure Arc's agent is this one. */
function placingArcKeys(keyFolder: string): string {
  const program = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const placed = (file) => typeof file === 'string' ? file.replace('${ARC_KEYS}', ${JSON.stringify(`${keyFolder}/`)}) : file;
    for (const name of ['statSync', 'readFileSync']) {
      const original = fs[name];
      fs[name] = (file, ...rest) => original(placed(file), ...rest);
    }
    syncBuiltinESMExports();`;
  return `data:text/javascript,${encodeURIComponent(program)}`;
}

describe('signing in to Entra', function () {
  this.timeout(60_000);
  let forest: Forest;
  let own: CertificateAndKey;
  let folder: string;
  let secrets: readonly string[];

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'devicewriteback-signin-'));
    own = await newCertificate();
    forest = await Forest.startPrepared();
    forest.tenant.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET], certificates: [own.certificate] });
    forest.tenant.switches.deviceCodeInterval = 0.05;
    secrets = noteSecrets(forest.tenant);
  });

  beforeEach(() => forest.clear());

  after(async () => {
    await forest?.stop();
    await rm(folder, { recursive: true });
  });

  /** The parameters of the forest, with this way to sign in instead of its secret. */
  function paramsWith(way: Params): Params {
    const { clientSecretCredential: _, ...rest } = forest.params;
    return { ...rest, ...LOUD, ...way };
  }

  async function pem({ certificate, privateKey }: CertificateAndKey): Promise<string> {
    const file = path.join(folder, 'application.pem');
    await writeFile(file, certificate + privateKey, { mode: 0o600 });
    return file;
  }

  /** Tests, plans and applies by this way: the checks of Entra pass, and a new device gets its object. */
  async function works(engine: EngineClient, way: Params, clientId: string): Promise<void> {
    const device = forest.addDevice();
    const params = paramsWith(way);
    const tested = await engine.call('test', params);
    resultOf(tested);
    const ofGraph = tested.outputs.map(({ item }) => item).filter(({ id }) => /^Graph|^Tenant$/.test(String(id)));
    expect(ofGraph.map(({ id, state }) => [id, state])).to.deep.equal([
      ['GraphSignIn', 'Pass'],
      ['GraphPermissions', 'Pass'],
      ['GraphDevices', 'Pass'],
      ['GraphOwners', 'Pass'],
      ['Tenant', 'Pass'],
    ]);
    expect(ofGraph[0]?.['evidence']).to.contain(`as application ${clientId}.`);
    const planned = await engine.call('plan', params);
    const { handle, digest, changes } = resultOf(planned);
    expect(changes).to.equal(1);
    const applied = await engine.call('apply', { ...LOUD, handle, digest, declined: [] });
    expect(resultOf(applied)).to.include({ outcome: 'Completed', created: 1 });
    expect(await forest.object(device)).to.not.equal(null);
    for (const answer of [tested, planned]) {
      expect(answer.logs.filter(({ level }) => level === 'verbose')).to.not.deep.equal([]);
    }
  }

  /** No line of the engine and no file below the state path shows a secret, in whatever spelling. */
  async function keepsSecrets(engine: EngineClient, ...given: readonly string[]): Promise<void> {
    expect(secrets).to.not.deep.equal([]);
    const kept = [...secrets, ...given, forest.account.password];
    const said = engine.lines.map((line) => `${line}\n${JSON.stringify(JSON.parse(line))}`).join('\n');
    expect(said.length).to.be.greaterThan(5000);
    const files = (await readdir(forest.statePath, { recursive: true, withFileTypes: true })).filter((one) =>
      one.isFile(),
    );
    expect(files.map(({ name }) => name).filter((name) => /report-.*\.json$/.test(name))).to.have.length(1);
    const written = await Promise.all(files.map(({ parentPath, name }) => readFile(path.join(parentPath, name))));
    const places = [said, engine.complaints, ...written.map((bytes) => bytes.toString('utf8'))];
    for (const secret of kept) {
      const spellings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')];
      for (const spelling of spellings) expect(places.some((place) => place.includes(spelling))).to.equal(false);
    }
    // What the engine made itself: an assertion, which is a JWT, and the key out of a PFX.
    for (const place of places) expect(place).to.not.match(/eyJ[\w-]+\.eyJ[\w-]+\.|PRIVATE KEY/);
  }

  /** An engine of its own, so that what it wrote is that of this way alone. */
  async function withEngine(use: (engine: EngineClient) => Promise<void>, options?: EngineOptions): Promise<void> {
    const engine = await startEngine(undefined, options);
    try {
      await use(engine);
    } finally {
      await engine.end();
    }
  }

  it('works by secret, which no line and no file shows', () =>
    withEngine(async (engine) => {
      const way = { clientSecretCredential: { userName: CLIENT_ID, password: CLIENT_SECRET } };
      await works(engine, way, CLIENT_ID);
      await keepsSecrets(engine, CLIENT_SECRET);
    }));

  it('works by a certificate in a PEM file', () =>
    withEngine(async (engine) => {
      await works(engine, { clientId: CLIENT_ID, certificatePath: await pem(own) }, CLIENT_ID);
      await keepsSecrets(engine);
    }));

  it('works by a certificate in a PFX file, whose password no line and no file shows', () =>
    withEngine(async (engine) => {
      const way = { clientId: CLIENT_ID, certificatePath: await pfx(folder, own), certificatePassword: PASSWORD };
      await works(engine, way, CLIENT_ID);
      await keepsSecrets(engine, PASSWORD);
    }));

  it('keeps a wrong password out of the error and of every line', () =>
    withEngine(async (engine) => {
      const way = { clientId: CLIENT_ID, certificatePath: await pfx(folder, own), certificatePassword: 'Wr0ng-w0rd' };
      const { error } = await engine.call('plan', paramsWith(way));
      expect(error).to.include({ code: 'CertificateUnusable' });
      expect(engine.lines.join('\n')).to.not.contain('Wr0ng-w0rd');
    }));

  it('works by an access token that was got elsewhere', () =>
    withEngine(async (engine) => {
      const { loginUrl, graphUrl, tenantId } = forest.tenant;
      const form = { grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: CLIENT_SECRET };
      const response = await fetch(`${loginUrl}/${tenantId}/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...form, scope: `${graphUrl}/.default` }),
      });
      const { access_token: accessToken } = (await response.json()) as { access_token: string };
      await works(engine, { accessToken }, CLIENT_ID);
      await keepsSecrets(engine, accessToken);
    }));

  it('works by device code: the code is shown as a warning, and once for each command', () =>
    withEngine(async (engine) => {
      const { signIns } = forest.tenant;
      const shown: string[] = [];
      // Polling stands for the person, who reads the warning and goes to the page.
      const person = setInterval(() => {
        for (const code of signIns.waiting()) {
          if (!engine.lines.some((line) => line.includes('$/log') && line.includes(code))) continue;
          shown.push(code);
          signIns.approve(code, USER);
        }
      }, 20);
      try {
        await works(engine, { clientId: CLIENT_ID, useDeviceCode: true }, CLIENT_ID);
      } finally {
        clearInterval(person);
      }
      expect(shown).to.have.length(2);
      for (const code of shown) {
        const [line, ...others] = engine.lines.filter((one) => one.includes(code));
        expect(others).to.deep.equal([]);
        expect(JSON.parse(line ?? '')).to.nested.include({ method: '$/log', 'params.level': 'warning' });
      }
      await keepsSecrets(engine);
    }));

  describe('by managed identity', () => {
    const identity = (resourceId: string | null): ManagedIdentity => ({
      clientId: randomUUID(),
      objectId: randomUUID(),
      resourceId,
    });
    const system = identity(null);
    const assigned = identity('/subscriptions/s/resourcegroups/r/providers/x/userAssignedIdentities/u');
    const identities = { systemAssigned: system, userAssigned: [assigned] };

    before(() => {
      for (const { clientId } of [system, assigned]) forest.tenant.apps.register({ clientId });
    });

    it('works on an Azure VM, with the identity of the machine and with one that is assigned to it', async () => {
      const machine = await startAzureVirtualMachine(forest.tenant, identities);
      try {
        const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: machine.url };
        await withEngine(
          async (engine) => {
            await works(engine, { managedIdentity: true }, system.clientId);
            await keepsSecrets(engine);
            await forest.clear();
            await works(engine, { managedIdentity: true, clientId: assigned.clientId }, assigned.clientId);
            await keepsSecrets(engine);
          },
          { environment },
        );
      } finally {
        await machine.stop();
      }
    });

    it('works on a server of Azure Arc', async () => {
      const keyFolder = await mkdtemp(path.join(folder, 'keys-'));
      const arc = await startAzureArc(forest.tenant, identities, { keyFolder, namedFolder: ARC_KEYS });
      try {
        const environment = { IDENTITY_ENDPOINT: `${arc.url}${TOKEN_PATH}`, IMDS_ENDPOINT: arc.url };
        await withEngine(
          async (engine) => {
            await works(engine, { managedIdentity: true }, system.clientId);
            await keepsSecrets(engine);
          },
          { environment, nodeArguments: ['--import', placingArcKeys(keyFolder)] },
        );
      } finally {
        await arc.stop();
      }
    });
  });

  describe('is refused before anything is sent', () => {
    async function refused(method: 'test' | 'plan', way: Params): Promise<NonNullable<Answer['error']>> {
      const before = forest.tenant.requests.count();
      const { error } = await forest.engine.call(method, paramsWith(way));
      expect(forest.tenant.requests.count()).to.equal(before);
      if (error === null) throw new Error('The call succeeded.');
      return error;
    }

    const certificate = { clientId: CLIENT_ID, certificatePath: '/application.pem' };
    const two: readonly Params[] = [
      { ...certificate, clientSecretCredential: { userName: CLIENT_ID, password: CLIENT_SECRET } },
      { ...certificate, managedIdentity: true },
      { clientId: CLIENT_ID, useDeviceCode: true, accessToken: 'Access-T0ken' },
      { ...certificate, certificateThumbprint: 'A'.repeat(40) },
    ];
    for (const method of ['test', 'plan'] as const) {
      it(`when ${method} is given two ways`, async () => {
        for (const way of two) {
          const error = await refused(method, way);
          expect(error).to.include({ code: 'ParameterInvalid' });
          expect(error.message).to.match(/^(\w+) and (?!\1)\w+ are /);
          expect(JSON.stringify(error))
            .to.not.match(/Access-T0ken/)
            .and.not.to.contain(CLIENT_SECRET);
        }
      });

      it(`when ${method} is given none`, async () => {
        for (const way of [{}, { clientId: CLIENT_ID, managedIdentity: false, useDeviceCode: false }]) {
          expect(await refused(method, way)).to.include({ code: 'ParameterMissing' });
        }
      });
    }
  });
});
