import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { newDevice } from '../emulator/newEntities.ts';
import { Forest, resultOf } from './forest.ts';
import { desiredObjects } from './oracle.ts';

describe('commands/handlers', () => {
  let forest: Forest;

  before(async () => {
    forest = await Forest.startPrepared();
  });

  after(() => forest.stop());

  beforeEach(() => forest.clear());

  /** Connections that the engine has open to the domain controller. */
  function connections(): number {
    const port = forest.dc.securePort.toString(16).toUpperCase().padStart(4, '0');
    const address = forest.dc.address
      .split('.')
      .toReversed()
      .map((part) => Number(part).toString(16).padStart(2, '0'));
    const remote = ` ${address.join('').toUpperCase()}:${port} 01 `;
    return readFileSync(`/proc/${forest.engine.pid}/net/tcp`, 'utf8')
      .split('\n')
      .filter((line) => line.includes(remote)).length;
  }

  async function expectNoConnection(): Promise<void> {
    for (let tries = 0; connections() > 0 && tries < 40; tries += 1) await delay(25);
    expect(connections()).to.equal(0);
  }

  it('knows no plan under a handle that it never gave', async () => {
    for (const method of ['apply', 'enable/apply'] as const) {
      const { error } = await forest.engine.call(method, { handle: 'made up', digest: 'x', declined: [] });
      expect(error).to.include({ code: 'PlanUnknown', category: 'InvalidOperation' });
    }
  });

  it('drops a released plan with its connection, and takes an unknown handle for released', async () => {
    forest.addDevice();
    const planned = resultOf(await forest.plan());
    expect(connections()).to.equal(1);
    expect(await forest.engine.call('release', { handle: planned['handle'] })).to.deep.include({
      result: {},
      error: null,
    });
    expect(await forest.engine.call('release', { handle: planned['handle'] })).to.deep.include({
      result: {},
      error: null,
    });
    expect((await forest.apply(planned)).error?.code).to.equal('PlanUnknown');
    await expectNoConnection();
  });

  it('keeps no connection after a call that ended, well or not', async () => {
    forest.addDevice();
    await forest.sync();
    await forest.engine.call('explain', { ...forest.params, devices: ['x'] });
    await forest.engine.call('test', forest.params);
    await forest.plan({ tenantId: '11111111-2222-3333-4444-555555555555' });
    await expectNoConnection();
  });

  it('keeps two plans apart that are made at once and applied one after the other', async () => {
    forest.addDevices(20);
    const [first, second] = await Promise.all([forest.plan(), forest.plan()]);
    expect(resultOf(first)['handle']).to.not.equal(resultOf(second)['handle']);
    expect(resultOf(first)['digest']).to.equal(resultOf(second)['digest']);
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    const even = await forest.apply(
      resultOf(first),
      numbers.filter((number) => number % 2 === 1),
    );
    const odd = await forest.apply(
      resultOf(second),
      numbers.filter((number) => number % 2 === 0),
    );
    expect(resultOf(even)).to.include({ created: 10, declined: 10, failed: 0 });
    expect(resultOf(odd)).to.include({ created: 10, declined: 10, failed: 0 });
    expect(new Set((await forest.objects()).keys())).to.deep.equal(new Set(desiredObjects(forest.tenant).keys()));
    expect(await forest.reports()).to.have.length(2);
  });

  it('serves a test while it writes', async () => {
    for (let count = 0; count < 60; count += 1) forest.tenant.devices.add(newDevice());
    const planned = resultOf(await forest.plan());
    const [applied, tested] = await Promise.all([forest.apply(planned), forest.engine.call('test', forest.params)]);
    expect(resultOf(applied)).to.include({ outcome: 'Completed', created: 60 });
    expect(resultOf(tested)).to.deep.equal({ passed: true });
  });
});
