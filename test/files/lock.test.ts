import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import { takeLock } from '../../src/files/lock.ts';
import { ownIdentity, SILENCE } from '../../src/files/processIdentity.ts';
import { temporaryFolders } from './samples.ts';

const HOLDER = fileURLToPath(new URL('./lockHolder.ts', import.meta.url));

const refusal = (folder: string): WritebackError => {
  try {
    takeLock(folder);
  } catch (thrown) {
    if (thrown instanceof WritebackError) return thrown;
    throw thrown;
  }
  throw new Error('the lock was given');
};

describe('lock', () => {
  const folder = temporaryFolders();
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  const start = (base: string, rounds: number): ChildProcess => {
    const child = spawn(process.execPath, [HOLDER, base, String(rounds)], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  };
  const startHolding = async (base: string): Promise<ChildProcess> => {
    const child = start(base, 0);
    if (child.stdout !== null) await once(child.stdout, 'data');
    return child;
  };
  const claim = (base: string, content: unknown): string => {
    const path = join(base, 'lock-1-abc.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  it('is held by one run of this process at a time and free again after it', () => {
    const base = folder();
    const lock = takeLock(base);
    expect(refusal(base).code).to.equal('RunInProgress');
    lock.release();
    expect(readdirSync(base)).to.deep.equal([]);
    takeLock(base).release();
  });

  it('is released once: a second release does not free what another run has taken', () => {
    const base = folder();
    const first = takeLock(base);
    first.release();
    const second = takeLock(base);
    first.release();
    expect(refusal(base).code).to.equal('RunInProgress');
    second.release();
  });

  it('lies in a file for its owner only', () => {
    const base = folder();
    const lock = takeLock(base);
    const [name = ''] = readdirSync(base);
    expect(statSync(join(base, name)).mode & 0o777).to.equal(0o600);
    lock.release();
  });

  it('refuses while another process lives, naming it, since when, and what to do', async () => {
    const base = folder();
    const child = await startHolding(base);
    const error = refusal(base);
    expect(error.code).to.equal('RunInProgress');
    expect(error.category).to.equal('ResourceBusy');
    expect(error.message).to.match(new RegExp(`process ${child.pid} on .+, since \\d{4}-\\d\\d-\\d\\dT`));
    expect(error.remedy)
      .to.include(error.target ?? 'no target')
      .and.include('Wait until it ends');
    expect(readdirSync(base)).to.have.length(1);
  });

  it('is taken at once from a process that was killed', async () => {
    const base = folder();
    const child = await startHolding(base);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(readdirSync(base)).to.have.length(1);
    const lock = takeLock(base);
    expect(readdirSync(base)).to.have.length(1);
    lock.release();
  });

  it('is taken from a process of another boot and from one whose id another process has now', () => {
    const base = folder();
    for (const other of [{ boot: 'another' }, { started: '1' }]) {
      claim(base, { process: { ...ownIdentity(), ...other }, since: '2026-11-22T14:00:00Z' });
      takeLock(base).release();
      expect(readdirSync(base)).to.deep.equal([]);
    }
  });

  it('is left to another host, and to one that cannot be read, until an hour of silence is over', () => {
    const base = folder();
    const elsewhere = { process: { ...ownIdentity(), host: 'another' }, since: '2026-11-22T14:00:00Z' };
    for (const content of [elsewhere, 'torn']) {
      const path = claim(base, content);
      expect(refusal(base).message).to.include(content === 'torn' ? 'cannot be read' : 'on another');
      const old = new Date(Date.now() - SILENCE - 1000);
      utimesSync(path, old, old);
      takeLock(base).release();
    }
  });

  it('is held by one of many processes at any instant, and each gets its turns', async () => {
    const base = folder();
    const rounds = 8;
    const racers = Array.from({ length: 6 }, () => start(base, rounds));
    const ends = await Promise.all(racers.map((child) => once(child, 'close')));
    expect(ends.map(([code]) => code as unknown)).to.deep.equal(racers.map(() => 0));
    const visits = readFileSync(join(base, 'visits'), 'utf8').trimEnd().split('\n');
    expect(visits).to.have.length(2 * rounds * racers.length);
    for (let index = 0; index < visits.length; index += 2) {
      const pid = visits[index]?.split(' ')[1];
      expect(visits.slice(index, index + 2)).to.deep.equal([`enter ${pid}`, `leave ${pid}`]);
    }
    expect(readdirSync(base)).to.deep.equal(['visits']);
  });

  it('is held by one at any instant also where holders are killed and many see it', async () => {
    const base = folder();
    for (let round = 0; round < 3; round += 1) {
      const child = await startHolding(base);
      child.kill('SIGKILL');
      await once(child, 'close');
      const racers = Array.from({ length: 4 }, () => start(base, 2));
      await Promise.all(racers.map((racer) => once(racer, 'close')));
    }
    const visits = readFileSync(join(base, 'visits'), 'utf8').trimEnd().split('\n');
    expect(visits).to.have.length(3 * 4 * 2 * 2);
    visits.forEach((visit, index) => expect(visit.startsWith(index % 2 === 0 ? 'enter' : 'leave')).to.equal(true));
  });
});
