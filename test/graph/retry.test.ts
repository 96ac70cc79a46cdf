import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import {
  createRetry,
  DEFAULT_RETRY,
  parseRetryAfter,
  retryAfterOf,
  troubleOf,
  type Attempt,
} from '../../src/graph/retry.ts';
import { caught } from './caught.ts';
import { fakeClock, realClock } from './fakeClock.ts';
import { recordLog } from './sourceFixture.ts';

const NEVER = new AbortController().signal;

function turnedAway(trouble: 'throttled' | 'broken', retryAfter: number | null = null): Attempt<string> {
  return { trouble, why: '429', retryAfter, giveUp: () => 'given up' };
}

/** An attempt that ends with each of these in turn, and with the last for ever. */
function endings(...list: Attempt<string>[]): {
  readonly attempt: () => Promise<Attempt<string>>;
  readonly tries: () => number;
} {
  let tries = 0;
  const attempt = async (): Promise<Attempt<string>> => {
    const ending = list[Math.min(tries, list.length - 1)];
    tries += 1;
    if (ending === undefined) throw new Error('no ending');
    return ending;
  };
  return { attempt, tries: () => tries };
}

describe('graph/retry', () => {
  it('gives the value of the first try that has one, without a wait', async () => {
    const clock = fakeClock();
    const retry = createRetry(DEFAULT_RETRY, clock, recordLog().log);
    expect(await retry('Reading', endings({ value: 'yes' }).attempt, NEVER)).to.equal('yes');
    expect(clock.waits).to.deep.equal([]);
  });

  it('waits as long as the service asks', async () => {
    const clock = fakeClock();
    const { lines, log } = recordLog();
    const retry = createRetry(DEFAULT_RETRY, clock, log);
    await retry('Reading', endings(turnedAway('throttled', 2128), { value: 'yes' }).attempt, NEVER);
    expect(clock.waits).to.deep.equal([2128]);
    expect(lines).to.deep.equal(['verbose: Reading: 429; try 2 of 8 in 2.1 s']);
  });

  it('cuts a wait that is longer than the longest', async () => {
    const clock = fakeClock();
    const retry = createRetry({ ...DEFAULT_RETRY, longestWait: 5000 }, clock, recordLog().log);
    await retry('Reading', endings(turnedAway('throttled', 86_400_000), { value: 'yes' }).attempt, NEVER);
    expect(clock.waits).to.deep.equal([5000]);
  });

  it('doubles its own waits, with chance, up to the longest', async () => {
    const clock = fakeClock();
    const settings = { ...DEFAULT_RETRY, firstWait: 1000, longestWait: 6000, throttledTries: 5 };
    const retry = createRetry(settings, clock, recordLog().log, () => 0);
    await retry('Reading', endings(turnedAway('throttled')).attempt, NEVER);
    expect(clock.waits).to.deep.equal([500, 1000, 2000, 3000]);
    const late = fakeClock();
    await createRetry(
      settings,
      late,
      recordLog().log,
      () => 1,
    )('Reading', endings(turnedAway('throttled')).attempt, NEVER);
    expect(late.waits).to.deep.equal([1000, 2000, 4000, 6000]);
  });

  it('gives up after its tries, sooner for what breaks than for what is throttled', async () => {
    const retry = createRetry({ ...DEFAULT_RETRY, throttledTries: 6, brokenTries: 3 }, fakeClock(), recordLog().log);
    const throttled = endings(turnedAway('throttled'));
    const broken = endings(turnedAway('broken'));
    expect(await retry('Reading', throttled.attempt, NEVER)).to.equal('given up');
    expect(await retry('Reading', broken.attempt, NEVER)).to.equal('given up');
    expect([throttled.tries(), broken.tries()]).to.deep.equal([6, 3]);
  });

  it('gives up when all waits together would take longer than they may', async () => {
    const clock = fakeClock();
    const retry = createRetry({ ...DEFAULT_RETRY, totalWait: 25_000 }, clock, recordLog().log);
    const one = endings(turnedAway('throttled', 10_000), { value: 'yes' });
    const two = endings(turnedAway('throttled', 10_000));
    expect(await retry('Reading', one.attempt, NEVER)).to.equal('yes');
    expect(await retry('Reading', two.attempt, NEVER)).to.equal('given up');
    expect(clock.waits).to.deep.equal([10_000, 10_000]);
  });

  it('begins no try when the time of all requests is over, which counts once for a request inside another', async () => {
    const clock = fakeClock();
    const retry = createRetry({ ...DEFAULT_RETRY, totalTime: 60_000 }, clock, recordLog().log);
    const slow = async (): Promise<Attempt<string>> => {
      await clock.sleep(15_000, NEVER);
      return { value: 'yes' };
    };
    const nested = async (): Promise<Attempt<string>> => ({ value: await retry('Sign-in', slow, NEVER) });
    for (let time = 0; time < 4; time += 1) expect(await retry('Reading', nested, NEVER)).to.equal('yes');
    await clock.sleep(600_000, NEVER);
    expect(await retry('Reading', slow, NEVER)).to.equal('yes');
    const error = await caught(() => retry('Reading', slow, NEVER));
    expect(error).to.include({ code: 'GraphFailed', retryable: true });
    expect(error.message).to.equal('Reading: the requests to Entra took longer than 1 min together.');
  });

  it('ends at once with an error that the attempt throws', async () => {
    const retry = createRetry(DEFAULT_RETRY, fakeClock(), recordLog().log);
    let tries = 0;
    const error = await caught(() =>
      retry(
        'Reading',
        () => {
          tries += 1;
          throw new WritebackError('GraphForbidden', 'no', { remedy: 'ask' });
        },
        NEVER,
      ),
    );
    expect([error.code, tries]).to.deep.equal(['GraphForbidden', 1]);
  });

  it('ends a wait at once when the signal fires', async () => {
    const stop = new AbortController();
    const retry = createRetry(DEFAULT_RETRY, realClock, recordLog().log);
    const started = performance.now();
    setTimeout(() => stop.abort(), 20);
    const error = await caught(() => retry('Reading', endings(turnedAway('throttled', 60_000)).attempt, stop.signal));
    expect(error.code).to.equal('Cancelled');
    expect(performance.now() - started).to.be.below(2000);
  });

  describe('Retry-After', () => {
    const now = new Date('2026-11-22T14:23:12Z');
    const cases: readonly (readonly [string | null, number | null])[] = [
      ['120', 120_000],
      [' 7 ', 7000],
      ['2.128', 2128],
      ['Sun, 22 Nov 2026 14:23:42 GMT', 30_000],
      ['Sun, 22 Nov 2026 14:23:11 GMT', null],
      ['Sun, 99 Nov 2026 14:23:42 GMT', null],
      ['-5', null],
      ['0', null],
      ['soon', null],
      ['', null],
      ['1e9', null],
      ['2026-11-22T15:00:00Z', null],
      [null, null],
    ];
    for (const [text, wait] of cases) {
      it(`${text === null ? 'absent' : `"${text}"`} asks for ${wait === null ? 'nothing' : `${wait} ms`}`, () => {
        expect(parseRetryAfter(text, now)).to.equal(wait);
      });
    }

    it('measures a date by the clock of the server that wrote it', () => {
      const headers = new Headers({
        date: 'Sun, 22 Nov 2026 14:00:00 GMT',
        'retry-after': 'Sun, 22 Nov 2026 14:00:09 GMT',
      });
      expect(retryAfterOf(headers, now)).to.equal(9000);
    });
  });

  it('tries again after load and after faults, never after a refusal', () => {
    expect([429, 503, 504].map(troubleOf)).to.deep.equal(['throttled', 'throttled', 'throttled']);
    expect([408, 500, 502, 509].map(troubleOf)).to.deep.equal(['broken', 'broken', 'broken', 'broken']);
    expect([200, 400, 401, 403, 404, 410, 501].map(troubleOf)).to.deep.equal(Array.from({ length: 7 }, () => null));
  });
});
