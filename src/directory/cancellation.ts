/** Work that ends when it is stopped or has taken too long, though what it waits for knows of neither. */
import { cancelled } from '../errors.ts';

/**
 * The promise's result, or Cancelled when the signal has fired and the grace, in milliseconds, is over; what was begun
 * then ends unheard.
 */
export function untilCancelled<T>(work: Promise<T>, signal: AbortSignal, grace = 0): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | null = null;
    const stop = (): void => {
      timer = setTimeout(() => reject(cancelled()), grace);
    };
    const settle = (): void => {
      signal.removeEventListener('abort', stop);
      if (timer !== null) clearTimeout(timer);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(settle);
  });
}

/** As untilCancelled, and an Error when the work has not ended after so many milliseconds. */
export async function withinTime<T>(
  work: Promise<T>,
  milliseconds: number,
  what: string,
  signal: AbortSignal,
): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`${what} within ${milliseconds / 1000} s`)), milliseconds);
  try {
    return await untilCancelled(Promise.race([work, limit.promise]), signal);
  } finally {
    clearTimeout(timer);
  }
}
