import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeJwt } from 'jose';
import { startAzureArc, type AzureArc } from './azureArc.ts';
import { startAzureVirtualMachine } from './azureVirtualMachine.ts';
import { failure } from './faultPresets.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { TOKEN_PATH, type ManagedIdentity, type ManagedIdentityEndpoint } from './managedIdentity.ts';

const GRAPH = 'resource=https://graph.microsoft.com';
const METADATA = { Metadata: 'true' };

describe('the managed identity endpoints beside the Graph emulator', () => {
  const system = identity(null);
  const user = identity(
    '/subscriptions/s/resourcegroups/r/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u',
  );
  let emulator: GraphEmulator;
  let keyFolder: string;
  let machine: ManagedIdentityEndpoint;
  let arc: AzureArc;

  beforeEach(async () => {
    emulator = await startGraphEmulator();
    emulator.apps.register({ clientId: system.clientId, roles: ['Device.Read.All'] });
    emulator.apps.register({ clientId: user.clientId, roles: ['User.Read.All'] });
    machine = await startAzureVirtualMachine(emulator, { systemAssigned: system, userAssigned: [user] });
    keyFolder = await mkdtemp(join(tmpdir(), 'keys-'));
    const namedFolder = '/var/opt/azcmagent/tokens/';
    arc = await startAzureArc(emulator, { systemAssigned: system, userAssigned: [user] }, { keyFolder, namedFolder });
  });

  afterEach(async () => {
    await Promise.all([machine.stop(), arc.stop(), emulator.stop()]);
    await rm(keyFolder, { recursive: true });
  });

  const ask = async (
    from: ManagedIdentityEndpoint,
    query: string,
    headers: Record<string, string> = METADATA,
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> => {
    const response = await fetch(`${from.url}${TOKEN_PATH}?${query}`, { headers });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };

  describe('of a virtual machine', () => {
    const VERSION = 'api-version=2018-02-01';

    it("gives the system's identity a token with its roles, which Graph takes", async () => {
      const { status, body } = await ask(machine, `${VERSION}&${GRAPH}`);
      expect(status).to.equal(200);
      expect(body).to.include({ token_type: 'Bearer', client_id: system.clientId, expires_in: '3599' });
      expect(Number(body['expires_on']) - Date.now() / 1000).to.be.closeTo(3599, 5);
      const token = String(body['access_token']);
      expect(decodeJwt(token)).to.include({
        appid: system.clientId,
        aud: 'https://graph.microsoft.com',
        appidacr: '2',
      });
      expect(decodeJwt(token)['roles']).to.deep.equal(['Device.Read.All']);
      const headers = { authorization: `Bearer ${token}` };
      expect((await fetch(`${emulator.graphUrl}/v1.0/devices`, { headers })).status).to.equal(200);
      expect((await fetch(`${emulator.graphUrl}/v1.0/users`, { headers })).status).to.equal(403);
    });

    it('gives a user-assigned one by client, object and resource id', async () => {
      for (const [name, value] of [
        ['client_id', user.clientId],
        ['object_id', user.objectId],
        ['mi_res_id', user.resourceId],
        ['msi_res_id', user.resourceId],
      ] as const) {
        const { body } = await ask(machine, `${VERSION}&${GRAPH}&${name}=${encodeURIComponent(value ?? '')}`);
        expect(body, name).to.include({ client_id: user.clientId });
      }
    });

    it('refuses a request without its header, version or resource, by a proxy, and for an unknown identity', async () => {
      const refused = [
        await ask(machine, `${VERSION}&${GRAPH}`, {}),
        await ask(machine, GRAPH),
        await ask(machine, VERSION),
        await ask(machine, `${VERSION}&${GRAPH}`, { ...METADATA, 'X-Forwarded-For': '192.0.2.1' }),
        await ask(machine, `${VERSION}&${GRAPH}&client_id=${randomUUID()}`),
        await ask(machine, `${VERSION}&${GRAPH}&client_id=${user.clientId}&object_id=${user.objectId}`),
      ];
      for (const { status, body } of refused) {
        expect(status).to.equal(400);
        expect(body).to.have.all.keys('error', 'error_description');
      }
      expect(refused[0]?.body).to.include({ error: 'bad_request_102' });
    });

    it('cannot choose between several user-assigned identities', async () => {
      const two = await startAzureVirtualMachine(emulator, { userAssigned: [user, identity('/other')] });
      expect((await ask(two, `${VERSION}&${GRAPH}`)).status).to.equal(400);
      await two.stop();
    });

    it('fails and ages as it is told', async () => {
      machine.faults.add({ when: () => true, action: failure(410, 'gone', 'The service is being updated.') });
      expect((await ask(machine, `${VERSION}&${GRAPH}`)).status).to.equal(410);
      emulator.switches.tokenLifetime = 7;
      expect((await ask(machine, `${VERSION}&${GRAPH}`)).body).to.include({ expires_in: '7' });
      expect(machine.requests.count()).to.equal(2);
    });

    it('is what MSAL expects', async () => {
      const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: machine.url };
      expect(await msal(environment)).to.include({ appid: system.clientId });
      expect(await msal(environment, user.clientId)).to.include({ appid: user.clientId });
    });
  });

  describe('of Azure Arc', () => {
    const QUERY = `api-version=2020-06-01&${GRAPH}`;

    const keyOf = async (challenge: { headers: Headers }): Promise<string> => {
      const file = /^Basic realm=\/var\/opt\/azcmagent\/tokens\/(.+\.key)$/.exec(
        challenge.headers.get('www-authenticate') ?? '',
      );
      return await readFile(join(keyFolder, file?.[1] ?? ''), 'utf8');
    };

    it('wants the content of a file that only the machine can read, once', async () => {
      const challenge = await ask(arc, QUERY);
      expect(challenge.status).to.equal(401);
      const key = await keyOf(challenge);
      const authorized = { ...METADATA, Authorization: `Basic ${key}` };
      const { status, body } = await ask(arc, QUERY, authorized);
      expect(status).to.equal(200);
      expect(body).to.include({ client_id: system.clientId, object_id: system.objectId, token_type: 'Bearer' });
      expect(await readdir(keyFolder)).to.deep.equal([]);
      expect((await ask(arc, QUERY, authorized)).status).to.equal(401);
      expect((await ask(arc, QUERY, { ...METADATA, Authorization: 'Basic wrong' })).status).to.equal(401);
    });

    it('echoes a user-assigned identity, unless it is an old agent that ignores the choice', async () => {
      const answer = async (): Promise<Record<string, unknown>> => {
        const query = `${QUERY}&client_id=${user.clientId}`;
        const key = await keyOf(await ask(arc, query));
        return (await ask(arc, query, { ...METADATA, Authorization: `Basic ${key}` })).body;
      };
      expect(await answer()).to.include({ client_id: user.clientId, msi_res_id: user.resourceId });
      arc.switches.legacy = true;
      const old = await answer();
      expect(old).to.not.have.any.keys('client_id', 'object_id', 'msi_res_id');
      expect(decodeJwt(String(old['access_token']))).to.include({ appid: system.clientId });
    });

    it('leaves out the header, names another file, keeps the file back or fills it too far as it is told', async () => {
      arc.switches.challenge = () => null;
      expect((await ask(arc, QUERY)).headers.get('www-authenticate')).to.equal(null);
      arc.switches.challenge = () => 'Basic realm=/etc/passwd';
      expect((await ask(arc, QUERY)).headers.get('www-authenticate')).to.equal('Basic realm=/etc/passwd');
      arc.switches.challenge = (file) => `Basic realm=${file}`;
      arc.switches.keyLength = 4097;
      expect(await keyOf(await ask(arc, QUERY))).to.have.length(4097);
      const before = (await readdir(keyFolder)).length;
      arc.switches.writesKey = false;
      expect((await ask(arc, QUERY)).status).to.equal(401);
      expect(await readdir(keyFolder)).to.have.length(before);
    });

    it('leaves no key behind in a folder of its own', async () => {
      const other = await startAzureArc(emulator, { systemAssigned: system });
      const file = (await ask(other, QUERY)).headers.get('www-authenticate')?.slice('Basic realm='.length) ?? '';
      expect(existsSync(file)).to.equal(true);
      await other.stop();
      expect(existsSync(file)).to.equal(false);
    });

    it('is what MSAL expects', async () => {
      const environment = { IDENTITY_ENDPOINT: `${arc.url}${TOKEN_PATH}`, IMDS_ENDPOINT: arc.url };
      expect(await msal(environment, '', keyFolder)).to.include({ appid: system.clientId });
      expect(await msal(environment, user.clientId, keyFolder)).to.include({ appid: user.clientId });
      arc.switches.keyLength = 4097;
      expect(await msal(environment, '', keyFolder)).to.deep.equal({ errorCode: 'invalid_secret' });
      arc.switches.legacy = true;
      arc.switches.keyLength = 43;
      const refused = await msal(environment, user.clientId, keyFolder);
      expect(refused).to.deep.equal({ errorCode: 'user_assigned_managed_identity_not_confirmed' });
    });
  });
});

function identity(resourceId: string | null): ManagedIdentity {
  return { clientId: randomUUID(), objectId: randomUUID(), resourceId };
}

/** The claims of the token that MSAL gets in this environment, or its error code. */
async function msal(environment: Readonly<Record<string, string>>, ...rest: string[]): Promise<object> {
  const script = fileURLToPath(new URL('managedIdentityClient.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...rest], {
    env: environment,
    timeout: 20_000,
  });
  const result = JSON.parse(stdout) as { accessToken?: string };
  return result.accessToken === undefined ? result : decodeJwt(result.accessToken);
}
