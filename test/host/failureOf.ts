import { WritebackError } from '../../src/errors.ts';

/** The error that the work ends with; fails if it ends without one, or with one that is none of ours. */
export async function failureOf(work: Promise<unknown>): Promise<WritebackError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WritebackError)) throw new Error(`no WritebackError: ${String(error)}`);
  return error;
}
