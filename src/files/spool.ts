import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Spool } from '../ports.ts';
import { temporaryPath, writeAll } from './atomicFile.ts';

/** Bytes that are collected before they are written, and how many such blocks stay in memory before a file is made. */
const BLOCK = 1024 * 1024;
const BLOCKS_IN_MEMORY = 16;
/** What is read at once: most texts are shorter. */
const FIRST_READ = 4096;
/** Bytes of the length that stands before each text. */
const LENGTH = 4;
const OWNER_ONLY = 0o600;

interface Block {
  /** Where it begins in the spool. */
  readonly offset: number;
  readonly bytes: Buffer;
  used: number;
}

interface SpoolFile {
  readonly fd: number;
  /** null where the file has no name any longer. */
  readonly path: string | null;
}

/**
 * A spool in the folder. Little stays in memory; more goes to a file of its owner's alone, which on
 * POSIX systems loses its name at once: whatever becomes of the process, nothing is left. On Windows close takes it
 * away, and after a kill the state folder's recovery does. Every method throws what node:fs throws.
 * @param makeFolder called before the file is made
 */
export function createSpool(folder: string, makeFolder: () => void): Spool {
  let file: SpoolFile | null = null;
  let written = 0;
  let blocks: Block[] = [];

  const open = (): number => {
    makeFolder();
    const path = temporaryPath(join(folder, 'spool'));
    const fd = openSync(path, 'wx+', OWNER_ONLY);
    const named = process.platform === 'win32';
    if (!named) rmSync(path);
    file = { fd, path: named ? path : null };
    return fd;
  };

  const write = (): void => {
    const fd = file?.fd ?? open();
    for (const { bytes, used } of blocks) {
      writeAll(fd, bytes.subarray(0, used));
      written += used;
    }
    blocks = [];
  };

  const blockFor = (size: number): Block => {
    const last = blocks.at(-1);
    if (last !== undefined && last.used + size <= last.bytes.length) return last;
    const offset = last === undefined ? written : last.offset + last.used;
    const used = last === undefined ? null : last.bytes;
    if (file !== null || blocks.length === BLOCKS_IN_MEMORY) write();
    // A block that was written can be filled again.
    const again = file !== null && used !== null && used.length === BLOCK && size <= BLOCK;
    const block = { offset, bytes: again ? used : Buffer.allocUnsafe(Math.max(BLOCK, size)), used: 0 };
    blocks.push(block);
    return block;
  };

  const readFile = (fd: number, offset: number): string => {
    const first = Buffer.allocUnsafe(FIRST_READ);
    const got = readSync(fd, first, 0, FIRST_READ, offset);
    const length = first.readUInt32LE(0);
    if (LENGTH + length <= got) return first.toString('utf8', LENGTH, LENGTH + length);
    const whole = Buffer.allocUnsafe(length);
    let done = first.copy(whole, 0, LENGTH, got);
    while (done < length) {
      const more = readSync(fd, whole, done, length - done, offset + LENGTH + done);
      if (more === 0) throw new RangeError(`The spool ends before offset ${offset + LENGTH + length}.`);
      done += more;
    }
    return whole.toString('utf8');
  };

  return {
    append(text) {
      const block = blockFor(LENGTH + Buffer.byteLength(text));
      const offset = block.offset + block.used;
      const length = block.bytes.write(text, block.used + LENGTH);
      block.bytes.writeUInt32LE(length, block.used);
      block.used += LENGTH + length;
      return offset;
    },
    read(offset) {
      const block = blocks.find((one) => offset >= one.offset && offset < one.offset + one.used);
      if (block !== undefined) {
        const at = offset - block.offset;
        const length = block.bytes.readUInt32LE(at);
        return block.bytes.toString('utf8', at + LENGTH, at + LENGTH + length);
      }
      if (file === null || offset >= written) throw new RangeError(`The spool has nothing at offset ${offset}.`);
      return readFile(file.fd, offset);
    },
    close() {
      blocks = [];
      if (file === null) return;
      closeSync(file.fd);
      if (file.path !== null) rmSync(file.path, { force: true });
      file = null;
    },
  };
}
