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
 * Runs work on files; what the system refuses becomes StateUnwritable, any other error passes as it is.
 * @param doing what is being done, as in "write the journal of run 1"
 */
export function onState<T>(doing: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw isSystemError(thrown) ? stateUnwritable(doing, path, thrown) : thrown;
  }
}

/**
 * Runs work on a file that the user asked for; what the system refuses becomes OutFileUnwritable.
 * @param doing as for onState
 */
export function onOutFile<T>(doing: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!isSystemError(thrown)) throw thrown;
    const { code, message } = thrown;
    throw new WritebackError(
      'OutFileUnwritable',
      `Could not ${doing} to ${path}: ${CAUSES[code] ?? message} (${code}).`,
      {
        target: path,
        remedy: 'Name another file, or let the account that runs the command write there.',
        detail: message,
        cause: thrown,
      },
    );
  }
}

/** Whether node:fs says that there is no such file. */
export function isMissing(thrown: unknown): boolean {
  return isSystemError(thrown) && thrown.code === 'ENOENT';
}

type SystemError = Error & { readonly code: string };

function isSystemError(thrown: unknown): thrown is SystemError {
  return thrown instanceof Error && 'syscall' in thrown && 'code' in thrown && typeof thrown.code === 'string';
}

function stateUnwritable(doing: string, path: string, thrown: SystemError): WritebackError {
  const { code, message } = thrown;
  return new WritebackError('StateUnwritable', `Could not ${doing} in ${path}: ${CAUSES[code] ?? message} (${code}).`, {
    target: path,
    remedy: FULL.has(code)
      ? 'Make room there, or name another folder with -StatePath.'
      : 'Let the account that runs the command create, write and rename files there, or name another folder with -StatePath.',
    detail: message,
    cause: thrown,
  });
}
