import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import type { SavedPlan } from '../../src/ports.ts';
import type { WireChange } from '../../src/protocol/messages.ts';
import { startEngine } from '../protocol/engineClient.ts';
import { Forest, resultOf } from './forest.ts';

describe('a plan in a file', () => {
  let forest: Forest;
  before(async () => {
    forest = await Forest.startPrepared();
  });
  after(async () => forest?.stop());
  beforeEach(async () => forest.clear());

  const file = (name: string): string => path.join(forest.statePath, name);

  async function save(name = 'plan.json', more: object = {}): Promise<string> {
    const saved = await forest.plan({ outFile: file(name), ...more });
    const { handle, digest } = resultOf(saved);
    await forest.engine.call('release', { handle: String(handle) });
    return String(digest);
  }

  /** Applies a plan file as Sync-DeviceWriteback -Plan does. */
  function applyFile(name: string, digest: string, more: object = {}): ReturnType<Forest['sync']> {
    return forest.sync({ full: undefined, planFile: file(name), planDigest: digest, ...more });
  }

  it('is applied as it was saved, and the run after it reads everything', async () => {
    forest.addDevices(3);
    const digest = await save();
    expect(await forest.entries()).to.have.length(0);
    const late = forest.addDevice();
    const { run } = await applyFile('plan.json', digest);
    expect(run).to.include({ reading: 'PlanFile', outcome: 'Completed', created: 3, digest });
    expect(await forest.object(late)).to.equal(null);
    const next = await forest.sync({ full: undefined });
    expect(next.run).to.include({ reading: 'Full', created: 1 });
  });

  it('is refused whole for another digest, another tenant, too great an age, or a change that no plan has', async () => {
    const [device] = forest.addDevices(1);
    const digest = await save();
    const text = await readFile(file('plan.json'), 'utf8');
    const saved = JSON.parse(text) as SavedPlan;
    const usn = await forest.usn();
    const refused = async (content: object | string, given: string, more: object = {}): Promise<string | undefined> => {
      await writeFile(file('bad.json'), typeof content === 'string' ? content : JSON.stringify(content));
      const params = { ...forest.params, planFile: file('bad.json'), planDigest: given, ...more };
      return (await forest.engine.call('plan', params)).error?.code;
    };
    expect(await refused(text, 'ab'.repeat(32))).to.equal('DigestMismatch');
    expect(await refused(text, 'not a digest')).to.equal('ParameterInvalid');
    expect(await refused(text.replaceAll(device?.['displayName'] as string, 'Somebody'), digest)).to.equal(
      'DigestMismatch',
    );
    expect(await refused({ ...saved, tenantId: '11111111-2222-4333-8444-555555555555' }, digest)).to.equal(
      'PlanFileForeign',
    );
    const old = new Date(Date.now() - 25 * 60 * 60 * 1000).toISOString();
    expect(await refused({ ...saved, made: old }, digest)).to.equal('PlanFileTooOld');
    expect(await refused({ ...saved, made: old }, digest, { planMaximumAge: 48 })).to.equal(undefined);
    expect(await refused('{', digest)).to.equal('PlanFileInvalid');
    expect(await forest.usn()).to.equal(usn);
  });

  it('skips a change whose object is not any longer as it was when the plan was made', async () => {
    const [one, two] = forest.addDevices(2);
    if (one === undefined || two === undefined) throw new Error('There are no devices.');
    await forest.sync();
    forest.tenant.devices.update(one.id, { displayName: 'New-1' });
    forest.tenant.devices.update(two.id, { displayName: 'New-2' });
    const digest = await save();
    await forest.modify(one, { displayName: 'Changed-by-hand' });
    const { run } = await applyFile('plan.json', digest);
    expect(run).to.include({ updated: 1, skipped: 1, failed: 0 });
  });

  it('counts its removals against what the container holds now', async () => {
    const devices = forest.addDevices(8);
    await forest.sync();
    for (const device of devices.slice(0, 7)) forest.tenant.devices.remove(device.id);
    const digest = await save();
    expect((await applyFile('plan.json', digest)).run).to.include({ outcome: 'Refused', disabled: 0 });
    expect((await applyFile('plan.json', digest, { maximumRemoval: 7 })).run).to.include({
      outcome: 'Completed',
      disabled: 7,
    });
  });

  it('is saved as text and as LDIF for review', async () => {
    forest.addDevices(1);
    await save('plan.txt', { format: 'Text' });
    await save('plan.ldif', { format: 'ldif' });
    expect(await readFile(file('plan.txt'), 'utf8')).to.match(/^\+ create \(flow\) CN=/);
    expect(await readFile(file('plan.ldif'), 'utf8')).to.match(/changetype: add/);
  });

  it('takes a run back: undo after apply restores every value, and what Entra contradicts is named', async () => {
    const [changed, gone, created] = forest.addDevices(2);
    if (changed === undefined || gone === undefined) throw new Error('There are no devices.');
    await forest.sync();
    const before = await forest.objects();
    forest.tenant.devices.update(changed.id, { displayName: 'Renamed', isCompliant: null, physicalIds: ['[GID]:g:7'] });
    forest.tenant.devices.remove(gone.id);
    forest.addDevice({ displayName: 'Created-and-undone' });
    expect(created).to.equal(undefined);
    const { run } = await forest.sync();
    expect(run).to.include({ created: 1, updated: 1, disabled: 1 });
    const undo = path.join(path.dirname(run.reportPath), `undo-${run.runId}.json`);
    const { digest } = JSON.parse(await readFile(undo, 'utf8')) as SavedPlan;
    const planned = await forest.engine.call('plan', { ...forest.params, planFile: undo, planDigest: digest });
    expect(planned.error).to.equal(null);
    expect(planned.logs.map(({ message }) => message).join('\n')).to.contain('Entra contradicts');
    const applied = await forest.apply(resultOf(planned));
    expect(resultOf(applied)).to.include({ outcome: 'Completed', failed: 0, skipped: 0 });
    expect(await forest.objects()).to.deep.equal(before);
  });

  it('makes an object that was deleted again, with every value that may be written', async () => {
    const [device] = forest.addDevices(2);
    if (device === undefined) throw new Error('There is no device.');
    await forest.sync();
    const before = await forest.objects();
    forest.tenant.devices.remove(device.id);
    const { run } = await forest.sync({ deleteAfter: 0 });
    expect(run).to.include({ deleted: 1 });
    const undo = path.join(path.dirname(run.reportPath), `undo-${run.runId}.json`);
    const { digest } = JSON.parse(await readFile(undo, 'utf8')) as SavedPlan;
    const planned = await forest.engine.call('plan', { ...forest.params, planFile: undo, planDigest: digest });
    await forest.apply(resultOf(planned));
    expect(await forest.objects()).to.deep.equal(before);
  });

  it('adopts what another program left, with the plan reviewed first', async () => {
    const [device] = forest.addDevices(1);
    if (device === undefined) throw new Error('There is no device.');
    await forest.sync();
    await forest.modify(device, { adminDescription: null });
    const held = await forest.plan();
    expect(held.outputs.map(({ item }) => (item as unknown as WireChange).reason)).to.deep.equal(['Unowned']);
    // The object carries an anchor and is new: to the plan it is Entra Connect's, at work this minute.
    const beside = await forest.plan({ adopt: true });
    expect(beside.outputs.map(({ item }) => (item as unknown as WireChange).reason)).to.deep.equal(['SecondWriter']);
  });

  it('lets one run at a time write, and says who is at work', async () => {
    forest.addDevices(300);
    const planned = resultOf(await forest.plan());
    const second = await startEngine();
    try {
      const other = resultOf(await second.call('plan', { ...forest.params, full: true }));
      const first = forest.engine.start('apply', {
        handle: planned['handle'],
        digest: planned['digest'],
        declined: [],
      });
      await first.said('$/progress');
      const refused = await second.call('apply', { handle: other['handle'], digest: other['digest'], declined: [] });
      expect(refused.error?.code).to.equal('RunInProgress');
      expect((await first.answer).error).to.equal(null);
    } finally {
      await second.end();
    }
  });
});
