import { expect } from 'chai';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { WireStep } from '../../src/protocol/messages.ts';
import { selfSignedCertificate } from '../emulator/selfSignedCertificate.ts';
import {
  DEVICE_CONTAINER_DN,
  preparationLdif,
  REGISTRATION_CONFIGURATION_DN,
  REGISTRATION_SERVICE_DN,
  registrationServiceLdif,
} from '../lab/registrationService.ts';
import type { DirectoryUser } from '../lab/domainController.ts';
import type { Answer } from '../protocol/engineClient.ts';
import { entryAt, Forest, resultOf, valuesAt } from './forest.ts';

const SERVICES_DN = `CN=Device Registration Services,${REGISTRATION_CONFIGURATION_DN}`;
const OBJECTS = [DEVICE_CONTAINER_DN, REGISTRATION_CONFIGURATION_DN, SERVICES_DN, REGISTRATION_SERVICE_DN];
/** schemaIDGUID of msDS-Device. */
const DEVICE_CLASS = '5df2b673-6d41-4774-b3e8-d52e8ee9ff99';

describe('commands/enable', () => {
  let forest: Forest;
  let account: DirectoryUser;

  before(async () => {
    forest = await Forest.start();
    account = await forest.dc.addUser('svc-enable', 'Lab-Svc-Passw0rd!');
  });

  after(() => forest.stop());

  beforeEach(async () => {
    const there: string[] = [];
    for (const dn of OBJECTS.toReversed()) if ((await entryAt(forest.dc, dn)) !== null) there.push(dn);
    if (there.length > 0) {
      await forest.dc.ldapModify(there.map((dn) => `dn: ${dn}\nchangetype: delete\n`).join('\n'));
    }
  });

  function enablePlan(more: object = {}): Promise<Answer> {
    return forest.engine.call('enable/plan', { ...forest.params, adConnectorAccount: 'svc-enable', ...more });
  }

  async function enable(more: object = {}, declined: readonly number[] = []): Promise<readonly WireStep[]> {
    const handle = resultOf(await enablePlan(more))['handle'];
    const done = await forest.engine.call('enable/apply', { handle, declined });
    resultOf(done);
    return stepsOf(done);
  }

  function stepsOf(answer: Answer): readonly WireStep[] {
    return answer.outputs.map(({ kind, item }) => {
      expect(kind).to.equal('step');
      return item as unknown as WireStep;
    });
  }

  function states(steps: readonly WireStep[]): readonly string[] {
    return steps.map(({ id, number, state }) => `${number} ${id} ${state}`);
  }

  /** Access control entries of the container in SDDL, as Samba writes them. */
  async function accessEntries(): Promise<readonly string[]> {
    const base = DEVICE_CONTAINER_DN;
    const [entry] = await forest.dc.ldbSearch('(objectClass=*)', ['nTSecurityDescriptor'], base, 'base');
    const sddl = valuesAt(entry ?? null, 'nTSecurityDescriptor')[0] ?? '';
    expect(sddl).to.match(/D:/);
    return (
      sddl.slice(sddl.indexOf('D:'), sddl.includes('S:') ? sddl.indexOf('S:') : undefined).match(/\([^)]*\)/g) ?? []
    );
  }

  it('shows every step as planned on an empty forest, and writes nothing', async () => {
    const usn = await forest.usn();
    const answer = await enablePlan();
    expect(states(stepsOf(answer))).to.deep.equal([
      '0 DeviceContainer Planned',
      '1 Configuration Planned',
      '2 Services Planned',
      '3 RegistrationService Planned',
      '4 Rights Planned',
    ]);
    expect(stepsOf(answer).map(({ target }) => target)).to.deep.equal([...OBJECTS, DEVICE_CONTAINER_DN]);
    expect(await forest.usn()).to.equal(usn);
    resultOf(await forest.engine.call('release', { handle: resultOf(answer)['handle'] }));
  });

  it('creates the four objects as Entra Connect and AD FS expect them', async () => {
    expect(states(await enable())).to.deep.equal([
      '0 DeviceContainer Done',
      '1 Configuration Done',
      '2 Services Done',
      '3 RegistrationService Done',
      '4 Rights Done',
    ]);
    const [container, configuration, services, service] = await Promise.all(
      OBJECTS.map((dn) => entryAt(forest.dc, dn)),
    );
    expect(valuesAt(container ?? null, 'objectClass').at(-1)).to.equal('msDS-DeviceContainer');
    expect(valuesAt(configuration ?? null, 'objectClass').at(-1)).to.equal('container');
    expect(valuesAt(services ?? null, 'objectClass').at(-1)).to.equal('msDS-DeviceRegistrationServiceContainer');
    expect(valuesAt(service ?? null, 'objectClass').at(-1)).to.equal('msDS-DeviceRegistrationService');
    expect(valuesAt(service ?? null, 'msDS-DeviceLocation')).to.deep.equal([DEVICE_CONTAINER_DN]);
    expect(valuesAt(service ?? null, 'msDS-IsEnabled')).to.deep.equal(['TRUE']);
  });

  it('creates nothing beside the four objects', async () => {
    const everything = async (): Promise<readonly string[]> => {
      const [domain, configuration] = await Promise.all([
        forest.dc.ldapSearch(forest.dc.domainDn, '(objectClass=*)', ['1.1']),
        forest.dc.ldapSearch(forest.dc.configurationDn, '(objectClass=*)', ['1.1']),
      ]);
      return [...domain.entries, ...configuration.entries].map(({ dn }) => dn).sort();
    };
    const before = new Set(await everything());
    await enable();
    expect((await everything()).filter((dn) => !before.has(dn))).to.have.members(OBJECTS);
  });

  it('grants the account the two least rights and leaves every other access entry as it was', async () => {
    await enable({ adConnectorAccount: null });
    const before = await accessEntries();
    const steps = await enable();
    expect(states(steps)).to.deep.equal(['0 Rights Done']);
    const after = await accessEntries();
    const added = after.filter((entry) => !before.includes(entry));
    expect(added.map((entry) => entry.toLowerCase())).to.have.members([
      `(oa;;ccdc;${DEVICE_CLASS};;${account.sid.toLowerCase()})`,
      `(oa;ciio;rpwp;;${DEVICE_CLASS};${account.sid.toLowerCase()})`,
    ]);
    expect(after.filter((entry) => before.includes(entry))).to.deep.equal(before);
  });

  it('finds everything present the second time, and writes nothing', async () => {
    await enable();
    const usn = await forest.usn();
    const plan = await enablePlan();
    expect(states(stepsOf(plan))).to.deep.equal([
      '-1 DeviceContainer Present',
      '-1 Configuration Present',
      '-1 Services Present',
      '-1 RegistrationService Present',
      '-1 Rights Present',
    ]);
    const done = await forest.engine.call('enable/apply', { handle: resultOf(plan)['handle'], declined: [] });
    expect(stepsOf(done)).to.deep.equal([]);
    expect(await forest.usn()).to.equal(usn);
  });

  it('makes only what is missing, and takes an existing container and its location as they are', async () => {
    await forest.dc.prepare();
    await forest.dc.ldapModify(`dn: ${REGISTRATION_SERVICE_DN}\nchangetype: delete\n`);
    expect(states(await enable())).to.deep.equal(['0 RegistrationService Done', '1 Rights Done']);
    const connectionPoint = `CN=62a0ff2e-97b9-4513-943f-0d221bd30080,${REGISTRATION_CONFIGURATION_DN}`;
    await forest.dc.ldapModify(`dn: ${connectionPoint}\nchangetype: delete\n`);
  });

  it('declines with a step the steps that need it', async () => {
    const steps = await enable({}, [1]);
    expect(states(steps)).to.deep.equal([
      '0 DeviceContainer Done',
      '1 Configuration Declined',
      '2 Services Declined',
      '3 RegistrationService Declined',
      '4 Rights Done',
    ]);
    expect(await entryAt(forest.dc, REGISTRATION_CONFIGURATION_DN)).to.equal(null);
  });

  it('writes nothing when every step is declined', async () => {
    const usn = await forest.usn();
    const steps = await enable({}, [0, 1, 2, 3, 4]);
    expect(steps.every(({ state }) => state === 'Declined')).to.equal(true);
    expect(await forest.usn()).to.equal(usn);
  });

  it('finds the account by every name that an administrator may give', async () => {
    for (const name of ['svc-enable', 'CORP\\svc-enable', account.userName, account.sid, account.dn]) {
      const answer = await enablePlan({ adConnectorAccount: name });
      const rights = stepsOf(answer).find(({ id }) => id === 'Rights');
      expect(rights?.detail, name)
        .to.match(/^\(OA;;CCDC;\S+\) \(OA;CIIO;RPWP;\S+\)$/)
        .and.contain(account.sid);
      await forest.engine.call('release', { handle: resultOf(answer)['handle'] });
    }
  });

  it('refuses an account that the directory does not have, before anything is written', async () => {
    const usn = await forest.usn();
    const { error } = await enablePlan({ adConnectorAccount: 'nobody-at-all' });
    expect(error).to.include({ code: 'AccountNotFound', target: 'nobody-at-all' });
    expect(error?.remedy).to.contain('sAMAccountName');
    expect(await forest.usn()).to.equal(usn);
  });

  it('warns when no account is named that will sync', async () => {
    const answer = await enablePlan({ adConnectorAccount: null });
    expect(stepsOf(answer).map(({ id }) => id)).to.not.include('Rights');
    const warnings = answer.logs.filter(({ level }) => level === 'warning');
    expect(warnings.map(({ message }) => message).join()).to.contain('-AdConnectorAccount');
    await forest.engine.call('release', { handle: resultOf(answer)['handle'] });
  });

  it('refuses two registration services, naming both', async () => {
    await forest.dc.ldapAdd(preparationLdif().split('\n\n').slice(0, 4).join('\n\n'));
    const second = `CN=Second,${SERVICES_DN}`;
    await forest.dc.ldapAdd(registrationServiceLdif(second, DEVICE_CONTAINER_DN));
    const { error } = await enablePlan();
    expect(error?.code).to.equal('RegistrationServiceAmbiguous');
    expect(error?.message).to.contain(REGISTRATION_SERVICE_DN).and.contain(second);
    await forest.dc.ldapModify(`dn: ${second}\nchangetype: delete\n`);
  });

  it('refuses an object of another class where the container shall be', async () => {
    await forest.dc.ldapAdd(`dn: ${DEVICE_CONTAINER_DN}\nobjectClass: container\n`);
    const { error } = await enablePlan();
    expect(error).to.include({ code: 'ContainerInvalid', target: DEVICE_CONTAINER_DN });
  });

  it('refuses a domain that the server does not serve', async () => {
    const { error } = await enablePlan({ domainName: 'other.contoso.test' });
    expect(error).to.include({ code: 'ParameterInvalid', target: 'other.contoso.test' });
    const right = await enablePlan({ domainName: 'CORP.contoso.test' });
    await forest.engine.call('release', { handle: resultOf(right)['handle'] });
  });

  it('tells an account without the rights what it may not, and leaves nothing half done', async () => {
    const { userName, password } = account;
    const handle = resultOf(await enablePlan({ credential: { userName, password } }))['handle'];
    const usn = await forest.usn();
    const { error } = await forest.engine.call('enable/apply', { handle, declined: [] });
    expect(error?.code).to.equal('DirectoryForbidden');
    expect(error?.message).to.contain(DEVICE_CONTAINER_DN).and.contain('insufficientAccessRights');
    expect(await forest.usn()).to.equal(usn);
  });

  it('sets the issuer certificates from a file, adds those that are missing, and leaves those that are there', async () => {
    const [first, second] = [selfSignedCertificate('First issuer'), selfSignedCertificate('Second issuer')];
    const file = path.join(forest.statePath, 'issuers.pem');
    await writeFile(file, first.certificate);
    await enable({ cloudIssuerCertificatePath: file });
    await writeFile(file, first.certificate + second.certificate);
    expect(states(await enable({ cloudIssuerCertificatePath: file }))).to.deep.equal([
      '0 CloudIssuerCertificates Done',
    ]);
    const service = await entryAt(forest.dc, REGISTRATION_SERVICE_DN);
    const there = service?.attributes.get('msDS-CloudIssuerPublicCertificates')?.map((value) => value.toString('hex'));
    const given = [first, second].map(({ certificate }) => new X509Certificate(certificate).raw.toString('hex'));
    expect(there).to.have.members(given);
    expect(await enable({ cloudIssuerCertificatePath: file })).to.deep.equal([]);
  });
});
