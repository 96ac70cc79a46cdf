import { WritebackError } from '../../src/errors.ts';

/** The WritebackError that this ends with; fails if it succeeds or ends with another error. */
export async function caught(action: () => Promise<unknown>): Promise<WritebackError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof WritebackError) return error;
    throw error;
  }
  throw new Error('an error was expected');
}

/** Everything an iteration yields. */
export async function gather<T>(iteration: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of iteration) all.push(one);
  return all;
}
