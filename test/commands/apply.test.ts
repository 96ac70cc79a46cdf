import { expect } from 'chai';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { WireResult, WireRun } from '../../src/protocol/messages.ts';
import { Forest, resultOf } from './forest.ts';
import { desiredObject, desiredObjects, textOf } from './oracle.ts';

const DEVICES = 60;

describe('commands/apply', () => {
  let forest: Forest;

  before(async () => {
    forest = await Forest.startPrepared({ devices: DEVICES });
  });

  after(() => forest.stop());

  describe('the first sync of a tenant with devices of all kinds, as the account with the least rights', () => {
    let run: WireRun;
    let results: readonly WireResult[];

    before(async () => {
      const synced = await forest.sync();
      run = synced.run;
      results = synced.applied.outputs.map(({ item }) => item as unknown as WireResult);
      expect(synced.applied.errors).to.deep.equal([]);
    });

    it('makes one object for each eligible device, byte for byte what Entra says, and no other', async () => {
      const desired = desiredObjects(forest.tenant);
      const objects = await forest.objects();
      expect([...objects.keys()].sort()).to.deep.equal([...desired.keys()].sort());
      for (const [deviceId, object] of objects) expect(object, deviceId).to.deep.equal(desired.get(deviceId));
      expect(desired.size).to.be.within(DEVICES * 0.8, DEVICES - 1);
    });

    it('names each object by its device id in lower case', async () => {
      for (const { dn, attributes } of await forest.entries()) {
        const cn = attributes.get('cn')?.[0]?.toString() ?? '';
        expect(dn).to.equal(`CN=${cn},${forest.dc.deviceContainerDn}`);
        expect(desiredObjects(forest.tenant).has(cn), cn).to.equal(true);
      }
    });

    it('answers with one result for each change, and with counts that ldapsearch confirms', async () => {
      const objects = await forest.objects();
      expect(results.map(({ state }) => state)).to.deep.equal(results.map(() => 'Applied'));
      expect(results.map(({ deviceId }) => deviceId)).to.have.members([...objects.keys()]);
      expect(run).to.include({ outcome: 'Completed', created: objects.size, updated: 0, failed: 0, error: null });
      expect(run.held).to.equal(DEVICES - objects.size);
    });

    it('leaves a report with the same counts and every change, and no journal', async () => {
      const reports = await forest.reports();
      expect(reports).to.have.length(1);
      const [report] = reports;
      expect(report).to.include({ outcome: 'completed', runId: run.runId, digest: run.digest, error: null });
      expect(report?.counts).to.include({ created: run.created, failed: 0, cancelled: 0, unknown: 0 });
      expect(report?.changes.map(({ result }) => result.state)).to.deep.equal(results.map(() => 'applied'));
      expect(
        report?.changes.every(({ result: { milliseconds } }) => milliseconds !== null && milliseconds < 60_000),
      ).to.equal(true);
      expect(report?.directoryRequests).to.be.within(run.created, run.created + 40);
      expect(report?.held).to.have.length(run.held);
      expect(JSON.stringify(report)).to.not.contain(forest.account.password);
      expect((await forest.stateFiles()).filter((name) => name.startsWith('journal-'))).to.deep.equal([]);
    });

    it('writes nothing in the second sync', async () => {
      const usn = await forest.usn();
      const { run: second } = await forest.sync();
      expect(second).to.include({ outcome: 'Completed', created: 0, updated: 0, disabled: 0, enabled: 0, deleted: 0 });
      expect(second.unchanged).to.equal(run.created);
      expect(await forest.usn()).to.equal(usn);
    });

    it('tells of no single change where nobody asks for results', async () => {
      const more = forest.addDevices(2);
      const { handle, digest } = resultOf(await forest.plan());
      const { outputs, result } = await forest.engine.call('apply', { handle, digest, declined: [] });
      expect(outputs).to.deep.equal([]);
      expect(result).to.include({ outcome: 'Completed', created: more.length });
    });
  });

  describe('a small tenant', () => {
    beforeEach(() => forest.clear());

    it('leaves declined changes undone, counts them, and plans them again', async () => {
      const [first, second] = forest.addDevices(2);
      const { run } = await forest.sync({}, ({ deviceId }) => deviceId === first?.['deviceId']);
      expect(run).to.include({ outcome: 'Completed', created: 1, declined: 1 });
      expect([...(await forest.objects()).keys()]).to.deep.equal([second?.['deviceId']]);
      expect((await forest.sync()).run).to.include({ created: 1, declined: 0 });
    });

    it('writes nothing and still reports when every change is declined', async () => {
      forest.addDevices(2);
      const usn = await forest.usn();
      const { run, report } = await forest.sync({}, () => true);
      expect(run).to.include({ outcome: 'Completed', created: 0, declined: 2 });
      expect(report.declined).to.equal(2);
      expect(await forest.usn()).to.equal(usn);
    });

    it('applies a plan once only, and only under the digest that was shown', async () => {
      forest.addDevice();
      const planned = resultOf(await forest.plan());
      const wrong = await forest.apply({ ...planned, digest: '0'.repeat(64) });
      expect(wrong.error?.code).to.equal('PlanUnknown');
      expect((await forest.apply(planned)).error?.code).to.equal('PlanUnknown');
      expect((await forest.objects()).size).to.equal(0);
      const again = resultOf(await forest.plan());
      resultOf(await forest.apply(again));
      expect((await forest.apply(again)).error?.code).to.equal('PlanUnknown');
    });

    it('tells a change whose object changed meanwhile as skipped and does the others', async () => {
      const [first, second] = forest.addDevices(2);
      if (first === undefined || second === undefined) throw new Error('There are two devices.');
      await forest.sync();
      for (const device of [first, second]) forest.tenant.devices.update(device.id, { displayName: 'Renamed' });
      const planned = resultOf(await forest.plan());
      await forest.modify(first, { adminDescription: 'DeviceWriteback 11111111-2222-3333-4444-555555555555' });
      const applied = await forest.apply(planned);
      expect(resultOf(applied)).to.include({ outcome: 'Completed', updated: 1, skipped: 1, failed: 0 });
      const skipped = applied.outputs.map(({ item }) => item).find((item) => item['state'] === 'Skipped');
      expect(skipped?.['message']).to.contain('mark');
      expect(textOf(await forest.object(first), 'displayName')).to.equal(first['displayName']);
      expect(textOf(await forest.object(second), 'displayName')).to.equal('Renamed');
    });

    it('tells one failed change as an error of its own and does the others', async () => {
      const [first, second] = forest.addDevices(2);
      if (first === undefined || second === undefined) throw new Error('There are two devices.');
      const planned = resultOf(await forest.plan());
      await forest.dc.ldapAdd(otherDevice(forest.dnOf(first)));
      const applied = await forest.apply(planned);
      expect(resultOf(applied)).to.include({ outcome: 'Failures', created: 1, failed: 1 });
      expect(applied.errors).to.have.length(1);
      expect(applied.errors[0]).to.include({ code: 'ChangeFailed', target: forest.dnOf(first) });
      expect(applied.errors[0]?.remedy).to.not.equal('');
      expect((await forest.reports())[0]?.counts).to.include({ created: 1, failed: 1 });
      expect(await forest.object(second)).to.deep.equal(desiredObject(second, forest.tenant));
    });

    describe('what ends a run before its first write', () => {
      it('is an account without any right', async () => {
        forest.addDevices(3);
        const { userName, password } = await forest.dc.addUser('svc-no-rights', 'Lab-Svc-Passw0rd!');
        const planned = resultOf(await forest.plan({ credential: { userName, password } }));
        const usn = await forest.usn();
        const { error, errors } = await forest.apply(planned);
        expect(error).to.include({ code: 'DirectoryForbidden', target: forest.dc.deviceContainerDn });
        expect(error?.remedy).to.contain('Enable-DeviceWriteback -AdConnectorAccount');
        expect(errors).to.deep.equal([]);
        expect(await forest.usn()).to.equal(usn);
      });

      it('is a state path that is a file', async () => {
        forest.addDevice();
        const statePath = path.join(forest.statePath, 'a-file');
        await writeFile(statePath, '');
        await refusesState(statePath);
      });

      it('is a state path in a folder that the system forbids to write', async () => {
        forest.addDevice();
        await refusesState('/proc/devicewriteback');
      });

      async function refusesState(statePath: string): Promise<void> {
        const planned = resultOf(await forest.plan({ statePath }));
        const usn = await forest.usn();
        const { error } = await forest.apply(planned);
        expect(error?.code).to.equal('StateUnwritable');
        expect(error?.message).to.contain(statePath);
        expect(error?.remedy).to.not.equal('');
        expect(await forest.usn()).to.equal(usn);
        expect((await forest.objects()).size).to.equal(0);
      }
    });
  });

  function otherDevice(dn: string): string {
    return `dn: ${dn}
objectClass: msDS-Device
displayName: Somebody else's
altSecurityIdentities: X509:<SHA1-TP-PUBKEY>other
msDS-DeviceID:: ${Buffer.alloc(16, 7).toString('base64')}
msDS-IsEnabled: TRUE
`;
  }
});
