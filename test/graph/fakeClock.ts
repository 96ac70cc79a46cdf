import { cancelled } from '../../src/errors.ts';
import type { Clock } from '../../src/ports.ts';

/** A clock whose waits take no time: each is noted, in milliseconds, and moves the clock on. */
export interface FakeClock extends Clock {
  readonly waits: number[];
}

export function fakeClock(start = new Date()): FakeClock {
  let time = start.getTime();
  const waits: number[] = [];
  return {
    waits,
    now: () => new Date(time),
    async sleep(milliseconds, signal) {
      if (signal.aborted) throw cancelled();
      waits.push(milliseconds);
      time += milliseconds;
    },
  };
}

/** The real time; a wait ends with Cancelled when the signal fires. */
export const realClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(cancelled());
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, milliseconds);
      signal.addEventListener('abort', stop, { once: true });
    }),
};
