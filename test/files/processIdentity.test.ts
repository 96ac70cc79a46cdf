import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { isProcessIdentity, mayRun, ownIdentity, SILENCE } from '../../src/files/processIdentity.ts';

const NOW = new Date('2026-11-22T14:00:00Z');
const LONG_AGO = new Date(NOW.getTime() - SILENCE);
const JUST_NOW = new Date(NOW.getTime() - SILENCE + 1);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}

describe('processIdentity', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('describes this process so that it is seen running, however long it has written nothing', () => {
    const own = ownIdentity();
    expect(isProcessIdentity(JSON.parse(JSON.stringify(own)))).to.equal(true);
    expect(own.pid).to.equal(process.pid);
    expect(mayRun(own, new Date(0), NOW)).to.equal(true);
  });

  it('sees that a process has ended at once, also while nobody has waited for it', async () => {
    // The shell becomes a sleep, which never waits for its child: the killed child stays a zombie.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(parent);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ');
    const identity = { ...ownIdentity(), pid, started: fields?.[19] ?? null };
    expect(mayRun(identity, LONG_AGO, NOW)).to.equal(true);
    process.kill(pid, 'SIGKILL');
    await until(() => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '));
    expect(mayRun(identity, JUST_NOW, NOW)).to.equal(false);
  });

  it('does not take a later process with the same id for the one that wrote', () => {
    expect(mayRun({ ...ownIdentity(), started: '1' }, JUST_NOW, NOW)).to.equal(false);
  });

  it('knows that no process outlives a boot', () => {
    expect(mayRun({ ...ownIdentity(), boot: 'another' }, JUST_NOW, NOW)).to.equal(false);
  });

  it('lets an hour of silence decide about another host or container', () => {
    for (const elsewhere of [{ host: 'another' }, { namespace: 'pid:[1]' }]) {
      expect(mayRun({ ...ownIdentity(), ...elsewhere }, JUST_NOW, NOW)).to.equal(true);
      expect(mayRun({ ...ownIdentity(), ...elsewhere }, LONG_AGO, NOW)).to.equal(false);
    }
  });

  it('refuses what is no identity', () => {
    for (const value of [null, 'x', {}, { ...ownIdentity(), pid: '1' }, { ...ownIdentity(), boot: 1 }]) {
      expect(isProcessIdentity(value)).to.equal(false);
    }
  });
});
