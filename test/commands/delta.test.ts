import { expect } from 'chai';
import { rm, writeFile } from 'node:fs/promises';
import { startRequestCounter } from '../benchmark/requestCounter.ts';
import { GONE, SYNC_STATE_NOT_FOUND } from '../emulator/deltaLinks.ts';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { failure, throttled } from '../emulator/faultPresets.ts';
import { startGraphEmulator } from '../emulator/graphEmulator.ts';
import { certificateKey, newGroup, newUser } from '../emulator/newEntities.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { changeHints, hintsFile, readHints } from '../faults/storedHints.ts';
import { startEngine } from '../protocol/engineClient.ts';
import { CLIENT_ID, CLIENT_SECRET, Forest, MARK, resultOf, type Synced } from './forest.ts';
import { desiredObjects, guidBytes, textOf } from './oracle.ts';

const DEVICES = 12;
const KILL_BEFORE_HINTS = new URL('../faults/killBeforeHints.ts', import.meta.url).href;

describe('a delta run', () => {
  let forest: Forest;
  let devices: readonly StoredDevice[];
  let device: StoredDevice;
  let other: StoredDevice;

  before(async () => {
    forest = await Forest.startPrepared();
  });

  after(() => forest.stop());

  beforeEach(async () => {
    await forest.clear();
    devices = forest.addDevices(DEVICES);
    const [first, second] = devices;
    if (first === undefined || second === undefined) throw new Error('There are too few devices.');
    [device, other] = [first, second];
    expect((await forest.sync()).run).to.include({ reading: 'Full', why: 'it was asked for', created: DEVICES });
    forest.tenant.requests.clear();
  });

  const update = (to: StoredDevice, changes: object): void => {
    forest.tenant.devices.update(to.id, { ...changes });
  };

  /** A run that may be a delta run. */
  const run = (more: object = {}, declines?: Parameters<Forest['sync']>[1]): Promise<Synced> =>
    forest.sync({ full: false, ...more }, declines);

  /** A run that must be one: it lists nothing. */
  async function deltaRun(more: object = {}, declines?: Parameters<Forest['sync']>[1]): Promise<Synced> {
    forest.tenant.requests.clear();
    const synced = await run(more, declines);
    expect(synced.run.reading, synced.run.why).to.equal('Delta');
    expect(synced.report.reading).to.include({ kind: 'delta', why: synced.run.why });
    expect(synced.report.reading.milliseconds).to.be.within(1, 60_000);
    expect(lists()).to.equal(0);
    return synced;
  }

  function said({ changes }: Synced): readonly string[] {
    return changes.map(({ action, reason }) => `${action} ${reason}`);
  }

  const lists = (): number => forest.tenant.requests.count(({ path }) => path === '/v1.0/devices');
  const graphRequests = (): number => forest.tenant.requests.count(({ kind }) => kind === 'graph');
  const warnings = ({ planLogs, applied }: Synced & { planLogs?: readonly string[] }): readonly string[] => [
    ...(planLogs ?? []),
    ...applied.logs.filter(({ level }) => level === 'warning').map(({ message }) => message),
  ];

  /** The directory holds what Entra says of every eligible device, and nothing else. */
  async function expectEqual(): Promise<void> {
    const objects = await forest.objects();
    const desired = desiredObjects(forest.tenant);
    expect([...objects.keys()].sort()).to.deep.equal([...desired.keys()].sort());
    for (const [deviceId, object] of objects) expect(object).to.deep.equal(desired.get(deviceId));
  }

  /** One delta run makes these changes and the next has nothing to do. */
  async function expectChanges(...expected: readonly string[]): Promise<Synced> {
    const synced = await deltaRun();
    expect(said(synced)).to.deep.equal(expected);
    expect(synced.run).to.include({ outcome: 'Completed', failed: 0, skipped: 0 });
    const usn = await forest.usn();
    expect((await deltaRun()).planned).to.include({ changes: 0, held: 0 });
    expect(graphRequests()).to.equal(1);
    expect(await forest.usn()).to.equal(usn);
    return synced;
  }

  describe('when nothing changed', () => {
    it('costs one Graph request, at most four LDAP operations with an answer, and no write', async () => {
      const counter = await startRequestCounter(forest.dc);
      try {
        const usn = await forest.usn();
        const answer = await forest.plan({ full: false, server: counter.server });
        expect(answer.logs.filter(({ level }) => level === 'warning')).to.deep.equal([]);
        const { run: told, report } = await forest
          .apply(resultOf(answer))
          .then((applied) => ({ run: resultOf(applied), report: applied }));
        expect(told).to.include({
          reading: 'Delta',
          outcome: 'Completed',
          unchanged: 0,
          held: 0,
          created: 0,
          updated: 0,
        });
        expect(report.logs.filter(({ level }) => level === 'warning')).to.deep.equal([]);
        expect(graphRequests()).to.equal(1);
        // Bind and three searches; the unbind at the end has no answer.
        expect(counter.count()).to.equal(5);
        expect(await forest.usn()).to.equal(usn);
      } finally {
        await counter.stop();
      }
    });

    it('says since when, in result and report, and in the report how many requests it took', async () => {
      const hints = await readHints(forest.statePath);
      const { run: told, report } = await deltaRun();
      expect(told.why).to.equal(`changes since the run before, last complete read ${hints?.completeRead}`);
      // Bind and three searches.
      expect(report).to.include({ graphRequests: 1, directoryRequests: 4 });
      expect(report.summary.census).to.equal(null);
    });

    it('moves the delta link on, the time of the last complete read not', async () => {
      const before = await readHints(forest.statePath);
      await deltaRun();
      const after = await readHints(forest.statePath);
      expect(after?.deltaLink).to.not.equal(before?.deltaLink);
      expect(after?.completeRead).to.equal(before?.completeRead);
    });
  });

  describe('finds', () => {
    it('ten changes by two Graph requests, or three where a device has an owner, and no list', async () => {
      for (const one of devices.slice(0, 10)) update(one, { displayName: `Renamed ${one.id}` });
      const { run: told } = await deltaRun();
      expect(graphRequests()).to.equal(2);
      expect(told).to.include({ updated: 10, outcome: 'Completed' });
      const owner = forest.tenant.users.add(newUser());
      for (const one of devices.slice(0, 10))
        update(one, { operatingSystemVersion: '11', registeredOwners: [owner.id] });
      expect((await deltaRun()).run.updated).to.equal(10);
      expect(graphRequests()).to.equal(3);
      await expectEqual();
    });

    it('ten changes of 100,000 devices by three Graph requests and no list', async function () {
      this.timeout(120_000);
      const tenant = await startGraphEmulator({
        tenantId: forest.tenant.tenantId,
        synthetic: syntheticDevices(100_000, 7),
      });
      try {
        tenant.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] });
        const more = {
          environment: { graph: tenant.graphUrl, login: tenant.loginUrl },
          operatingSystem: ['Haiku'],
          maximumRemoval: DEVICES,
        };
        expect((await run(more)).run).to.include({ reading: 'Full', disabled: DEVICES });
        const changed: StoredDevice[] = [];
        for (const one of tenant.devices) {
          if (changed.length === 10) break;
          if (one['trustType'] === 'ServerAd') changed.push(one);
        }
        for (const { id } of changed) tenant.devices.update(id, { operatingSystem: 'Haiku' });
        tenant.requests.clear();
        const { run: told, report } = await run(more);
        expect(told).to.include({ reading: 'Delta', created: 10, disabled: 0 });
        expect(tenant.requests.count(({ kind }) => kind === 'graph')).to.equal(3);
        expect(report.graphRequests).to.equal(3);
        expect(tenant.requests.count(({ path }) => path === '/v1.0/devices')).to.equal(0);
      } finally {
        await tenant.stop();
      }
    });

    it('a rename', async () => {
      update(device, { displayName: 'Renamed' });
      await expectChanges('Update Flow');
      await expectEqual();
    });

    it('a disable in Entra, and an enable', async () => {
      update(device, { accountEnabled: false });
      await expectChanges('Disable Stated');
      await expectEqual();
      update(device, { accountEnabled: true });
      await expectChanges('Enable Flow');
      await expectEqual();
    });

    it('a new key', async () => {
      update(device, { alternativeSecurityIds: [certificateKey('another')] });
      await expectChanges('Update Flow');
      await expectEqual();
    });

    it('a new device', async () => {
      forest.addDevice();
      await expectChanges('Create Flow');
      await expectEqual();
    });

    it('a device that registered anew under its device id', async () => {
      forest.tenant.devices.remove(device.id);
      const anew = forest.addDevice({ deviceId: device['deviceId'] });
      await expectChanges('Update Flow');
      await expectEqual();
      const [anchor] = (await forest.object(device))?.values['msDS-CloudAnchor'] ?? [];
      expect(anchor).to.equal(guidBytes(anew.id).toString('hex'));
    });

    it('a device that registered anew and whose former registration goes later', async () => {
      const anew = forest.addDevice({ deviceId: device['deviceId'] });
      const both = await deltaRun();
      expect(new Set(said(both))).to.deep.equal(new Set(['Held DuplicateInSource']));
      forest.tenant.devices.remove(device.id);
      await expectChanges('Update Flow');
      await expectEqual();
      expect(forest.tenant.devices.get(anew.id)).to.not.equal(null);
    });

    it('a soft delete, a restore and a purge', async () => {
      forest.tenant.devices.remove(device.id);
      const { report } = await expectChanges('Disable Removal');
      expect(report.summary.census).to.include({ objects: DEVICES, owned: DEVICES, ownedEnabled: DEVICES });
      expect(textOf(await forest.object(device), 'adminDescription')).to.match(new RegExp(`^${MARK} removed 2`));
      forest.tenant.devices.restore(device.id);
      await expectChanges('Enable Flow');
      await expectEqual();
      forest.tenant.devices.purge(device.id);
      await expectChanges('Disable Removal');
      expect(textOf(await forest.object(device), 'msDS-IsEnabled')).to.equal('FALSE');
    });

    it('a device that lost its key, which the threshold counts', async () => {
      update(device, { alternativeSecurityIds: [] });
      const { report } = await deltaRun();
      expect(report.summary).to.deep.include({ removals: 1 });
      expect(report.summary.census).to.include({ ownedEnabled: DEVICES });
      expect(textOf(await forest.object(device), 'msDS-IsEnabled')).to.equal('FALSE');
    });

    it('a device that waited for the certificate key of another', async () => {
      const key = certificateKey('moves');
      update(device, { alternativeSecurityIds: [key] });
      await deltaRun();
      forest.addDevice({ alternativeSecurityIds: [key] });
      expect(said(await deltaRun())).to.deep.equal(['Held KeyInUse']);
      update(device, { alternativeSecurityIds: [certificateKey('elsewhere')] });
      await deltaRun();
      expect(said(await deltaRun())).to.deep.equal(['Create Flow']);
      await expectEqual();
    });

    it('what Graph tells late, again and again, and over pages, empty ones too', async () => {
      Object.assign(forest.tenant.switches, { deltaPageSize: 2, deltaEmptyPages: 2, deltaRepeats: true, deltaLate: 2 });
      try {
        for (const one of devices.slice(0, 5)) update(one, { displayName: `Renamed ${one.id}` });
        expect((await deltaRun()).run.updated).to.equal(3);
        Object.assign(forest.tenant.switches, { deltaLate: 0, deltaReplayed: 5 });
        expect((await deltaRun()).run.updated).to.equal(2);
        expect((await deltaRun()).planned.changes).to.equal(0);
        await expectEqual();
      } finally {
        const usual = { deltaPageSize: 200, deltaEmptyPages: 0, deltaRepeats: false, deltaLate: 0, deltaReplayed: 0 };
        Object.assign(forest.tenant.switches, usual);
      }
    });
  });

  describe('and removals', () => {
    it('past the threshold are refused whole with the true figures, and come again until they are allowed', async () => {
      for (const { id } of devices.slice(0, 6)) forest.tenant.devices.remove(id);
      update(devices[7] ?? device, { accountEnabled: false });
      update(devices[8] ?? device, { displayName: 'Renamed' });
      const before = await readHints(forest.statePath);
      const refused = await deltaRun();
      expect(refused.run).to.include({ outcome: 'Refused', disabled: 1, updated: 0 });
      expect(refused.planned.refusal?.message).to.contain('6').and.contain(`${DEVICES}`);
      expect(refused.report.summary).to.deep.include({ removals: 6 });
      expect(refused.report.summary.census).to.include({ ownedEnabled: DEVICES });
      expect(await readHints(forest.statePath)).to.deep.equal(before);
      expect((await deltaRun()).planned.refusal?.code).to.equal('RemovalThreshold');
      expect((await deltaRun({ maximumRemoval: 6 })).run).to.include({ outcome: 'Completed', disabled: 6, updated: 1 });
    });

    it('that 404 does not prove are held, told, and asked for again', async () => {
      forest.tenant.devices.remove(device.id);
      forest.tenant.faults.add({
        when: ({ kind, path }) => kind === 'inner' && path.endsWith(device.id),
        action: failure(403, 'Authorization_RequestDenied', 'Not now.'),
      });
      const answer = await forest.plan({ full: false });
      expect(resultOf(answer)).to.include({ changes: 0, held: 1 });
      const [held] = answer.outputs.map(({ item }) => item);
      expect(held).to.include({ action: 'Held', reason: 'AbsenceUnproven', objectId: device.id });
      expect(held?.['description']).to.contain('Not now.');
      await forest.apply(resultOf(answer));
      expect((await readHints(forest.statePath))?.pending).to.deep.equal([device.id]);
      await expectChanges('Disable Removal');
    });

    it('are counted beside an object of another tenant', async () => {
      await forest.modify(other, { adminDescription: 'DeviceWriteback 11111111-2222-3333-4444-555555555555' });
      forest.tenant.devices.remove(device.id);
      update(other, { displayName: 'Renamed' });
      expect(said(await deltaRun())).to.deep.equal(['Disable Removal', 'Held Foreign']);
    });
  });

  it('leaves an object of another tenant as it is, also where no other object is concerned', async () => {
    await forest.modify(other, { adminDescription: 'DeviceWriteback 11111111-2222-3333-4444-555555555555' });
    update(other, { displayName: 'Renamed' });
    expect(said(await deltaRun())).to.deep.equal(['Held Foreign']);
  });

  describe('does what the run before left', () => {
    it('a declined change', async () => {
      update(device, { displayName: 'Renamed' });
      update(other, { displayName: 'Renamed too' });
      await deltaRun({}, ({ objectId }) => objectId === device.id);
      expect((await readHints(forest.statePath))?.pending).to.deep.equal([device.id]);
      await deltaRun({}, () => true);
      await expectChanges('Update Flow');
      await expectEqual();
    });

    it('a declined change of a full run', async () => {
      update(device, { displayName: 'Renamed' });
      await forest.sync({}, () => true);
      await expectChanges('Update Flow');
      await expectEqual();
    });

    it('a declined change of a device that registered anew, and then goes too', async () => {
      forest.tenant.devices.remove(device.id);
      const anew = forest.addDevice({ deviceId: device['deviceId'] });
      expect(said(await deltaRun({}, () => true))).to.deep.equal(['Update Flow']);
      forest.tenant.devices.remove(anew.id);
      await expectChanges('Disable Removal');
      expect(textOf(await forest.object(device), 'msDS-IsEnabled')).to.equal('FALSE');
    });

    it('a skipped change', async () => {
      update(device, { displayName: 'Renamed' });
      const planned = resultOf(await forest.plan({ full: false }));
      await forest.modify(device, { displayName: 'Meanwhile' });
      expect(resultOf(await forest.apply(planned))).to.include({ skipped: 1 });
      await expectChanges('Update Flow');
      await expectEqual();
    });

    it('a failed change', async () => {
      const { userName } = forest.account;
      const deny = `(D;;WP;;;${await sidOf(userName)})`;
      await forest.dc.addAccess(forest.dnOf(device), deny);
      update(device, { displayName: 'Renamed' });
      update(other, { displayName: 'Renamed too' });
      expect((await deltaRun()).run).to.include({ failed: 1, updated: 1, outcome: 'Failures' });
      expect((await readHints(forest.statePath))?.pending).to.deep.equal([device.id]);
      await forest.dc.ldapModify(`dn: ${forest.dnOf(device)}\nchangetype: delete\n`);
      await expectChanges('Create Flow');
      await expectEqual();
    });

    it('a change that is refused run after run, for one Graph request more', async () => {
      await forest.dc.addAccess(forest.dnOf(device), `(D;;WP;;;${await sidOf(forest.account.userName)})`);
      update(device, { displayName: 'Renamed' });
      for (let count = 0; count < 3; count += 1) {
        forest.tenant.requests.clear();
        const { result, errors } = await forest.apply(resultOf(await forest.plan({ full: false })));
        expect(result).to.include({ outcome: 'Failures', failed: 1 });
        expect(errors.map(({ code }) => code)).to.deep.equal(['DirectoryForbidden']);
        expect((await readHints(forest.statePath))?.pending).to.deep.equal([device.id]);
        expect(graphRequests()).to.equal(2);
      }
      const { errors } = await forest.apply(resultOf(await forest.plan()));
      expect(errors.map(({ code }) => code)).to.deep.equal(['DirectoryForbidden']);
      await forest.dc.ldapModify(`dn: ${forest.dnOf(device)}\nchangetype: delete\n`);
      await expectChanges('Create Flow');
      await expectEqual();
    });

    it('cancelled changes', async () => {
      const many = forest.addDevices(60);
      const { handle, digest } = resultOf(await forest.plan({ full: false }));
      const call = forest.engine.start('apply', { handle, digest, declined: [] });
      await call.said('$/progress');
      call.cancel();
      const cancelled = resultOf(await call.answer);
      expect(cancelled['outcome']).to.equal('Cancelled');
      const left = many.length - Number(cancelled['created']);
      expect(left).to.be.above(0);
      expect((await deltaRun()).run.created).to.equal(left);
      await expectEqual();
    });

    it('a property that could not be read', async () => {
      update(device, { operatingSystem: undefined, displayName: 'Renamed' });
      expect(said(await deltaRun())).to.deep.equal(['Update Flow', 'Held Unreadable']);
      expect((await readHints(forest.statePath))?.pending).to.deep.equal([device.id]);
      // Back to what it was: nothing that delta would tell.
      forest.tenant.switches.deltaLate = Number.POSITIVE_INFINITY;
      try {
        update(device, { operatingSystem: 'Linux' });
        expect(said(await deltaRun())).to.deep.equal(['Update Flow']);
      } finally {
        forest.tenant.switches.deltaLate = 0;
      }
      await expectEqual();
    });

    it('the changes of a run that was killed between its last write and the hints', async () => {
      update(device, { displayName: 'Renamed' });
      forest.tenant.devices.remove(other.id);
      const before = await readHints(forest.statePath);
      await forest.engine.end();
      forest.engine = await startEngine(undefined, { nodeArguments: ['--import', KILL_BEFORE_HINTS] });
      const planned = resultOf(await forest.plan({ full: false }));
      const failed = await forest.apply(planned).then(
        () => null,
        (error: Error) => error.message,
      );
      expect(failed).to.contain('The engine ended');
      forest.engine = await startEngine();
      expect(await readHints(forest.statePath)).to.deep.equal(before);
      expect(textOf(await forest.object(device), 'displayName')).to.equal('Renamed');
      const usn = await forest.usn();
      expect((await deltaRun()).planned.changes).to.equal(0);
      expect(await forest.usn()).to.equal(usn);
      expect((await readHints(forest.statePath))?.deltaLink).to.not.equal(before?.deltaLink);
    });
  });

  it('is not made dearer by what is held for good', async () => {
    const keyless = forest.addDevice({ alternativeSecurityIds: [] });
    const nameless = forest.addDevice({ displayName: null });
    const known = forest.addDevice();
    await deltaRun();
    await forest.modify(known, { adminDescription: 'Belongs to the help desk' });
    update(known, { displayName: 'Renamed' });
    update(keyless, { displayName: 'Renamed' });
    update(nameless, { operatingSystemVersion: '1' });
    expect(said(await deltaRun()).filter((one) => one.startsWith('Held'))).to.have.length(3);
    expect((await readHints(forest.statePath))?.pending).to.deep.equal([]);
    await deltaRun();
    expect(graphRequests()).to.equal(1);
  });

  describe('moves the hints on only at the end of an apply:', () => {
    it('a plan alone does not', async () => {
      const before = await readHints(forest.statePath);
      update(device, { displayName: 'Renamed' });
      const { handle } = resultOf(await forest.plan({ full: false }));
      await forest.engine.call('release', { handle });
      expect(await readHints(forest.statePath)).to.deep.equal(before);
      await expectChanges('Update Flow');
    });

    it('nor does an apply that an error ended', async () => {
      update(device, { displayName: 'Renamed' });
      const before = await readHints(forest.statePath);
      const planned = resultOf(await forest.plan({ full: false }));
      await forest.dc.kill();
      try {
        expect((await forest.apply(planned)).error?.code).to.equal('DirectoryUnreachable');
      } finally {
        await forest.dc.restart();
      }
      const { witness: _, ...after } = (await readHints(forest.statePath)) ?? { witness: null };
      expect(before).to.deep.include(after);
      await expectChanges('Update Flow');
    });

    it('nor one whose Graph could not be read', async () => {
      const before = await readHints(forest.statePath);
      forest.tenant.faults.add({ action: failure(403, 'Authorization_RequestDenied', 'No.'), times: 9 });
      expect((await forest.plan({ full: false })).error?.code).to.equal('GraphForbidden');
      forest.tenant.faults.clear();
      expect(await readHints(forest.statePath)).to.deep.equal(before);
    });
  });

  describe('gives way to a full run', () => {
    const afterwards = [
      ['that is asked for', 'it was asked for', () => undefined, { full: true }],
      ['of which 0 hours are the time between two', '0 hours old or older', () => undefined, { fullAfter: 0 }],
      ['24 hours after the last complete read', '24 hours old or older', () => readAt(-24), {}],
      ['after so many hours as are set', '3 hours old or older', () => readAt(-3), { fullAfter: 3 }],
      ['where the last complete read lies in the future', 'lies in the future', () => readAt(1), {}],
      ['for another scope', 'the scope is not that of the run before', () => undefined, { trustType: ['AzureAd'] }],
      ['for another time of retention', 'the policy is not', () => undefined, { deleteAfter: 7 }],
      ['where removed objects are to be kept', 'the policy is not', () => undefined, { keepRemoved: true }],
      ['for another attribute flow', 'the attribute flow is not', () => ground('the attribute flow', '0'), {}],
      ['for another container', 'the container is not', () => ground('the container', 'another'), {}],
      ['where there are no hints', 'no hints', async () => rm((await hintsFile(forest.statePath)) ?? ''), {}],
    ] as const;
    const readAt = (hours: number): Promise<void> =>
      changeHints(forest.statePath, () => ({ completeRead: new Date(Date.now() + hours * 3_600_000).toISOString() }));
    const ground = (name: string, value: string): Promise<void> =>
      changeHints(forest.statePath, ({ grounds }) => ({ grounds: { ...grounds, [name]: value } }));

    /** A full run that says why and sees what no delta run would; the next is a delta run again. */
    async function expectFull(why: string | RegExp, more: object = {}): Promise<readonly string[]> {
      await forest.modify(device, { displayName: 'Drifted' });
      const answer = await forest.plan({ full: false, ...more });
      const told = resultOf(await forest.apply(resultOf(answer)));
      expect(told).to.include({ reading: 'Full', updated: 1 });
      expect(told['why']).to.match(typeof why === 'string' ? new RegExp(why) : why);
      const { full: _, fullAfter: __, ...lasting } = { full: false, fullAfter: 0, ...more };
      expect((await run(lasting)).run.reading).to.equal('Delta');
      return answer.logs.filter(({ level }) => level === 'warning').map(({ message }) => message);
    }

    for (const [title, why, arrange, more] of afterwards) {
      it(title, async () => {
        await arrange();
        expect(await expectFull(why, more)).to.deep.equal([]);
      });
    }

    it('with a warning for another domain controller', async () => {
      await ground('the domain controller', 'dc9.corp.contoso.test');
      const told = await expectFull('the domain controller is not that of the run before');
      expect(told.join('\n')).to.contain('dc9.corp.contoso.test');
    });

    it('with a warning where the hints are damaged', async () => {
      await writeFile((await hintsFile(forest.statePath)) ?? '', '{"formatVersion":1,"checksum":"');
      expect((await expectFull('no hints')).join('\n'))
        .to.contain('hints.json')
        .and.contain('damaged');
    });

    it('with a warning where a hint was changed without its checksum', async () => {
      const file = (await hintsFile(forest.statePath)) ?? '';
      const hints = await readHints(forest.statePath);
      const stored = JSON.stringify({ formatVersion: 1, checksum: '0'.repeat(64), hints });
      await writeFile(file, stored);
      expect((await expectFull('no hints')).join('\n')).to.contain('damaged');
    });

    it('never for another tenant with the delta link of this one', async () => {
      const tenant = await startGraphEmulator({ tenantId: '5ab1c2d3-e4f5-4a6b-8c7d-9e0f1a2b3c4d' });
      try {
        tenant.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] });
        const answer = await forest.plan({
          full: false,
          tenantId: tenant.tenantId,
          environment: { graph: tenant.graphUrl, login: tenant.loginUrl },
        });
        expect(answer.error?.code).to.equal('OtherTenant');
        const links = tenant.requests.all().filter(({ path }) => path === '/v1.0/devices/delta');
        for (const { query } of links) expect(query).to.contain('$deltatoken=latest');
      } finally {
        await tenant.stop();
      }
      await deltaRun();
    });

    for (const [title, refusal] of [
      ['400 syncStateNotFound', SYNC_STATE_NOT_FOUND],
      ['410', GONE],
    ] as const) {
      it(`with a warning for an expired delta token, told by ${title}`, async () => {
        forest.tenant.deltaLinks.expireAll();
        forest.tenant.switches.expiredDelta = refusal;
        const told = await expectFull(/no longer takes the delta link.*expired/);
        expect(told.join('\n')).to.contain('Everything is read').and.contain('expired');
      });
    }

    it('with a warning for a delta token that Graph does not know', async () => {
      await changeHints(forest.statePath, ({ deltaLink }) => ({ deltaLink: `${deltaLink}x` }));
      expect((await expectFull(/Badly formed token/)).join('\n')).to.contain('Badly formed token');
    });

    it('with a warning for a delta link to another host, to which nothing is sent', async () => {
      const foreign = await startGraphEmulator();
      try {
        await changeHints(forest.statePath, ({ deltaLink }) => ({
          deltaLink: deltaLink.replace(forest.tenant.graphUrl, foreign.graphUrl),
        }));
        expect((await expectFull(/not followed/)).join('\n')).to.contain(foreign.graphUrl);
        expect(foreign.requests.all()).to.deep.equal([]);
      } finally {
        await foreign.stop();
      }
    });

    it('with a warning for an error in a page', async () => {
      forest.tenant.faults.add({
        when: ({ path }) => path === '/v1.0/devices/delta',
        action: failure(404, 'Request_ResourceNotFound', 'No such thing.'),
      });
      expect((await expectFull(/No such thing/)).join('\n')).to.contain('No such thing');
    });

    it('for what an expired token has lost: a delete meanwhile', async () => {
      forest.tenant.devices.purge(device.id);
      forest.tenant.deltaLinks.expireAll();
      const synced = await run();
      expect(synced.run.reading).to.equal('Full');
      expect(said(synced)).to.deep.equal(['Disable Removal']);
      expect(warnings(synced)).to.deep.equal([]);
    });

    it('not for a throttled delta, which is asked for again', async () => {
      update(device, { displayName: 'Renamed' });
      forest.tenant.faults.add({ when: ({ path }) => path.endsWith('/delta'), action: throttled('0.05') });
      await expectChanges('Update Flow');
    });

    it('when more than 1,000 devices wait', async function () {
      this.timeout(120_000);
      forest.addDevices(1000);
      expect((await deltaRun({}, () => true)).run.declined).to.equal(1000);
      expect((await readHints(forest.statePath))?.pending).to.have.length(1000);
      forest.addDevice();
      expect((await deltaRun({}, () => true)).run.declined).to.equal(1001);
      expect(await readHints(forest.statePath)).to.equal(null);
      expect((await run({}, () => true)).run).to.include({ reading: 'Full', declined: 1001 });
    });
  });

  describe('does not see, and a full run does,', () => {
    /** A delta run has nothing to do, a full run has this. */
    async function expectFullOnly(expected: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
      expect((await deltaRun(more)).planned.changes).to.equal(0);
      expect(said(await forest.sync(more))).to.deep.equal([expected]);
    }

    it('a change of the owner', async () => {
      const owner = forest.tenant.users.add(newUser());
      update(device, { registeredOwners: [owner.id] });
      await expectFullOnly('Update Flow');
      forest.tenant.users.update(owner.id, { onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-4567' });
      await expectFullOnly('Update Flow');
      await expectEqual();
    });

    it('the membership of a group', async () => {
      const group = forest.tenant.groups.add(newGroup({ members: devices.map(({ id }) => id) }));
      forest.tenant.apps.grant(CLIENT_ID, ['Device.Read.All', 'User.Read.All', 'GroupMember.Read.All']);
      await forest.sync({ group: [group.id] });
      forest.tenant.groups.update(group.id, { members: devices.slice(1).map(({ id }) => id) });
      await expectFullOnly('Disable Removal', { group: [group.id] });
    });

    it('what somebody changed in the directory', async () => {
      await forest.modify(device, { displayName: 'Drifted' });
      await expectFullOnly('Update Flow');
      await expectEqual();
    });

    it('a delete that is due, even where the device is named again', async () => {
      forest.tenant.devices.remove(device.id);
      await deltaRun();
      await forest.modify(device, { adminDescription: `${MARK} removed 2024-01-01T00:00:00Z` });
      forest.tenant.devices.purge(device.id);
      await expectFullOnly('Delete Retention');
      expect(await forest.object(device)).to.equal(null);
    });

    it('that objects of removed devices go at once: it disables them', async () => {
      await forest.sync({ deleteAfter: 0 });
      forest.tenant.devices.remove(device.id);
      expect(said(await deltaRun({ deleteAfter: 0 }))).to.deep.equal(['Disable Removal']);
      await expectFullOnly('Delete Retention', { deleteAfter: 0 });
    });
  });

  async function sidOf(userName: string): Promise<string> {
    const [entry] = await forest.dc.ldbSearch(`(userPrincipalName=${userName})`, ['objectSid']);
    return String(entry?.attributes.get('objectSid')?.[0] ?? '');
  }
});
