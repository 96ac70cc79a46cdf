/**
 * Preloaded into an engine: it is killed at one exact step of its work on files. The environment variable KILL_AT holds
 * the beginning of a file name and a number, as in "journal-,3": the steps are counted from the first on such a file, and
 * the process dies in the middle of that one. Where a step writes, half of the bytes get to the file.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const [beginning = '', step = ''] = (process.env['KILL_AT'] ?? '').split(',');
let begun = false;
let count = 0;

/** Whether this step is the last. */
function isLast(file: unknown): boolean {
  begun ||= typeof file === 'string' && path.basename(file).startsWith(beginning);
  if (begun) count += 1;
  return begun && count === Number(step);
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

const { openSync, fsyncSync, renameSync, rmSync, writeSync } = fs;

fs.openSync = (...given) => {
  if (isLast(given[0])) die();
  return openSync(...given);
};
fs.fsyncSync = (fd) => {
  if (isLast(null)) die();
  fsyncSync(fd);
};
fs.renameSync = (...given) => {
  if (isLast(given[1])) die();
  renameSync(...given);
};
fs.rmSync = (...given) => {
  if (isLast(given[0])) die();
  rmSync(...given);
};
const write = (fd: number, bytes: Uint8Array, from = 0): number => {
  if (isLast(null)) {
    writeSync(fd, bytes, from, Math.floor((bytes.length - from) / 2));
    die();
  }
  return writeSync(fd, bytes, from);
};
Object.assign(fs, { writeSync: write });
syncBuiltinESMExports();
