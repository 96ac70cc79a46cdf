import { expect } from 'chai';
import { createDeviceSource } from '../../src/graph/deviceSource.ts';
import { throttled } from '../emulator/faultPresets.ts';
import { newDevice, newGroup, newUser } from '../emulator/newEntities.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { caught, gather } from './caught.ts';
import { fakeClock } from './fakeClock.ts';
import { CLIENT_ID, recordLog, startSource, type SourceFixture } from './sourceFixture.ts';

const AAD_PREMIUM = '41781fb2-bc02-4b7c-bd55-b576c07bb09d';

describe('graph/deviceSource', () => {
  let fixture: SourceFixture;

  beforeEach(async () => {
    fixture = await startSource();
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  it('reads a tenant of 2,500 devices of all kinds with their owners', async () => {
    const { another, signal, ...rest } = await startSource({ synthetic: syntheticDevices(2500, 7) });
    try {
      const devices = await gather(another().devices(signal));
      expect(devices).to.have.length(2500);
      for (const device of devices) {
        const stored = rest.emulator.devices.get(device.id);
        const owner = stored?.registeredOwners?.[0];
        const sid = owner === undefined ? null : rest.emulator.users.get(owner)?.['onPremisesSecurityIdentifier'];
        expect(device.ownerSid).to.equal(sid ?? null);
        expect(device.displayName).to.equal(stored?.['displayName']);
      }
    } finally {
      await rest.emulator.stop();
    }
  });

  it('names the host and has sent nothing before it is asked', () => {
    const { emulator, source } = fixture;
    expect(source.host).to.equal(new URL(emulator.graphUrl).host);
    expect(source.serverTime()).to.equal(null);
    expect(source.requests()).to.equal(0);
    expect(emulator.requests.count()).to.equal(0);
  });

  it('refuses an environment that cannot be used', async () => {
    const identity = { tenantId: 'a', clientId: 'b', credential: { kind: 'secret', secret: 'c' } } as const;
    const error = await caught(async () =>
      createDeviceSource(
        { ...identity, environment: { graph: 'http://graph.example', login: 'https://x' } },
        fakeClock(),
        recordLog().log,
      ),
    );
    expect(error.code).to.equal('ParameterInvalid');
  });

  it('reads the organization with its default domain', async () => {
    const { emulator, source, signal } = fixture;
    expect(await source.organization(signal)).to.deep.equal({
      id: emulator.tenantId,
      displayName: 'Contoso',
      defaultDomain: 'contoso.com',
    });
  });

  it('refuses an answer that names no organization', async () => {
    const { emulator, source, signal } = fixture;
    for (const value of [[], [{}], [{ id: 'x' }], 'x']) {
      emulator.faults.add({ action: { kind: 'answer', answer: { status: 200, headers: {}, body: { value } } } });
      expect((await caught(() => source.organization(signal))).code).to.equal('GraphAnswerInvalid');
    }
  });

  it('lists the service plans of enabled subscriptions only', async () => {
    const { emulator, source, signal } = fixture;
    expect([...(await source.servicePlans(signal))]).to.deep.equal([AAD_PREMIUM]);
    emulator.subscribedSkus = emulator.subscribedSkus.map((sku) => ({ ...sku, capabilityStatus: 'Suspended' }));
    expect([...(await source.servicePlans(signal))]).to.deep.equal([]);
  });

  it('needs for each read no more than its own permission, and names it', async () => {
    const { emulator, another, signal } = fixture;
    const reads = {
      'Device.Read.All': () => another().probeDevices(signal),
      'User.Read.All': () => another().probeUsers(signal),
      'Organization.Read.All': async () => {
        await another().organization(signal);
        await another().servicePlans(signal);
      },
    };
    for (const [permission, read] of Object.entries(reads)) {
      emulator.apps.grant(CLIENT_ID, [permission]);
      await read();
      emulator.apps.grant(CLIENT_ID, []);
      const error = await caught(read);
      expect(error.code).to.equal('GraphForbidden');
      expect(error.remedy).to.contain(permission).and.to.contain('the token has: none');
    }
  });

  it('reads devices, owners, changes and group members with exactly the permissions of each', async () => {
    const { emulator, another, signal } = fixture;
    const owner = emulator.users.add(newUser());
    const { id } = emulator.devices.add(newDevice({ registeredOwners: [owner.id] }));
    const group = emulator.groups.add(newGroup({ members: [id] }));
    emulator.apps.grant(CLIENT_ID, ['Device.Read.All', 'User.Read.All', 'GroupMember.Read.All']);
    const source = another();
    const link = await source.startDelta(signal);
    const [device] = await gather(source.devices(signal));
    expect(device?.ownerSid).to.equal(owner['onPremisesSecurityIdentifier']);
    expect([...(await source.groupMembers(group.id, signal))]).to.deep.equal([id]);
    expect((await source.changesSince(link, signal)).state).to.equal('changes');
    expect((await gather(source.devicesById([id], signal))).map(({ state }) => state)).to.deep.equal(['present']);
    expect(emulator.requests.count(({ status }) => status !== 200)).to.equal(0);
  });

  it('begins no request when the time that all may take is over', async () => {
    const { emulator, another, clock, signal } = fixture;
    emulator.faults.add({ times: 1000, action: throttled('100') });
    const source = another({}, { retry: { totalTime: 250_000 } });
    const error = await caught(() => source.probeDevices(signal));
    expect(error.message).to.contain('took longer than 4 min together');
    expect(clock.waits).to.deep.equal([100_000, 100_000, 100_000]);
  });

  it('counts requests and keeps the time of the server', async () => {
    const { emulator, source, signal } = fixture;
    emulator.switches.clockSkew = 7_200_000;
    await source.probeDevices(signal);
    await source.probeUsers(signal);
    expect(source.requests()).to.equal(2);
    const ahead = (source.serverTime()?.getTime() ?? 0) - Date.now();
    expect(ahead).to.be.within(7_190_000, 7_205_000);
  });
});
