import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { createSpool } from '../../src/files/spool.ts';
import { createRunFiles, stateFolder } from '../../src/files/state.ts';
import { createLog } from '../../src/log.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import type { Spool } from '../../src/ports.ts';
import { collectGarbage } from '../garbage.ts';
import { DOMAIN, TENANT, temporaryFolders } from './samples.ts';

const LOG = createLog(() => undefined);
const MEGABYTE = 1024 * 1024;
/** More than stays in memory. */
const MANY = 40;

/** A text of so many bytes that tells its number. */
const textOf = (number: number, bytes = MEGABYTE): string => `${number} ${'é'.repeat(bytes / 2)}`.slice(0, bytes / 2);

/** How many files this process has open. */
const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** Bytes of the buffers that something still refers to. */
const bytesHeld = (): number => {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
};

describe('a spool', () => {
  const folder = temporaryFolders();
  const open = (place = folder()): Spool => createSpool(place, () => undefined);

  it('gives each text again by its offset, in any order', () => {
    const spool = open();
    const texts = ['', 'a', 'ü 端末 📱', '{"name":"\\ud800"}', 'x'.repeat(5000), textOf(1, 3 * MEGABYTE), 'end'];
    const offsets = texts.map((text) => spool.append(text));
    for (const at of [3, 0, 6, 5, 1, 4, 2]) expect(spool.read(offsets[at] ?? -1)).to.equal(texts[at]);
    expect(new Set(offsets).size).to.equal(texts.length);
    spool.close();
  });

  it('makes no file and no folder for what is little', () => {
    const place = folder();
    let made = 0;
    const spool = createSpool(place, () => (made += 1));
    const offsets = Array.from({ length: 1000 }, (_, number) => spool.append(`text ${number}`));
    expect(spool.read(offsets[999] ?? -1)).to.equal('text 999');
    expect([made, readdirSync(place)]).to.deep.equal([0, []]);
    spool.close();
  });

  it('gives each of many texts again, from memory and from the disk, while more are appended', () => {
    const spool = open();
    const offsets: number[] = [];
    for (let number = 0; number < MANY; number += 1) {
      offsets.push(spool.append(textOf(number)));
      const earlier = Math.floor(number / 3);
      expect(spool.read(offsets[earlier] ?? -1) === textOf(earlier), `${earlier} after ${number}`).to.equal(true);
    }
    for (const [number, offset] of offsets.entries()) expect(spool.read(offset) === textOf(number)).to.equal(true);
    spool.close();
  });

  it('gives again texts of every length around those of its blocks', () => {
    const spool = open();
    const texts = Array.from({ length: 60 }, (_, number) => 'x'.repeat(Math.max(0, MEGABYTE - 30 + number)));
    const offsets = texts.map((text) => spool.append(text));
    for (const [number, offset] of offsets.entries()) expect(spool.read(offset).length).to.equal(texts[number]?.length);
    spool.close();
  });

  it('holds no more than a few blocks in memory', () => {
    const spool = open();
    const before = bytesHeld();
    for (let number = 0; number < 200; number += 1) spool.append(textOf(number));
    expect(bytesHeld() - before).to.be.below(20 * MEGABYTE);
    spool.close();
  });

  it('leaves nothing in the folder, neither while it is open nor after, and closes its file', () => {
    const place = folder();
    const before = openFiles();
    const spool = open(place);
    for (let number = 0; number < MANY; number += 1) spool.append(textOf(number));
    expect(readdirSync(place)).to.deep.equal([]);
    spool.close();
    expect(openFiles()).to.equal(before);
  });

  it('leaves nothing behind when the process is killed', async () => {
    const place = folder();
    const source = new URL('../../src/files/spool.ts', import.meta.url).href;
    const script = `
      const { createSpool } = await import(${JSON.stringify(source)});
      const spool = createSpool(${JSON.stringify(place)}, () => undefined);
      for (let number = 0; number < ${MANY}; number += 1) spool.append('x'.repeat(${MEGABYTE}));
      process.stdout.write('full');
      setInterval(() => spool.append('more'), 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(place)).to.deep.equal([]);
  });

  it('refuses an offset at which there is nothing', () => {
    const spool = open();
    spool.append('a');
    expect(() => spool.read(500)).to.throw(RangeError, 'nothing at offset 500');
    spool.close();
  });
});

describe('the spool of a run', () => {
  const folder = temporaryFolders();
  const filesIn = (statePath: string) =>
    createRunFiles({ statePath, tenantId: TENANT, domain: DOMAIN }, LOG, { undoPlan });

  it('makes the state folder for its owner alone when it needs it', () => {
    const statePath = path.join(folder(), 'state');
    const spool = filesIn(statePath).openSpool();
    for (let number = 0; number < MANY; number += 1) spool.append(textOf(number));
    expect(statSync(stateFolder({ statePath, tenantId: TENANT, domain: DOMAIN })).mode & 0o777).to.equal(0o700);
    spool.close();
  });

  it('tells StateUnwritable where more is appended than stays in memory and nothing can be written', () => {
    const spool = filesIn(path.join('/proc', 'state')).openSpool();
    expect(() => {
      for (let number = 0; number < MANY; number += 1) spool.append(textOf(number));
    })
      .to.throw('keep what was read from Entra')
      .with.property('code', 'StateUnwritable');
    spool.close();
  });
});
