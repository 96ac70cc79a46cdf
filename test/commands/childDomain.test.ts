import { expect } from 'chai';
import type { WireCheck, WireStep } from '../../src/protocol/messages.ts';
import { CHILD, ROOT } from '../lab/domain.ts';
import { REGISTRATION_SERVICE_DN, registrationServiceLdif } from '../lab/registrationService.ts';
import { entryAt, Forest, resultOf, valuesAt } from './forest.ts';
import { desiredObjects } from './oracle.ts';

const DEVICES = 30;
const CONTAINER = `CN=RegisteredDevices,${CHILD.dn}`;
const ACCOUNT = { name: 'svc-child', password: 'Lab-Svc-Passw0rd!' };

describe('a child domain of the forest', () => {
  let forest: Forest;

  before(async () => {
    forest = await Forest.start({ domain: CHILD, devices: DEVICES });
  });

  after(() => forest?.stop());

  const checks = async (): Promise<ReadonlyMap<string, WireCheck>> => {
    const { outputs } = await forest.engine.call('test', forest.params);
    return new Map(outputs.map(({ item }) => [String(item['id']), item as unknown as WireCheck]));
  };

  it('is what the domain controller keeps, beside the configuration of the forest', async () => {
    const { entries } = await forest.dc.ldapSearch('', '(objectClass=*)', ['*', '+'], 'base');
    const rootDse = entries[0] ?? null;
    expect(valuesAt(rootDse, 'defaultNamingContext')).to.deep.equal([CHILD.dn]);
    expect(valuesAt(rootDse, 'rootDomainNamingContext')).to.deep.equal([ROOT.dn]);
    expect(valuesAt(rootDse, 'configurationNamingContext')).to.deep.equal([`CN=Configuration,${ROOT.dn}`]);
  });

  it('gets the container, and the configuration of the forest the service that points at it', async () => {
    const account = await forest.dc.addUser(ACCOUNT.name, ACCOUNT.password);
    const planned = await forest.engine.call('enable/plan', { ...forest.params, adConnectorAccount: ACCOUNT.name });
    const done = await forest.engine.call('enable/apply', { handle: resultOf(planned)['handle'], declined: [] });
    const steps = done.outputs.map(({ item }) => item as unknown as WireStep);
    expect(steps.map(({ state }) => state)).to.deep.equal(steps.map(() => 'Done'));
    expect(valuesAt(await entryAt(forest.dc, REGISTRATION_SERVICE_DN), 'msDS-DeviceLocation')).to.deep.equal([
      CONTAINER,
    ]);
    forest.account = account;
    const told = await checks();
    expect([...told.values()].filter(({ state }) => state === 'Fail')).to.deep.equal([]);
    expect(told.get('DeviceContainer')?.evidence).to.contain(CONTAINER);
  });

  it('gets the devices of the tenant, and nothing more from the next run', async () => {
    const { run } = await forest.sync();
    const desired = desiredObjects(forest.tenant);
    expect(run).to.include({ outcome: 'Completed', container: CONTAINER, created: desired.size, failed: 0 });
    const objects = await forest.objects();
    for (const [deviceId, object] of desired) expect(objects.get(deviceId), deviceId).to.deep.equal(object);
    expect((await forest.sync({ domainName: CHILD.name })).run).to.include({ unchanged: desired.size, created: 0 });
  });

  it('is not where a container of the root domain is looked for', async () => {
    const elsewhere = `CN=RegisteredDevices,${ROOT.dn}`;
    await forest.dc.ldapModify(`dn: ${REGISTRATION_SERVICE_DN}\nchangetype: delete\n`);
    await forest.dc.ldbAdd(registrationServiceLdif(REGISTRATION_SERVICE_DN, elsewhere));
    const { error } = await forest.plan();
    expect(error?.message).to.contain(elsewhere).and.contain(`in the domain ${ROOT.name}`).and.contain(CHILD.name);
    expect(error?.remedy).to.contain(`-DomainName ${ROOT.name}`);
    expect((await checks()).get('DeviceContainer')).to.include({ state: 'Fail' });
  });
});
