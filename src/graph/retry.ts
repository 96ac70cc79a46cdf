import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports.ts';

/** All times in milliseconds. */
export interface RetrySettings {
  /** Tries of a request that the service turns away for load: 429, 503, 504. */
  readonly throttledTries: number;
  /** Tries of a request that breaks: no connection, cut or unreadable answer, 408, 500, 502. */
  readonly brokenTries: number;
  /** The wait before the second try; it doubles with each further one. */
  readonly firstWait: number;
  /** The longest wait between two tries; what Retry-After asks beyond it is cut. */
  readonly longestWait: number;
  /** What all waits of one source may take together. */
  readonly totalWait: number;
  /** What all requests of one source may take together, waits included; no try begins after it. */
  readonly totalTime: number;
}

export const DEFAULT_RETRY: RetrySettings = {
  throttledTries: 8,
  brokenTries: 4,
  firstWait: 1_000,
  longestWait: 180_000,
  totalWait: 1_800_000,
  totalTime: 14_400_000,
};

/** How one try ended: with a value, or in a way that a later try may heal. */
export type Attempt<T> =
  | { readonly value: T }
  | {
      readonly trouble: 'throttled' | 'broken';
      /** What happened, for the log. */
      readonly why: string;
      /** The wait the service asks for, in milliseconds; null for none. */
      readonly retryAfter: number | null;
      /** What the request comes to when there is no further try: a value, or an error that it throws. */
      readonly giveUp: () => T;
    };

/**
 * Runs the attempt until it ends with a value or its tries are used up. An error that the attempt throws ends it at
 * once; so does the signal, with Cancelled. Throws GraphFailed when the time of all requests is over.
 */
export type Retry = <T>(name: string, attempt: () => Promise<Attempt<T>>, signal: AbortSignal) => Promise<T>;

export function createRetry(
  settings: RetrySettings,
  clock: Clock,
  log: Log,
  random: () => number = Math.random,
): Retry {
  let waited = 0;
  // One request may hold another, such as that of a token: time counts once.
  let running = 0;
  let began = 0;
  let spent = 0;
  const timeOver = (): boolean => spent + clock.now().getTime() - began > settings.totalTime;
  const run: Retry = async (name, attempt, signal) => {
    for (let tries = 1; ; tries += 1) {
      if (timeOver()) throw outOfTime(name, settings.totalTime);
      const ending = await attempt();
      if ('value' in ending) return ending.value;
      const allowed = ending.trouble === 'throttled' ? settings.throttledTries : settings.brokenTries;
      const wait = Math.min(ending.retryAfter ?? backOff(settings, tries, random), settings.longestWait);
      if (tries >= allowed || waited + wait > settings.totalWait) return ending.giveUp();
      log.verbose(`${name}: ${ending.why}; try ${tries + 1} of ${allowed} in ${(wait / 1000).toFixed(1)} s`);
      waited += wait;
      await clock.sleep(wait, signal);
    }
  };
  return async (name, attempt, signal) => {
    if (running === 0) began = clock.now().getTime();
    running += 1;
    try {
      return await run(name, attempt, signal);
    } finally {
      running -= 1;
      if (running === 0) spent += clock.now().getTime() - began;
    }
  };
}

function outOfTime(name: string, limit: number): WritebackError {
  const minutes = (limit / 60_000).toFixed(0);
  return new WritebackError('GraphFailed', `${name}: the requests to Entra took longer than ${minutes} min together.`, {
    remedy: 'Run again when Graph answers faster; a tenant that needs so long in good times needs a higher limit.',
    retryable: true,
  });
}

/** Half of the wait is fixed, half is chance, so that clients that were turned away together do not come back together. */
function backOff(settings: RetrySettings, tries: number, random: () => number): number {
  const wait = Math.min(settings.firstWait * 2 ** (tries - 1), settings.longestWait);
  return (wait * (1 + random())) / 2;
}

const SECONDS = /^\d+(\.\d+)?$/;
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * The wait that Retry-After asks for, in milliseconds: whole or decimal seconds, or a date (RFC 9110 10.2.3; Graph sends
 * fractions). null for none and for one that says nothing: garbage, a date that is past, a negative number, zero.
 * `now` is the time by the clock of the server that wrote the date.
 */
export function parseRetryAfter(text: string | null, now: Date): number | null {
  const value = text?.trim() ?? '';
  let wait = 0;
  if (SECONDS.test(value)) wait = Number(value) * 1000;
  else if (HTTP_DATE.test(value)) wait = Date.parse(value) - now.getTime();
  return wait > 0 && Number.isFinite(wait) ? wait : null;
}

/** The wait that an answer asks for; a date in it is measured by the answer's own Date, so that our clock may be wrong. */
export function retryAfterOf(headers: Headers, now: Date): number | null {
  return parseRetryAfter(headers.get('retry-after'), dateOf(headers) ?? now);
}

/** The server's time in an answer, or null. */
export function dateOf(headers: Headers): Date | null {
  const date = new Date(headers.get('date') ?? '');
  return Number.isNaN(date.getTime()) ? null : date;
}

/** Whether another try may heal an answer with this status, and how it is counted; null for a final answer. */
export function troubleOf(status: number): 'throttled' | 'broken' | null {
  if (status === 429 || status === 503 || status === 504) return 'throttled';
  if (status === 408 || status === 500 || status === 502 || status === 509) return 'broken';
  return null;
}
