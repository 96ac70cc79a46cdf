import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { startEngine, type EngineCall } from '../protocol/engineClient.ts';
import { Forest, resultOf, type Synced } from './forest.ts';
import { desiredObjects } from './oracle.ts';

const DEVICES = 120;

describe('a run that is interrupted in the middle of writing', () => {
  let forest: Forest;

  before(async () => {
    forest = await Forest.startPrepared();
  });

  after(() => forest.stop());

  beforeEach(async () => {
    await forest.clear();
    forest.addDevices(DEVICES);
  });

  /** A call of apply that has written its first object. */
  async function applying(): Promise<EngineCall> {
    const { handle, digest } = resultOf(await forest.plan());
    const call = forest.engine.start('apply', { handle, digest, declined: [] });
    call.answer.catch(() => undefined);
    await call.said('$/progress');
    return call;
  }

  async function newEngine(): Promise<void> {
    forest.engine = await startEngine();
  }

  /** The next run does what the interrupted one left, and nothing twice. */
  async function expectNextCompletes(): Promise<Synced> {
    const synced = await forest.sync();
    expect(synced.run).to.include({ outcome: 'Completed', failed: 0, skipped: 0 });
    const objects = await forest.objects();
    const desired = desiredObjects(forest.tenant);
    expect(objects.size).to.equal(desired.size);
    for (const [deviceId, object] of objects) expect(object).to.deep.equal(desired.get(deviceId));
    expect((await forest.stateFiles()).filter((name) => name.startsWith('journal-'))).to.deep.equal([]);
    return synced;
  }

  it('by a stop answers within 2 s, with a report, and the next run completes it', async () => {
    const call = await applying();
    const started = performance.now();
    call.cancel();
    const run = resultOf(await call.answer);
    expect(performance.now() - started).to.be.below(2000);
    const written = (await forest.objects()).size;
    expect(run).to.include({ outcome: 'Cancelled', created: written, cancelled: DEVICES - written, failed: 0 });
    expect(run['error']).to.include({ code: 'Cancelled', category: 'OperationStopped' });
    expect(written).to.be.within(1, DEVICES - 1);
    const [report] = await forest.reports();
    expect(report).to.include({ outcome: 'cancelled', runId: run['runId'] });
    expect(report?.counts).to.include({ created: written, cancelled: DEVICES - written, unknown: 0 });
    expect((await expectNextCompletes()).run.created).to.equal(DEVICES - written);
  });

  for (const [title, end] of [
    ['the end of its input', () => forest.engine.end()],
    ['a host that is killed', () => forest.engine.abandon()],
  ] as const) {
    it(`by ${title} ends within 2 s, with a report, and the next run completes it`, async () => {
      await applying();
      const { code, milliseconds } = await end();
      expect(code).to.equal(0);
      expect(milliseconds).to.be.below(2000);
      expect(forest.engine.complaints).to.equal('');
      const written = (await forest.objects()).size;
      expect(written).to.be.within(1, DEVICES - 1);
      const [report, ...others] = await forest.reports();
      expect(others).to.deep.equal([]);
      expect(report?.outcome).to.equal('cancelled');
      expect(report?.counts).to.include({ created: written, cancelled: DEVICES - written, unknown: 0 });
      await newEngine();
      expect((await expectNextCompletes()).run.created).to.equal(DEVICES - written);
    });
  }

  for (const [title, interrupt] of [
    ['a stop', (call: EngineCall) => call.cancel()],
    ['the end of its input', () => void forest.engine.end()],
  ] as const) {
    it(`by ${title} does not wait longer than 2 s for a domain controller that no longer answers`, async () => {
      const call = await applying();
      process.kill(-forest.dc.pid, 'SIGSTOP');
      try {
        await delay(50);
        const started = performance.now();
        interrupt(call);
        const run = resultOf(await call.answer);
        expect(performance.now() - started).to.be.below(2000);
        expect(run['outcome']).to.equal('Cancelled');
        const [report] = await forest.reports();
        const { created = 0, cancelled = 0, unknown = 0 } = report?.counts ?? {};
        expect(unknown).to.equal(1);
        expect(created + cancelled + unknown).to.equal(DEVICES);
      } finally {
        process.kill(-forest.dc.pid, 'SIGCONT');
      }
      await forest.engine.end();
      await newEngine();
      await expectNextCompletes();
    });
  }

  it('by kill -9 at any instant is told by the next run, which completes it', async () => {
    const instants = Array.from({ length: 5 }, () => randomInt(60));
    process.stdout.write(`      kill -9 after ${instants.join(', ')} ms of writing\n`);
    let interrupted = 0;
    for (const instant of instants) {
      await forest.clear();
      forest.addDevices(DEVICES);
      await applying();
      await delay(instant);
      await forest.engine.kill();
      const written = (await forest.objects()).size;
      const reported = (await forest.reports()).length;
      await newEngine();
      const { applied, run } = await expectNextCompletes();
      expect(run.created).to.equal(DEVICES - written);
      const reports = await forest.reports();
      expect(reports).to.have.length(2);
      if (reported === 1) continue;
      interrupted += 1;
      const killed = reports.find(({ runId }) => runId !== run.runId);
      expect(killed).to.include({ outcome: 'interrupted', graphRequests: null });
      const { created = -1, unknown = -1 } = killed?.counts ?? {};
      expect(created).to.be.at.most(written);
      expect(created + unknown).to.be.at.least(written);
      expect(unknown).to.be.within(0, 1);
      const warnings = applied.logs.filter(({ level }) => level === 'warning').map(({ message }) => message);
      expect(warnings.join('\n')).to.contain('interrupted').and.contain(killed?.runId);
    }
    expect(interrupted).to.be.at.least(1);
  });

  it('by the end of the domain controller ends with a clear error and a report, and the next run completes it', async () => {
    const call = await applying();
    const started = performance.now();
    await forest.dc.kill();
    const { error } = await call.answer;
    expect(error).to.include({ code: 'DirectoryUnreachable', category: 'ConnectionError', retryable: true });
    expect(error?.message).to.contain(forest.dc.address);
    expect(performance.now() - started).to.be.below(20_000);
    const [report] = await forest.reports();
    expect(error?.remedy).to.contain(`report-${report?.runId ?? 'nothing'}`);
    expect(report).to.include({ outcome: 'interrupted' });
    expect(report?.error?.code).to.equal('DirectoryUnreachable');
    await forest.dc.restart();
    const written = (await forest.objects()).size;
    expect(written).to.be.within(1, DEVICES - 1);
    const { created = -1, unknown = -1, failed = -1 } = report?.counts ?? {};
    expect(failed).to.equal(0);
    expect(created).to.be.at.most(written);
    expect(created + unknown).to.be.at.least(written);
    expect((await expectNextCompletes()).run.created).to.equal(DEVICES - written);
  });

  it('in the reading by a stop writes nothing and leaves no report', async () => {
    forest.tenant.faults.add({
      when: (request) => request.kind === 'graph' && request.path === '/v1.0/devices',
      action: { kind: 'delay', milliseconds: 20_000 },
    });
    const usn = await forest.usn();
    const call = forest.engine.start('plan', { ...forest.params, verbose: true });
    await call.said('$/log');
    await delay(200);
    const started = performance.now();
    call.cancel();
    expect((await call.answer).error?.code).to.equal('Cancelled');
    expect(performance.now() - started).to.be.below(2000);
    expect(await forest.usn()).to.equal(usn);
    expect(await forest.stateFiles()).to.deep.equal([]);
  });
});
