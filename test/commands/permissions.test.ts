import { expect } from 'chai';
import type { WireCheck } from '../../src/protocol/messages.ts';
import type { Entity, StoredDevice } from '../emulator/entityTypes.ts';
import { newGroup, newUser } from '../emulator/newEntities.ts';
import { CLIENT_ID, Forest, type Synced } from './forest.ts';
import { desiredObjects, textOf } from './oracle.ts';

const LEAST = ['Device.Read.All', 'User.Read.All'] as const;

describe('the Graph permissions of the application', () => {
  let forest: Forest;
  let owner: Entity;
  let device: StoredDevice;

  before(async () => {
    forest = await Forest.startPrepared();
  });

  after(() => forest.stop());

  beforeEach(async () => {
    await forest.clear();
    owner = forest.tenant.users.add(newUser());
    device = forest.addDevice({ registeredOwners: [owner.id] });
    forest.addDevices(2);
  });

  const grant = (...roles: readonly string[]): void => forest.tenant.apps.grant(CLIENT_ID, roles);
  const delta = (more: object = {}): Promise<Synced> => forest.sync({ full: false, ...more });

  async function expectEqual(): Promise<void> {
    const objects = await forest.objects();
    const desired = desiredObjects(forest.tenant);
    expect(objects.size).to.equal(desired.size);
    for (const [deviceId, object] of objects) expect(object).to.deep.equal(desired.get(deviceId));
  }

  function held({ changes }: Synced): readonly string[] {
    return changes
      .filter(({ action }) => action === 'Held')
      .map(({ reason, objectId, attributes }) => `${reason} ${objectId} ${attributes.map(({ name }) => name).join()}`);
  }

  it('Device.Read.All and User.Read.All are all that full and delta runs need', async () => {
    grant(...LEAST);
    expect((await forest.sync()).run).to.include({ outcome: 'Completed', created: 3, held: 0 });
    await expectEqual();
    const other = forest.tenant.users.add(newUser());
    forest.tenant.devices.update(device.id, { displayName: 'Renamed', registeredOwners: [other.id] });
    forest.addDevice({ registeredOwners: [other.id] });
    expect((await delta()).run).to.include({ reading: 'Delta', created: 1, updated: 1, held: 0 });
    await expectEqual();
    expect(forest.tenant.requests.count(({ status }) => status === 401 || status === 403)).to.equal(0);
  });

  it('each of them is needed: with either alone a run says which is missing', async () => {
    grant('User.Read.All');
    for (const full of [true, false]) {
      const { error } = await forest.plan({ full });
      expect(error).to.include({ code: 'GraphForbidden', category: 'PermissionDenied' });
      expect(`${error?.message} ${error?.remedy}`).to.contain('Device.Read.All');
    }
    expect(await forest.objects()).to.have.property('size', 0);
    grant('Device.Read.All');
    const answer = await forest.plan();
    const told = answer.logs.filter(({ level }) => level === 'warning').map(({ message }) => message);
    expect(told.join('\n')).to.contain('User.Read.All');
  });

  it('without Device.Read.All a run ends, and nothing is taken for gone', async () => {
    grant(...LEAST);
    await forest.sync();
    grant('User.Read.All');
    forest.tenant.tokens.revoke();
    const usn = await forest.usn();
    for (const full of [true, false]) expect((await forest.plan({ full })).error?.code).to.equal('GraphForbidden');
    expect(await forest.usn()).to.equal(usn);
    grant(...LEAST);
    expect((await delta()).run).to.include({ reading: 'Delta', updated: 0, disabled: 0 });
  });

  it('without any role a run ends with the same error', async () => {
    grant();
    expect((await forest.plan()).error?.code).to.equal('GraphForbidden');
  });

  describe('without User.Read.All', () => {
    const basic = [['Device.Read.All'], ['Device.Read.All', 'User.ReadBasic.All']] as const;

    for (const roles of basic) {
      it(`(${roles.join(', ')}) owners are held as unreadable and left as they are`, async () => {
        grant(...LEAST);
        await forest.sync();
        grant(...roles);
        forest.tenant.devices.update(device.id, { displayName: 'Renamed' });
        forest.tenant.users.update(owner.id, { onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-9999' });
        for (const full of [false, true]) {
          const synced = await forest.sync({ full });
          expect(synced.run).to.include({ outcome: 'Completed', reading: full ? 'Full' : 'Delta' });
          expect(held(synced)).to.deep.equal([`Unreadable ${device.id} msDS-RegisteredOwner`]);
          const object = await forest.object(device);
          expect(textOf(object, 'displayName')).to.equal('Renamed');
          expect(textOf(object, 'msDS-RegisteredOwner')).to.equal(owner['onPremisesSecurityIdentifier']);
        }
      });

      it(`(${roles.join(', ')}) devices are created without an owner, and get it when it can be read`, async () => {
        grant(...roles);
        expect((await forest.sync()).run).to.include({ created: 3, held: 1 });
        expect(textOf(await forest.object(device), 'msDS-RegisteredOwner')).to.equal(null);
        forest.tenant.requests.clear();
        expect((await delta()).run.reading).to.equal('Delta');
        expect(forest.tenant.requests.count(({ kind }) => kind === 'graph')).to.equal(1);
        grant(...LEAST);
        expect((await forest.sync()).run).to.include({ updated: 1, held: 0 });
        await expectEqual();
      });
    }
  });

  describe('Organization.Read.All', () => {
    const checks = async (): Promise<ReadonlyMap<string, string>> => {
      const { outputs } = await forest.engine.call('test', forest.params);
      return new Map(outputs.map(({ item }) => item as unknown as WireCheck).map(({ id, state }) => [id, state]));
    };

    it('matters to the check of the prerequisites alone, for the licence', async () => {
      grant(...LEAST);
      const without = await checks();
      expect(without.get('GraphDevices')).to.equal('Pass');
      expect(without.get('GraphOwners')).to.equal('Pass');
      expect(without.get('Licence')).to.not.equal('Pass');
      expect((await forest.sync()).run.outcome).to.equal('Completed');
      grant(...LEAST, 'Organization.Read.All');
      expect((await checks()).get('Licence')).to.equal('Pass');
    });

    it('is not asked for by a run', async () => {
      grant(...LEAST, 'Organization.Read.All');
      forest.tenant.requests.clear();
      await forest.sync();
      await delta();
      const asked = forest.tenant.requests.all().map(({ path }) => path);
      expect(asked.filter((path) => /organization|subscribedSkus/.test(path))).to.deep.equal([]);
    });
  });

  describe('GroupMember.Read.All', () => {
    it('matters to a scope by group alone', async () => {
      const group = forest.tenant.groups.add(newGroup({ members: [device.id] }));
      grant(...LEAST);
      const { error } = await forest.plan({ group: [group.id] });
      expect(error).to.include({ code: 'GraphForbidden' });
      expect(`${error?.message} ${error?.remedy}`).to.contain('GroupMember.Read.All');
      grant(...LEAST, 'GroupMember.Read.All');
      expect((await forest.sync({ group: [group.id] })).run).to.include({ outcome: 'Completed', created: 1 });
      forest.tenant.devices.update(device.id, { displayName: 'Renamed' });
      expect((await delta({ group: [group.id] })).run).to.include({ reading: 'Delta', updated: 1 });
    });

    it('is not used where the scope names no group', async () => {
      grant(...LEAST, 'GroupMember.Read.All');
      forest.tenant.requests.clear();
      await forest.sync();
      await delta();
      expect(forest.tenant.requests.count(({ path }) => path.startsWith('/v1.0/groups'))).to.equal(0);
    });
  });
});
