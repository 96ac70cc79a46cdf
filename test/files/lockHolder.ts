/**
 * Takes the lock of a folder in a process of its own: lockHolder.ts FOLDER ROUNDS. Each time that it has it, it notes
 * "enter" and "leave" with its process id in the file `visits`. ROUNDS 0: it says "held" and keeps it until it is killed.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WritebackError } from '../../src/errors.ts';
import { takeLock } from '../../src/files/lock.ts';
import type { RunLock } from '../../src/ports.ts';

const [folder = '', rounds = '0'] = process.argv.slice(2);
const note = (word: string): void => appendFileSync(join(folder, 'visits'), `${word} ${process.pid}\n`);

async function take(): Promise<RunLock> {
  for (;;) {
    try {
      return takeLock(folder);
    } catch (thrown) {
      if (!(thrown instanceof WritebackError) || thrown.code !== 'RunInProgress') throw thrown;
      await delay(Math.random() * 20);
    }
  }
}

if (rounds === '0') {
  const lock = await take();
  process.stdout.write('held\n');
  await delay(60_000);
  lock.release();
}
for (let round = 0; round < Number(rounds); round += 1) {
  const lock = await take();
  note('enter');
  await delay(Math.random() * 3);
  note('leave');
  lock.release();
}
