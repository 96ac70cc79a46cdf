import { expect } from 'chai';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { failure } from '../emulator/faultPresets.ts';
import { newGroup } from '../emulator/newEntities.ts';
import { CLIENT_ID, Forest, MARK, resultOf, type Synced } from './forest.ts';
import { desiredObject, textOf } from './oracle.ts';

const REMOVED = new RegExp(`^${MARK} removed \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$`);
const NOBODY = '99999999-0000-4000-8000-000000000000';

describe('the scope of a run', () => {
  let forest: Forest;
  let joined: StoredDevice;
  let hybrid: StoredDevice;
  let phone: StoredDevice;

  before(async () => {
    forest = await Forest.startPrepared();
    forest.tenant.apps.grant(CLIENT_ID, ['Device.Read.All', 'User.Read.All', 'GroupMember.Read.All']);
  });

  after(() => forest.stop());

  beforeEach(async () => {
    await forest.clear();
    joined = forest.addDevice({ displayName: 'joined', trustType: 'AzureAd' });
    hybrid = forest.addDevice({ displayName: 'hybrid', trustType: 'ServerAd' });
    phone = forest.addDevice({ displayName: 'phone', trustType: 'Workplace', operatingSystem: 'AndroidForWork' });
  });

  function said({ changes }: Pick<Synced, 'changes'>): readonly string[] {
    return changes.map(({ action, reason, name }) => `${action} ${reason} ${name}`).sort();
  }

  /** Names of the devices whose objects the directory holds, enabled and without a removed mark. */
  async function present(): Promise<readonly string[]> {
    const objects = [...(await forest.objects()).values()];
    const living = objects.filter(
      (object) => textOf(object, 'msDS-IsEnabled') === 'TRUE' && textOf(object, 'adminDescription') === MARK,
    );
    return living.map((object) => textOf(object, 'displayName') ?? '').sort();
  }

  const group = (...members: readonly string[]): string => forest.tenant.groups.add(newGroup({ members })).id;
  const delta = (more: object): Promise<Synced> => forest.sync({ full: false, ...more });

  describe('is chosen by', () => {
    for (const [title, scope, names] of [
      ['nothing: every device', {}, ['hybrid', 'joined', 'phone']],
      ['one trust type, in whatever case', { trustType: ['serverAD'] }, ['hybrid']],
      ['several trust types', { trustType: ['AzureAd', 'Workplace'] }, ['joined', 'phone']],
      ['operating system', { operatingSystem: ['windows'] }, ['hybrid', 'joined']],
      [
        'all that is given',
        { operatingSystem: ['Windows', 'AndroidForWork'], trustType: ['Workplace', 'AzureAd'] },
        ['joined', 'phone'],
      ],
    ] as const) {
      it(title, async () => {
        await forest.sync({ ...scope });
        expect(await present()).to.deep.equal(names);
      });
    }

    it('group, with the members of groups in it', async () => {
      const innermost = group(phone.id);
      const outer = group(joined.id, group(innermost));
      forest.tenant.groups.update(innermost, { members: [phone.id, outer] });
      await forest.sync({ group: [outer] });
      expect(await present()).to.deep.equal(['joined', 'phone']);
    });

    it('several groups: a member of any', async () => {
      await forest.sync({ group: [group(joined.id), group(hybrid.id, joined.id)] });
      expect(await present()).to.deep.equal(['hybrid', 'joined']);
    });

    it('a group whose members come in short pages, and where Graph refuses to name their type', async () => {
      Object.assign(forest.tenant.switches, { pageLimit: 1, castIsAdvanced: true });
      try {
        await forest.sync({ group: [group(joined.id, hybrid.id)] });
      } finally {
        Object.assign(forest.tenant.switches, { pageLimit: Number.POSITIVE_INFINITY, castIsAdvanced: false });
      }
      expect(await present()).to.deep.equal(['hybrid', 'joined']);
    });
  });

  it('names a trust type that is known, and groups by their object id', async () => {
    const unknown = await forest.plan({ trustType: ['Hybrid'] });
    expect(unknown.error).to.include({ code: 'ParameterInvalid', target: 'TrustType' });
    const named = await forest.plan({ group: ['Devices of the north'] });
    expect(named.error).to.include({ code: 'ParameterInvalid', target: 'Group' });
  });

  describe('of a group that cannot be read', () => {
    for (const [title, code, id, fault] of [
      ['is not there', 'ParameterInvalid', NOBODY, null],
      ['is forbidden', 'GraphForbidden', null, failure(403, 'Authorization_RequestDenied', 'Insufficient privileges.')],
      ['answers with an error', 'GraphFailed', null, failure(501, 'NotImplemented', 'Not implemented.')],
    ] as const) {
      for (const full of [true, false]) {
        it(`because it ${title} ends a ${full ? 'full' : 'delta'} run, and nothing is written`, async () => {
          const scope = { group: [group(joined.id, hybrid.id)] };
          await forest.sync(scope);
          const before = await forest.objects();
          forest.tenant.devices.update(joined.id, { displayName: 'renamed' });
          if (fault !== null) {
            forest.tenant.faults.add({
              when: ({ path }) => path.startsWith('/v1.0/groups/'),
              times: Number.POSITIVE_INFINITY,
              action: fault,
            });
          }
          const usn = await forest.usn();
          const { error } = await forest.plan({ ...scope, ...(id === null ? {} : { group: [id] }), full });
          expect(error?.code).to.equal(code);
          expect(error?.message).to.contain(id ?? scope.group[0]);
          expect(await forest.usn()).to.equal(usn);
          expect(await forest.objects()).to.deep.equal(before);
        });
      }
    }
  });

  describe('left by a device', () => {
    /** The object is disabled and marked, and keeps everything else. */
    async function expectRemoved(device: StoredDevice): Promise<void> {
      const object = await forest.object(device);
      expect(textOf(object, 'msDS-IsEnabled')).to.equal('FALSE');
      expect(textOf(object, 'adminDescription')).to.match(REMOVED);
      expect(object?.values['altSecurityIdentities']).to.deep.equal(
        desiredObject(device, forest.tenant)?.values['altSecurityIdentities'],
      );
    }

    for (const full of [true, false]) {
      it(`is a removal, and entered again takes it back, in ${full ? 'full' : 'delta'} runs`, async () => {
        const scope = { trustType: ['AzureAd', 'ServerAd'], full };
        await forest.sync(scope);
        forest.tenant.devices.update(joined.id, { trustType: 'Workplace' });
        const left = await forest.sync(scope);
        expect(left.run.reading).to.equal(full ? 'Full' : 'Delta');
        expect(said(left)).to.deep.equal(['Disable Removal joined']);
        expect(left.changes[0]?.description).to.contain('out of scope');
        await expectRemoved(joined);
        expect((await forest.sync(scope)).planned.changes).to.equal(0);
        forest.tenant.devices.update(joined.id, { trustType: 'AzureAd' });
        expect(said(await forest.sync(scope))).to.deep.equal(['Enable Flow joined']);
        expect(await present()).to.deep.equal(['hybrid', 'joined']);
      });
    }

    it('counts against the removal threshold', async () => {
      const devices = forest.addDevices(6);
      const scope = { operatingSystem: ['Windows'] };
      await forest.sync(scope);
      for (const { id } of devices) forest.tenant.devices.update(id, { operatingSystem: 'Linux' });
      for (const full of [false, true]) {
        const refused = await forest.sync({ ...scope, full });
        expect(refused.run).to.include({ outcome: 'Refused', disabled: 0 });
        expect(refused.planned.refusal?.code).to.equal('RemovalThreshold');
      }
    });

    it('that is disabled too is a removal, and its object is deleted when the time of retention is over', async () => {
      const scope = { trustType: ['AzureAd', 'ServerAd'] };
      await forest.sync(scope);
      forest.tenant.devices.update(joined.id, { trustType: 'Workplace', accountEnabled: false });
      expect(said(await delta(scope))).to.deep.equal(['Disable Removal joined']);
      await forest.modify(joined, { adminDescription: `${MARK} removed 2024-01-01T00:00:00Z` });
      expect(said(await forest.sync(scope))).to.deep.equal(['Delete Retention joined']);
    });

    it('as a member of a group: the next full run sees it, and one that joins too', async () => {
      const id = group(joined.id, hybrid.id);
      await forest.sync({ group: [id] });
      forest.tenant.groups.update(id, { members: [hybrid.id, phone.id] });
      expect((await delta({ group: [id] })).planned.changes).to.equal(0);
      expect(said(await forest.sync({ group: [id] }))).to.deep.equal(['Create Flow phone', 'Disable Removal joined']);
    });

    it('as a member of a group is seen by a delta run where Entra names the device', async () => {
      const id = group(joined.id, hybrid.id);
      await forest.sync({ group: [id] });
      forest.tenant.groups.update(id, { members: [hybrid.id] });
      forest.tenant.devices.update(joined.id, { displayName: 'renamed' });
      expect(said(await delta({ group: [id] }))).to.deep.equal(['Disable Removal joined']);
    });
  });

  describe('changed', () => {
    it('shows its effect in the plan, by a full read, before anything is written', async () => {
      await forest.sync();
      const usn = await forest.usn();
      const answer = await forest.plan({ full: false, trustType: ['ServerAd'] });
      expect(said({ changes: answer.outputs.map(({ item }) => item as never) })).to.deep.equal([
        'Disable Removal joined',
        'Disable Removal phone',
      ]);
      expect(await forest.usn()).to.equal(usn);
      const run = resultOf(await forest.apply(resultOf(answer)));
      expect(run).to.include({ reading: 'Full', why: 'the scope is not that of the run before', disabled: 2 });
      expect((await delta({ trustType: ['ServerAd'] })).run.reading).to.equal('Delta');
      expect(await present()).to.deep.equal(['hybrid']);
      expect(said(await delta({}))).to.deep.equal(['Enable Flow joined', 'Enable Flow phone']);
    });

    it('to one that no device is in is refused', async () => {
      await forest.sync();
      const { run, planned } = await delta({ operatingSystem: ['Plan 9'] });
      expect(run).to.include({ outcome: 'Refused', disabled: 0 });
      expect(planned.refusal?.code).to.equal('SourceTooSmall');
      expect(await present()).to.have.length(3);
    });

    it('and refused is no ground to go on from: the next run reads everything again', async () => {
      await forest.sync();
      for (let count = 0; count < 2; count += 1) {
        expect((await delta({ operatingSystem: ['Plan 9'] })).run).to.include({ reading: 'Full', outcome: 'Refused' });
      }
      expect((await delta({})).run.reading).to.equal('Delta');
    });
  });

  describe('that depends on what could not be read', () => {
    const scope = { trustType: ['AzureAd', 'ServerAd'] };

    beforeEach(async () => {
      await forest.sync(scope);
      forest.tenant.devices.update(joined.id, { trustType: undefined, displayName: 'renamed' });
    });

    for (const full of [false, true]) {
      it(`leaves the object as it is, held, in a ${full ? 'full' : 'delta'} run, and asks again`, async () => {
        const usn = await forest.usn();
        const synced = await forest.sync({ ...scope, full });
        expect(synced.planned.changes).to.equal(0);
        const reasons = synced.changes.map(({ action, reason, objectId }) => `${action} ${reason} ${objectId}`);
        expect(reasons).to.include(`Held Unreadable ${joined.id}`);
        for (const reason of reasons) expect(reason).to.match(/^Held (Unreadable|AbsenceUnproven) /);
        expect(await forest.usn()).to.equal(usn);
        forest.tenant.switches.deltaLate = Number.POSITIVE_INFINITY;
        try {
          forest.tenant.devices.update(joined.id, { trustType: 'AzureAd' });
          expect(said(await delta(scope))).to.deep.equal(['Update Flow joined']);
        } finally {
          forest.tenant.switches.deltaLate = 0;
        }
        expect(await present()).to.deep.equal(['hybrid', 'renamed']);
      });
    }

    it('creates nothing', async () => {
      const unclear = forest.addDevice({ trustType: undefined });
      await delta(scope);
      expect(await forest.object(unclear)).to.equal(null);
    });

    it('does not matter where another part of the scope tells that it is out', async () => {
      forest.tenant.devices.update(joined.id, { operatingSystem: 'Linux' });
      expect(said(await forest.sync({ ...scope, operatingSystem: ['Windows'] }))).to.deep.equal([
        'Disable Removal joined',
      ]);
    });
  });
});
