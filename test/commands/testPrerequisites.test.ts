import { expect } from 'chai';
import type { WireCheck } from '../../src/protocol/messages.ts';
import { failure } from '../emulator/faultPresets.ts';
import type { Credential } from '../lab/domain.ts';
import { CONNECTION_POINT_DN, DEVICE_CONTAINER_DN, REGISTRATION_SERVICE_DN } from '../lab/registrationService.ts';
import type { Answer } from '../protocol/engineClient.ts';
import { CLIENT_ID, Forest, resultOf } from './forest.ts';

interface Tested {
  readonly passed: boolean;
  readonly checks: ReadonlyMap<string, WireCheck>;
}

describe('commands/testPrerequisites', () => {
  let forest: Forest;
  let sync: Credential;

  before(async () => {
    forest = await Forest.start();
    sync = await forest.dc.addUser('svc-test', 'Lab-Svc-Passw0rd!');
  });

  after(() => forest.stop());

  async function test(more: object = {}): Promise<Tested> {
    const answer: Answer = await forest.engine.call('test', { ...forest.params, ...more });
    const checks = answer.outputs.map(({ item }) => item as unknown as WireCheck);
    return { passed: resultOf(answer)['passed'] === true, checks: new Map(checks.map((check) => [check.id, check])) };
  }

  function inState({ checks }: Tested, state: WireCheck['state']): readonly string[] {
    return [...checks.values()].filter((check) => check.state === state).map(({ id }) => id);
  }

  it('fails on a forest that was never prepared, with a remedy for each failure, and writes nothing', async () => {
    const usn = await forest.usn();
    const tested = await test({ adConnectorAccount: 'svc-test' });
    expect(tested.passed).to.equal(false);
    expect(inState(tested, 'Fail')).to.deep.equal(['RegistrationService']);
    expect(tested.checks.get('RegistrationService')?.remedy).to.contain('Enable-DeviceWriteback');
    expect(inState(tested, 'NotTested')).to.deep.equal([
      'RegistrationServiceEnabled',
      'CloudIssuerCertificates',
      'DeviceLocation',
      'DeviceContainer',
      'Rights',
      'AccountRights',
    ]);
    for (const check of tested.checks.values()) {
      expect(check.evidence, check.id).to.not.equal('');
      if (check.state === 'Fail' || check.state === 'Warning') expect(check.remedy, check.id).to.be.a('string');
    }
    expect(await forest.usn()).to.equal(usn);
  });

  describe('after Enable', () => {
    before(async () => {
      const params = { ...forest.params, adConnectorAccount: 'svc-test' };
      const { handle } = resultOf(await forest.engine.call('enable/plan', params));
      resultOf(await forest.engine.call('enable/apply', { handle, declined: [] }));
      const keywords = `keywords: azureADName:contoso.com\nkeywords: azureADId:${forest.tenant.tenantId}`;
      await forest.dc.ldapAdd(`dn: ${CONNECTION_POINT_DN}\nobjectClass: serviceConnectionPoint\n${keywords}\n`);
      forest.account = sync;
    });

    beforeEach(() => forest.tenant.faults.clear());

    it('passes as the account that will sync, with evidence for every check', async () => {
      const tested = await test({ adConnectorAccount: 'svc-test' });
      expect(inState(tested, 'Fail')).to.deep.equal([]);
      expect(inState(tested, 'NotTested')).to.deep.equal([]);
      expect(tested.passed).to.equal(true);
      const evidence = (id: string): string => tested.checks.get(id)?.evidence ?? '';
      expect(evidence('DirectoryBind')).to.contain(forest.dc.hostName);
      expect(evidence('DirectoryProtection')).to.match(/TLS/);
      expect(evidence('SchemaClasses')).to.contain('87');
      expect(evidence('RegistrationService')).to.contain(REGISTRATION_SERVICE_DN);
      expect(evidence('DeviceContainer')).to.contain(DEVICE_CONTAINER_DN);
      expect(evidence('Rights')).to.contain('Create device objects: yes').and.contain('change: yes');
      expect(evidence('GraphPermissions')).to.contain('Device.Read.All');
      expect(evidence('Tenant')).to.contain(forest.tenant.tenantId);
      expect(evidence('Licence')).to.contain('P1');
    });

    it('warns of what limits writeback without stopping it: no issuer certificates', async () => {
      const tested = await test();
      expect(tested.checks.get('CloudIssuerCertificates')).to.include({ state: 'Warning' });
      expect(tested.checks.get('CloudIssuerCertificates')?.remedy).to.contain('-CloudIssuerCertificatePath');
    });

    it('fails for an account without the rights', async () => {
      const { userName, password } = await forest.dc.addUser('svc-none', 'Lab-Svc-Passw0rd!');
      const tested = await test({ credential: { userName, password }, adConnectorAccount: 'svc-none' });
      expect(inState(tested, 'Fail')).to.deep.equal(['Rights', 'AccountRights']);
      expect(tested.checks.get('Rights')?.evidence).to.contain('Create device objects: no');
      expect(tested.checks.get('AccountRights')?.remedy).to.contain('-AdConnectorAccount svc-none');
    });

    it('fails when the app lacks the permission on devices, and warns when it lacks that on users', async () => {
      forest.tenant.apps.register({ clientId: CLIENT_ID, secrets: ['Other-5ecret'], roles: ['Organization.Read.All'] });
      const secret = { clientSecretCredential: { userName: CLIENT_ID, password: 'Other-5ecret' } };
      const none = await test(secret);
      expect(inState(none, 'Fail')).to.include.members(['GraphPermissions', 'GraphDevices', 'GraphOwners']);
      expect(none.checks.get('GraphPermissions')?.remedy).to.contain('Device.Read.All').and.contain('admin consent');
      expect(none.checks.get('GraphDevices')?.evidence).to.contain('403');
      forest.tenant.apps.register({
        clientId: CLIENT_ID,
        secrets: ['Third-5ecret', 'Lab-client-5ecret'],
        roles: ['Device.Read.All', 'Organization.Read.All'],
      });
      const some = await test({ clientSecretCredential: { userName: CLIENT_ID, password: 'Third-5ecret' } });
      expect(some.checks.get('GraphPermissions')?.state).to.equal('Warning');
      expect(some.checks.get('GraphDevices')?.state).to.equal('Pass');
      forest.tenant.apps.register({ clientId: CLIENT_ID, secrets: ['Lab-client-5ecret'] });
    });

    it('fails when the tenant that answers is another, and tests the directory all the same', async () => {
      const real = forest.tenant.organization;
      forest.tenant.organization = { ...real, id: '11111111-2222-3333-4444-555555555555' };
      const tested = await test();
      forest.tenant.organization = real;
      expect(inState(tested, 'Fail')).to.include('Tenant');
      expect(tested.checks.get('DeviceContainer')?.state).to.equal('Pass');
    });

    it('warns when the tenant has neither P1 nor P2', async () => {
      const real = forest.tenant.subscribedSkus;
      forest.tenant.subscribedSkus = [];
      const tested = await test();
      forest.tenant.subscribedSkus = real;
      expect(tested.checks.get('Licence')?.state).to.equal('Warning');
    });

    it('fails when the clocks of domain controller and Graph differ by more than an hour', async () => {
      forest.tenant.switches.clockSkew = 2 * 60 * 60 * 1000;
      const tested = await test();
      forest.tenant.switches.clockSkew = 0;
      expect(inState(tested, 'Fail')).to.deep.equal(['Clocks']);
    });

    it('fails the sign-in with a wrong secret and leaves what needs it untested', async () => {
      const tested = await test({ clientSecretCredential: { userName: CLIENT_ID, password: 'Wr0ng-5ecret' } });
      expect(inState(tested, 'Fail')).to.deep.equal(['GraphSignIn']);
      expect(tested.checks.get('GraphSignIn')?.evidence).to.contain('AADSTS7000215');
      expect(inState(tested, 'NotTested')).to.include.members(['GraphPermissions', 'GraphDevices', 'Tenant', 'Clocks']);
      expect(tested.checks.get('DirectoryBind')?.state).to.equal('Pass');
    });

    it('fails the bind with a wrong password and leaves what needs it untested', async () => {
      const tested = await test({ credential: { userName: sync.userName, password: 'Wr0ng-Passw0rd!' } });
      expect(inState(tested, 'Fail')).to.deep.equal(['DirectoryBind']);
      expect(inState(tested, 'NotTested')).to.include.members([
        'SchemaClasses',
        'RegistrationService',
        'Rights',
        'Clocks',
      ]);
      expect(tested.checks.get('GraphDevices')?.state).to.equal('Pass');
    });

    it('tells the words of Graph when it refuses a read', async () => {
      forest.tenant.faults.add({
        when: (request) => request.path === '/v1.0/users',
        times: 100,
        action: failure(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
      });
      const tested = await test();
      expect(inState(tested, 'Fail')).to.deep.equal(['GraphOwners']);
      expect(tested.checks.get('GraphOwners')?.evidence).to.contain('Insufficient privileges');
    });

    it('fails when a service connection point names another tenant', async () => {
      const other = '11111111-2222-3333-4444-555555555555';
      const set = (tenantId: string): Promise<void> =>
        forest.dc.ldapModify(
          `dn: ${CONNECTION_POINT_DN}\nchangetype: modify\nreplace: keywords\nkeywords: azureADId:${tenantId}\n-\n`,
        );
      await set(other);
      const tested = await test();
      await set(forest.tenant.tenantId);
      expect(inState(tested, 'Fail')).to.deep.equal(['ConnectionPoint']);
      expect(tested.checks.get('ConnectionPoint')?.evidence).to.contain(other);
    });

    it('fails when the container was deleted, and says what to delete and run', async () => {
      await forest.dc.ldapModify(`dn: ${DEVICE_CONTAINER_DN}\nchangetype: delete\n`);
      const tested = await test();
      expect(inState(tested, 'Fail')).to.deep.equal(['DeviceContainer']);
      expect(tested.checks.get('DeviceContainer')?.remedy).to.contain('Enable-DeviceWriteback');
      expect(inState(tested, 'NotTested')).to.deep.equal(['Rights']);
    });
  });

  it('warns on a schema of 2012 R2 that attributes of 2016 are left out, and passes otherwise', async () => {
    const old = await Forest.startPrepared({ schema: 69 });
    try {
      const { outputs, result } = await old.engine.call('test', old.params);
      const checks = new Map(outputs.map(({ item }) => [item['id'], item]));
      expect(checks.get('SchemaAttributes')).to.include({ state: 'Warning' });
      expect(String(checks.get('SchemaAttributes')?.['evidence'])).to.contain('msDS-IsCompliant');
      expect(result).to.deep.equal({ passed: true });
    } finally {
      await old.stop();
    }
  });
});
