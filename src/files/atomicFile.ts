import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { ownTag } from './processIdentity.ts';

/** The end of every temporary file's name. */
const TEMPORARY = /\.([0-9a-f]+-\d+-\d*)-[0-9a-f]{12}\.tmp$/;
const TEMPORARY_SUFFIX = '.tmp';

/** Only the account that runs the command; has no effect on Windows, where the folder's ACL is inherited. */
const OWNER_ONLY = 0o600;

/** A path beside this one that nobody else uses; its name tells which process does. */
export function temporaryPath(path: string): string {
  return `${path}.${ownTag()}-${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`;
}

export function isTemporary(fileName: string): boolean {
  return fileName.endsWith(TEMPORARY_SUFFIX);
}

/** The tag of the process that made a temporary file; null where the name tells none. */
export function makerOf(fileName: string): string | null {
  return TEMPORARY.exec(fileName)?.[1] ?? null;
}

/**
 * Writes a file so that under its name stands the old content or the new one, never a part: into a temporary file of the
 * same folder, forced to the disk, renamed. Throws what node:fs throws; the temporary file is then removed.
 */
export function writeAtomically(path: string, write: (fd: number) => void): void {
  const temporary = temporaryPath(path);
  try {
    const fd = openSync(temporary, 'wx', OWNER_ONLY);
    try {
      write(fd);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    forceFolder(dirname(path));
  } catch (thrown) {
    rmSync(temporary, { force: true });
    throw thrown;
  }
}

/** Writes all bytes; one call of the system where it takes them at once. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done);
}

/** A rename is on the disk only when its folder is; Windows does not open folders and orders this itself. */
function forceFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
