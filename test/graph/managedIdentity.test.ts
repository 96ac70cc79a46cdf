import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startAzureArc, type AzureArc } from '../emulator/azureArc.ts';
import { startAzureVirtualMachine } from '../emulator/azureVirtualMachine.ts';
import { failure, serverError } from '../emulator/faultPresets.ts';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { TOKEN_PATH, type ManagedIdentity, type ManagedIdentityEndpoint } from '../emulator/managedIdentity.ts';
import type { SignInEnding, SignInTask } from './managedIdentitySignIn.ts';

function identity(resourceId: string | null): ManagedIdentity {
  return { clientId: randomUUID(), objectId: randomUUID(), resourceId };
}

describe('graph/managedIdentity', () => {
  const system = identity(null);
  const user = identity(
    '/subscriptions/s/resourcegroups/r/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u',
  );
  const identities = { systemAssigned: system, userAssigned: [user] };
  let emulator: GraphEmulator;
  let keyFolder: string;

  beforeEach(async () => {
    emulator = await startGraphEmulator();
    keyFolder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-arc-'));
    for (const { clientId } of [system, user]) emulator.apps.register({ clientId, roles: ['Device.Read.All'] });
  });

  afterEach(async () => {
    await emulator.stop();
    await rm(keyFolder, { recursive: true });
  });

  /** How two sources signed in one after the other on a computer with these variables. */
  async function signIns(
    variables: Readonly<Record<string, string>>,
    more: Partial<SignInTask> = {},
  ): Promise<readonly [SignInEnding, SignInEnding]> {
    const task: SignInTask = {
      tenantId: emulator.tenantId,
      clientId: null,
      graph: emulator.graphUrl,
      keyFolder,
      requestTimeout: 5000,
      ...more,
    };
    const script = path.join(import.meta.dirname, 'managedIdentitySignIn.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(task)], {
      env: { PATH: process.env.PATH, ...variables },
    });
    return JSON.parse(stdout) as readonly [SignInEnding, SignInEnding];
  }

  const errorOf = ({ error }: SignInEnding): NonNullable<SignInEnding['error']> => {
    if (error === null) throw new Error('the sign-in succeeded');
    return error;
  };

  describe('on an Azure VM', () => {
    let machine: ManagedIdentityEndpoint;
    const onMachine = (): Record<string, string> => ({ AZURE_POD_IDENTITY_AUTHORITY_HOST: machine.url });

    beforeEach(async () => {
      machine = await startAzureVirtualMachine(emulator, identities);
    });

    afterEach(async () => {
      await machine.stop();
    });

    it('signs each source in as the identity of the machine, by a request of its own', async () => {
      const both = await signIns(onMachine());
      for (const { clientId, roles, error, lines } of both) {
        expect(error).to.equal(null);
        expect([clientId, roles]).to.deep.equal([system.clientId, ['Device.Read.All']]);
        expect(lines.filter((line) => line.includes(`GET ${machine.url}${TOKEN_PATH}`))).to.have.length(1);
        expect(lines.join('\n')).not.to.contain('eyJ');
      }
      expect(machine.requests.count()).to.equal(2);
    });

    it('signs in as an identity that is assigned to the machine', async () => {
      const [{ clientId }] = await signIns(onMachine(), { clientId: user.clientId });
      expect(clientId).to.equal(user.clientId);
    });

    const always = (): boolean => true;

    it('heals what the machine answers while identities are updated, or is in trouble', async () => {
      for (const status of [404, 410])
        machine.faults.add({ when: always, action: failure(status, 'gone', 'Updating.') });
      machine.faults.add({ when: always, action: serverError(500) });
      const [{ error }] = await signIns(onMachine());
      expect(error).to.equal(null);
      expect(machine.requests.count()).to.equal(5);
    });

    it('is refused with the words of the machine for an identity that it does not have', async () => {
      const clientId = randomUUID();
      const { code, message, remedy } = errorOf((await signIns(onMachine(), { clientId }))[0]);
      expect(code).to.equal('SignInRefused');
      expect(message).to.equal(`The sign-in by managed identity ${clientId} was refused: Identity not found`);
      expect(remedy).to.contain('has a managed identity');
    });

    it('names the endpoint where it does not answer', async () => {
      const { host } = new URL(machine.url);
      await machine.stop();
      const { code, message, remedy } = errorOf((await signIns({ AZURE_POD_IDENTITY_AUTHORITY_HOST: machine.url }))[0]);
      expect(code).to.equal('SignInUnreachable');
      expect(message).to.contain(`managed identity of this computer did not come through: ${host}: no answer`);
      expect(remedy).to.contain('Azure VM or is connected by Azure Arc');
    });

    it('is not sent through a proxy', async () => {
      const proxied = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' };
      const [{ error }] = await signIns({ ...onMachine(), ...proxied });
      expect(error).to.equal(null);
    });
  });

  describe('on a server with Azure Arc', () => {
    let arc: AzureArc;
    const onArc = (): Record<string, string> => ({
      IDENTITY_ENDPOINT: `${arc.url}${TOKEN_PATH}`,
      IMDS_ENDPOINT: arc.url,
    });

    beforeEach(async () => {
      arc = await startAzureArc(emulator, identities, { keyFolder, namedFolder: '/var/opt/azcmagent/tokens/' });
    });

    afterEach(async () => {
      await arc.stop();
    });

    it('signs in with the key that the agent wrote', async () => {
      for (const { clientId, error } of await signIns(onArc())) {
        expect(error).to.equal(null);
        expect(clientId).to.equal(system.clientId);
      }
      expect(arc.requests.count()).to.equal(4);
    });

    it('signs in as a user-assigned identity, and not as another one with an agent that cannot do so', async () => {
      expect((await signIns(onArc(), { clientId: user.clientId }))[0].clientId).to.equal(user.clientId);
      arc.switches.legacy = true;
      const { code, remedy } = errorOf((await signIns(onArc(), { clientId: user.clientId }))[0]);
      expect(code).to.equal('SignInRefused');
      expect(remedy).to.contain('Azure Arc');
    });

    it('is refused, with a remedy, where the key cannot be read', async () => {
      arc.switches.writesKey = false;
      const { code, message, remedy } = errorOf((await signIns(onArc()))[0]);
      expect(code).to.equal('SignInRefused');
      expect(message).to.contain('The sign-in by the managed identity of this computer was refused: ');
      expect(remedy).to.contain('may read the keys of the agent');
    });
  });
}).timeout(10_000);
