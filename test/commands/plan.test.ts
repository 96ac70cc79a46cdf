import { expect } from 'chai';
import type { PlanResult, WireChange } from '../../src/protocol/messages.ts';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { failure, meanwhile } from '../emulator/faultPresets.ts';
import { certificateKey } from '../emulator/newEntities.ts';
import { CONNECTION_POINT_DN } from '../lab/registrationService.ts';
import type { Answer } from '../protocol/engineClient.ts';
import { Forest, MARK, resultOf } from './forest.ts';
import { desiredObjects, textOf } from './oracle.ts';

const FOREIGN = 'DeviceWriteback 11111111-2222-3333-4444-555555555555';

describe('commands/plan', () => {
  let forest: Forest;

  before(async () => {
    forest = await Forest.startPrepared();
  });

  after(() => forest.stop());

  beforeEach(() => forest.clear());

  async function planned(more: object = {}): Promise<PlanResult & { readonly shown: readonly WireChange[] }> {
    const answer = await forest.plan({ ...more });
    const result = resultOf(answer) as unknown as PlanResult;
    await forest.engine.call('release', { handle: result.handle });
    return { ...result, shown: answer.outputs.map(({ item }) => item as unknown as WireChange) };
  }

  function said(changes: readonly WireChange[]): readonly string[] {
    return changes.map(({ action, reason, name }) => `${action} ${reason} ${name}`).sort();
  }

  it('shows each change with its values as people read them, and writes nothing, to AD or to the state path', async () => {
    const device = forest.addDevice({ displayName: 'PC 1' });
    const usn = await forest.usn();
    const { shown, changes } = await planned();
    expect(changes).to.equal(1);
    expect(shown[0]).to.include({ number: 0, action: 'Create', reason: 'Flow', name: 'PC 1', objectId: device.id });
    const values = new Map(shown[0]?.attributes.map(({ name, after }) => [name, after]));
    expect(values.get('msDS-DeviceID')).to.deep.equal([device['deviceId']]);
    expect(values.get('msDS-CloudAnchor')).to.deep.equal([device.id]);
    expect(values.get('adminDescription')).to.deep.equal([MARK]);
    expect(await forest.usn()).to.equal(usn);
    expect(await forest.stateFiles()).to.deep.equal([]);
  });

  it('numbers changes in the order of applying: disables, updates, enables, creates, deletes', async () => {
    const [a, b, c, d] = forest.addDevices(4);
    await forest.sync();
    for (const device of [a, b]) forest.tenant.devices.update(String(device?.id), { accountEnabled: false });
    await forest.sync();
    forest.tenant.devices.update(String(a?.id), { accountEnabled: true });
    forest.tenant.devices.update(String(c?.id), { displayName: 'Renamed' });
    forest.tenant.devices.update(String(d?.id), { accountEnabled: false });
    forest.tenant.devices.remove(String(b?.id));
    forest.addDevice();
    const { shown } = await planned({ deleteAfter: 0 });
    expect(shown.map(({ number, action }) => `${number} ${action}`)).to.deep.equal([
      '0 Disable',
      '1 Update',
      '2 Enable',
      '3 Create',
      '4 Delete',
    ]);
  });

  it('has the same digest for the same sides, and another when one differs', async () => {
    const [device] = forest.addDevices(3);
    const [first, second] = [await planned(), await planned()];
    expect(second.digest)
      .to.equal(first.digest)
      .and.match(/^[0-9a-f]{64}$/);
    forest.tenant.devices.update(String(device?.id), { displayName: 'Other' });
    expect((await planned()).digest).to.not.equal(first.digest);
  });

  it('reads every page of a tenant whose pages are short', async () => {
    forest.addDevices(23);
    forest.tenant.switches.pageLimit = 5;
    const { changes } = await planned();
    forest.tenant.switches.pageLimit = Number.POSITIVE_INFINITY;
    expect(changes).to.equal(23);
  });

  it('holds a device whose values cannot be used, says why, and does the others', async () => {
    forest.addDevice({ displayName: 'Good' });
    forest.addDevice({ displayName: null });
    forest.addDevice({ displayName: 'No key', alternativeSecurityIds: [] });
    forest.addDevice({ displayName: 'No id', deviceId: null });
    forest.addDevice({ displayName: 'Wrong id', deviceId: 'not a guid' });
    forest.addDevice({ displayName: 'Wrong types', alternativeSecurityIds: 'text', isManaged: 'yes', physicalIds: 7 });
    const { shown } = await planned();
    const actions = new Map(shown.map((one) => [one.name, one.action]));
    expect(actions.get('Good')).to.equal('Create');
    const held = shown.filter(({ action }) => action === 'Held');
    expect(new Set(held.map(({ name }) => name))).to.deep.equal(
      new Set([null, 'No key', 'No id', 'Wrong id', 'Wrong types']),
    );
    for (const one of held) expect(one.description).to.match(/ is (?:not created|left out): .+\.$/);
    await forest.sync();
    expect(new Set((await forest.objects()).keys())).to.deep.equal(
      new Set([...forest.tenant.devices].filter((one) => one['displayName'] === 'Good').map((one) => one['deviceId'])),
    );
  });

  it('holds two devices with one device id, and two with one key', async () => {
    const [first] = forest.addDevices(2);
    forest.addDevice({ deviceId: first?.['deviceId'], displayName: 'Twin' });
    for (const displayName of ['Key 1', 'Key 2']) {
      forest.addDevice({ displayName, alternativeSecurityIds: [certificateKey('one key')] });
    }
    const { shown } = await planned();
    expect(said(shown).map((text) => text.split(' ').slice(0, 2).join(' '))).to.deep.equal([
      'Create Flow',
      'Held DuplicateInSource',
      'Held DuplicateInSource',
      'Held KeyInUse',
      'Held KeyInUse',
    ]);
  });

  describe('removals', () => {
    it('refuses more than the threshold whole, naming figures, digest and the way on, but does what Entra states', async () => {
      const devices = forest.addDevices(30);
      await forest.sync();
      const [stated, ...others] = devices;
      const gone = others.slice(0, 6);
      forest.tenant.devices.update(String(stated?.id), { accountEnabled: false });
      for (const { id } of gone) forest.tenant.devices.remove(id);
      forest.tenant.devices.update(String(others[10]?.id), { displayName: 'Renamed' });
      const { planned: plan, run, report } = await forest.sync();
      expect(plan.refusal?.code).to.equal('RemovalThreshold');
      expect(plan.refusal?.message).to.contain('removes 6 device objects (enabled now: 30)').and.contain('at most 5');
      expect(plan.refusal?.remedy).to.contain('-MaximumRemoval 6').and.contain(plan.digest);
      expect(run).to.include({ outcome: 'Refused', disabled: 1, updated: 0 });
      expect(run.error?.code).to.equal('RemovalThreshold');
      expect(report).to.include({ outcome: 'refused' });
      expect(textOf(await forest.object(there(stated)), 'msDS-IsEnabled')).to.equal('FALSE');
      for (const one of gone) expect(textOf(await forest.object(one), 'msDS-IsEnabled')).to.equal('TRUE');
      expect(textOf(await forest.object(there(others[10])), 'displayName')).to.not.equal('Renamed');

      const usn = await forest.usn();
      const tooFew = await forest.sync({ maximumRemoval: 5 });
      expect(tooFew.run).to.include({ outcome: 'Refused', disabled: 0 });
      expect(await forest.usn()).to.equal(usn);

      const let6 = await forest.sync({ maximumRemoval: 6 });
      expect(let6.run).to.include({ outcome: 'Completed', disabled: 6, updated: 1 });
    });

    it('lets through what does not pass the threshold', async () => {
      const devices = forest.addDevices(12);
      await forest.sync();
      for (const { id } of devices.slice(0, 5)) forest.tenant.devices.remove(id);
      expect((await forest.sync()).run).to.include({ outcome: 'Completed', disabled: 5 });
    });

    it('refuses an empty source', async () => {
      const [one] = forest.addDevices(1);
      await forest.sync();
      forest.tenant.devices.remove(there(one).id);
      const usn = await forest.usn();
      const { planned: plan, run } = await forest.sync();
      expect(plan.refusal?.code).to.equal('SourceTooSmall');
      expect(run).to.include({ outcome: 'Refused', disabled: 0 });
      expect(await forest.usn()).to.equal(usn);
      expect((await forest.sync({ maximumRemoval: 1 })).run).to.include({ outcome: 'Completed', disabled: 1 });
    });

    it('refuses a source that shrank to less than half, though what is missing could not be proven gone', async () => {
      const devices = forest.addDevices(24);
      await forest.sync();
      for (const { id } of devices.slice(0, 13)) forest.tenant.devices.remove(id);
      forest.tenant.faults.add({ when: isById, times: 1000, action: failure(403, 'Forbidden', 'No.') });
      const { planned: plan, run } = await forest.sync();
      expect(plan.refusal?.code).to.equal('SourceTooSmall');
      expect(run).to.include({ outcome: 'Refused', disabled: 0 });
    });

    it('holds a removal as AbsenceUnproven when Graph refuses to say whether the device is there', async () => {
      const [kept, gone] = forest.addDevices(2);
      await forest.sync();
      forest.tenant.devices.remove(there(gone).id);
      forest.tenant.faults.add({
        when: isById,
        times: 1000,
        action: failure(403, 'Authorization_RequestDenied', 'Insufficient privileges.'),
      });
      const usn = await forest.usn();
      const { changes, run } = await forest.sync();
      expect(changes.map(({ action, reason, deviceId }) => `${action} ${reason} ${deviceId}`)).to.deep.equal([
        `Held AbsenceUnproven ${String(gone?.['deviceId'])}`,
      ]);
      expect(run).to.include({ outcome: 'Completed', disabled: 0 });
      expect(await forest.usn()).to.equal(usn);
      expect(textOf(await forest.object(there(kept)), 'msDS-IsEnabled')).to.equal('TRUE');
      forest.tenant.faults.clear();
      expect((await forest.sync()).run).to.include({ disabled: 1 });
    });

    it('takes a device for there that a page left out and a read by id gives', async () => {
      const [first] = forest.addDevices(3);
      await forest.sync();
      forest.tenant.faults.add({
        when: (request) => request.kind === 'graph' && request.path === '/v1.0/devices',
        action: {
          kind: 'alter',
          change: (answer) => {
            const body = answer.body as { readonly value: readonly { readonly id: string }[] };
            return { ...answer, body: { ...body, value: body.value.filter(({ id }) => id !== first?.id) } };
          },
        },
      });
      const { shown, unchanged } = await planned();
      expect(shown).to.deep.equal([]);
      expect(unchanged).to.equal(3);
    });

    it('plans a device as read that is deleted after the page was made, and its removal in the next run', async () => {
      const [first] = forest.addDevices(3);
      await forest.sync();
      forest.tenant.faults.add({
        when: (request) => request.kind === 'graph' && request.path === '/v1.0/devices',
        action: meanwhile(() => forest.tenant.devices.remove(there(first).id)),
      });
      expect((await forest.sync()).planned.changes).to.equal(0);
      expect((await forest.sync()).run).to.include({ disabled: 1 });
    });
  });

  describe('of a container or forest that is another tenant’s', () => {
    it('is refused when all marks are foreign', async () => {
      const [one] = forest.addDevices(2);
      await forest.sync();
      for (const { id } of forest.tenant.devices) if (id !== one?.id) forest.tenant.devices.purge(id);
      for (const { dn } of await forest.entries()) {
        await forest.dc.ldapModify(
          `dn: ${dn}\nchangetype: modify\nreplace: adminDescription\nadminDescription: ${FOREIGN}\n-\n`,
        );
      }
      const usn = await forest.usn();
      const { error } = await forest.plan();
      expect(error).to.include({ code: 'OtherTenant', target: forest.dc.deviceContainerDn });
      expect(error?.message).to.contain('All 2 marks');
      expect(await forest.usn()).to.equal(usn);
    });

    it('is refused when the service connection point names another tenant', async () => {
      const other = '11111111-2222-3333-4444-555555555555';
      const name = (tenantId: string): Promise<void> =>
        forest.dc.ldapModify(
          `dn: ${CONNECTION_POINT_DN}\nchangetype: modify\nreplace: keywords\nkeywords: azureADId:${tenantId}\n-\n`,
        );
      await name(other);
      const usn = await forest.usn();
      const { error } = await forest.plan();
      expect(error).to.include({ code: 'OtherTenant', target: other });
      expect(error?.message).to.contain(forest.tenant.tenantId);
      expect(await forest.usn()).to.equal(usn);
      await name(forest.tenant.tenantId);
    });
  });

  it('leaves out what a schema of 2012 R2 lacks, and says so once', async () => {
    const old = await Forest.startPrepared({ schema: 69, devices: 20 });
    try {
      const answer: Answer = await old.plan();
      const warnings = answer.logs.filter(({ level }) => level === 'warning').map(({ message }) => message);
      expect(warnings).to.deep.equal(['The schema lacks msDS-IsCompliant: left out for every device.']);
      resultOf(await old.apply(resultOf(answer)));
      for (const [deviceId, object] of await old.objects()) {
        const { 'msDS-IsCompliant': _, ...desired } = desiredObjects(old.tenant).get(deviceId)?.values ?? {};
        expect(object.values).to.deep.equal(desired);
      }
      expect((await old.sync()).planned.changes).to.equal(0);
    } finally {
      await old.stop();
    }
  });

  function isById(request: { readonly kind: string; readonly path: string }): boolean {
    return request.kind === 'inner' && /^(\/v1\.0)?\/devices\/[^/]+$/.test(request.path);
  }

  function there(one: StoredDevice | undefined): StoredDevice {
    if (one === undefined) throw new Error('There is no such device.');
    return one;
  }
});
