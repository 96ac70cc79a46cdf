import { rm } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import type { Answer } from '../protocol/engineClient.ts';
import { Forest } from './forest.ts';

describe('another machine that syncs the same directory', () => {
  let forest: Forest;
  before(async () => {
    forest = await Forest.startPrepared();
  });
  after(async () => forest?.stop());
  beforeEach(async () => forest.clear());

  const warnings = ({ logs }: Answer): string =>
    logs.flatMap(({ level, message }) => (level === 'warning' ? [message] : [])).join('\n');

  it('is told by the objects that it created since the last run of this one', async () => {
    forest.addDevices(3);
    await forest.sync();
    // whenCreated has whole seconds, and so has the clock that it is compared with.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    forest.addDevices(2);
    const elsewhere = { statePath: path.join(forest.statePath, 'of-another-machine') };
    await forest.sync(elsewhere);
    await rm(elsewhere.statePath, { recursive: true });
    const { applied } = await forest.sync();
    expect(warnings(applied)).to.match(/^2 device objects .* another machine or account syncs this directory too/);
    const again = await forest.sync();
    expect(warnings(again.applied)).to.equal('');
  });

  it('is told after delta runs too, which look at no object', async () => {
    forest.addDevices(3);
    await forest.sync();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    forest.addDevices(1);
    const elsewhere = { statePath: path.join(forest.statePath, 'of-another-machine') };
    await forest.sync(elsewhere);
    await rm(elsewhere.statePath, { recursive: true });
    forest.addDevices(2);
    const { run } = await forest.sync({ full: false });
    expect(run).to.include({ reading: 'Delta', created: 2 });
    expect(warnings((await forest.sync()).applied)).to.match(/^1 device objects/);
  });

  it('is not taken for one by what this machine created itself', async () => {
    for (let run = 0; run < 3; run += 1) {
      forest.addDevices(2);
      const { applied } = await forest.sync();
      expect(warnings(applied)).to.equal('');
    }
  });
});
