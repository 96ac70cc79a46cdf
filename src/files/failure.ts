import { WritebackError } from '../errors.ts';

const CAUSES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'a folder of this path is not there',
  ENOTDIR: 'a part of this path is a file',
  EEXIST: 'a file of this name is in the way',
  EISDIR: 'a folder of this name is in the way',
  ENAMETOOLONG: 'the path is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota of the account is used up',
  EFBIG: 'the file would be larger than the account may write',
  EMFILE: 'the process has too many files open',
  EIO: 'the disk reports an error',
};

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * StateUnwritable for what node:fs threw; a WritebackError is given back as it is.
 * @param doing what was being done, as in "write the journal of run 1"
 */
export function stateUnwritable(doing: string, path: string, thrown: unknown): WritebackError {
  if (thrown instanceof WritebackError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  const code = (thrown as NodeJS.ErrnoException | null)?.code ?? null;
  const cause = code === null ? detail : `${CAUSES[code] ?? detail} (${code})`;
  return new WritebackError('StateUnwritable', `Could not ${doing} in ${path}: ${cause}.`, {
    target: path,
    remedy:
      code !== null && FULL.has(code)
        ? 'Make room there, or name another folder with -StatePath.'
        : 'Let the account that runs the command create, write and rename files there, or name another folder with -StatePath.',
    detail,
    cause: thrown,
  });
}

/** Runs work on files; what node:fs throws becomes StateUnwritable. */
export function onState<T>(doing: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw stateUnwritable(doing, path, thrown);
  }
}

/** Whether node:fs says that there is no such file. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === 'ENOENT';
}
