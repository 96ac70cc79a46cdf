import { expect } from 'chai';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { WritebackError } from '../../src/errors.ts';
import { createChannel, LONGEST_SENT } from '../../src/protocol/channel.ts';
import { createHostRequests } from '../../src/protocol/hostRequests.ts';
import {
  METHODS,
  OUTPUT_BATCH,
  OUTPUT_WINDOW,
  PROTOCOL_VERSION,
  type Method,
  type WireStep,
} from '../../src/protocol/messages.ts';
import { serve, type Handler } from '../../src/protocol/serve.ts';

interface Line {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
}

/** A host over two streams, with handlers of the test's own behind the real serve and the real channel. */
class Host {
  readonly lines: Line[] = [];
  readonly texts: string[] = [];
  readonly ended: Promise<void>;
  readonly #input = new PassThrough();
  #waiters: (() => void)[] = [];

  constructor(handlers: Partial<Record<Method, Handler>>) {
    const output = new PassThrough();
    let rest = '';
    output.setEncoding('latin1').on('data', (text: string) => {
      const pieces = (rest + text).split('\n');
      rest = pieces.pop() ?? '';
      this.texts.push(...pieces);
      this.lines.push(...pieces.map((piece) => JSON.parse(piece) as Line));
      this.#waiters.splice(0).forEach((wake) => wake());
    });
    const all = Object.fromEntries(METHODS.map((method) => [method, handlers[method] ?? (async () => ({}))]));
    const hello = { protocol: PROTOCOL_VERSION, version: '1.2.3', node: '24.0.0' } as const;
    const channel = createChannel(this.#input, output);
    this.ended = serve(channel, all as Record<Method, Handler>, hello, createHostRequests(channel));
  }

  /** A call that wants every log line, unless its parameters say otherwise. */
  request(id: string | number, method: string, params: object = { verbose: true, debug: true }): void {
    this.write({ id, method, params });
  }

  write(message: unknown): void {
    this.#input.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  }

  async answer(id: string | number | null): Promise<Line> {
    return this.until(() => this.lines.find((line) => line.id === id && line.method === undefined));
  }

  async until<T>(look: () => T | undefined): Promise<T> {
    for (let found = look(); ; found = look()) {
      if (found !== undefined) return found;
      await new Promise<void>((wake) => this.#waiters.push(wake));
    }
  }

  items(id: string | number): readonly unknown[] {
    const outputs = this.lines.filter((line) => line.method === '$/output' && line.params?.['id'] === id);
    return outputs.flatMap((line) => line.params?.['items'] as unknown[]);
  }

  async end(): Promise<void> {
    this.#input.end();
    await this.ended;
  }
}

function step(number: number, description = 'Do it'): WireStep {
  return { number, id: 'Step', state: 'Planned', target: 'CN=x', description, detail: null };
}

function emitting(count: number): Handler {
  return async (_params, { outputs }) => {
    for (let number = 0; number < count; number += 1) await outputs.emit('step', step(number));
    return { count };
  };
}

describe('protocol/serve', () => {
  it('says hello first, with protocol, version and Node', async () => {
    const host = new Host({});
    host.request(1, 'test');
    await host.answer(1);
    expect(host.lines[0]).to.deep.equal({
      jsonrpc: '2.0',
      method: '$/hello',
      params: { protocol: PROTOCOL_VERSION, version: '1.2.3', node: '24.0.0' },
    });
    await host.end();
  });

  it('answers a method that it does not know with -32601', async () => {
    const host = new Host({});
    host.request('a', 'toString');
    expect((await host.answer('a')).error).to.deep.equal({ code: -32601, message: 'No method toString.' });
    await host.end();
  });

  it('gives the handler its parameters and the host its result', async () => {
    const host = new Host({ plan: async (params) => ({ was: params }) });
    host.request(7, 'plan', { a: [1] });
    expect((await host.answer(7)).result).to.deep.equal({ was: { a: [1] } });
    await host.end();
  });

  describe('lines that are no request', () => {
    it('answers a malformed line with -32700 and no id, without its text, and goes on', async () => {
      const host = new Host({});
      host.write('{"id":1,"method":"test","params":{"password":"Pa55-w0rd"');
      const { error } = await host.answer(null);
      expect(error).to.deep.equal({ code: -32700, message: 'The line is not JSON.' });
      host.request(2, 'test');
      expect((await host.answer(2)).result).to.deep.equal({});
      await host.end();
    });

    it('answers JSON that is no object with -32600', async () => {
      const host = new Host({});
      for (const line of ['42', '"text"', 'null', '[{"id":1,"method":"test"}]']) host.write(line);
      host.request(2, 'test');
      await host.answer(2);
      const refused = host.lines.filter((line) => line.id === null).map((line) => line.error?.code);
      expect(refused).to.deep.equal([-32600, -32600, -32600, -32600]);
      await host.end();
    });

    it('refuses a second call with the id of one in flight, which goes on', async () => {
      const host = new Host({ plan: async () => delay(20, 'first'), test: async () => 'second' });
      host.request(1, 'plan');
      host.request(1, 'test');
      expect((await host.answer(null)).error?.code).to.equal(-32600);
      expect((await host.answer(1)).result).to.equal('first');
      await host.end();
    });

    it('ignores an answer to a request that it never sent', async () => {
      const host = new Host({});
      host.write({ jsonrpc: '2.0', id: 'h1', result: { token: 'x' } });
      host.write({ jsonrpc: '2.0', id: 'h2', error: { code: 1, message: 'no' } });
      host.write({});
      host.request(3, 'test');
      await host.answer(3);
      expect(host.lines.map((line) => line.method ?? line.id)).to.deep.equal(['$/hello', 3]);
      await host.end();
    });

    it('ignores notifications that it does not know, and stops and credits of calls that are over', async () => {
      const host = new Host({});
      host.write({ method: '$/news', params: { id: 1 } });
      host.write({ method: '$/cancel', params: { id: 1 } });
      host.write({ method: '$/credit', params: { id: 1, n: 'many' } });
      host.write({ method: '$/cancel' });
      host.request(3, 'test');
      await host.answer(3);
      expect(host.lines.map((line) => line.method ?? line.id)).to.deep.equal(['$/hello', 3]);
      await host.end();
    });
  });

  describe('outputs', () => {
    it('sends them in batches, all before the answer and in order', async () => {
      const host = new Host({ plan: emitting(1001) });
      host.request(1, 'plan');
      await host.answer(1);
      expect(host.items(1).map((item) => (item as WireStep).number)).to.deep.equal([...Array(1001).keys()]);
      const sizes = host.lines.flatMap((line) => (line.params?.['items'] as unknown[] | undefined)?.length ?? []);
      expect(sizes).to.deep.equal([OUTPUT_BATCH, OUTPUT_BATCH, OUTPUT_BATCH, OUTPUT_BATCH, OUTPUT_BATCH, 1]);
      expect(host.lines.at(-1)?.id).to.equal(1);
      await host.end();
    });

    it('keeps lines under 1 MB of ASCII, however large the outputs are', async () => {
      const host = new Host({
        plan: async (_params, { outputs }) => {
          for (let number = 0; number < 300; number += 1) await outputs.emit('step', step(number, '会'.repeat(2000)));
          await outputs.emit('step', step(300, '会'.repeat(1_000_000)));
          return {};
        },
      });
      host.request(1, 'plan');
      await host.answer(1);
      expect(host.items(1).map((item) => (item as WireStep).number)).to.deep.equal([...Array(301).keys()]);
      expect((host.items(1)[299] as WireStep).description).to.equal('会'.repeat(2000));
      expect((host.items(1)[300] as WireStep).description).to.match(/^会+…$/);
      expect(Math.max(...host.texts.map((text) => text.length))).to.be.below(LONGEST_SENT);
      expect(host.texts.every((text) => /^[ -~]*$/.test(text))).to.equal(true);
      await host.end();
    });

    it('never has more than the window unacknowledged, and goes on when the host gives credit', async () => {
      const count = 2 * OUTPUT_WINDOW + 5;
      const host = new Host({ plan: emitting(count) });
      host.request(1, 'plan');
      await host.until(() => (host.items(1).length >= OUTPUT_WINDOW ? true : undefined));
      await delay(300);
      expect(host.items(1)).to.have.length(OUTPUT_WINDOW);
      host.write({ method: '$/credit', params: { id: 1, n: 1000 } });
      await host.until(() => (host.items(1).length >= OUTPUT_WINDOW + 1000 ? true : undefined));
      await delay(300);
      expect(host.items(1)).to.have.length(OUTPUT_WINDOW + 1000);
      host.write({ method: '$/credit', params: { id: 1, n: -1 } });
      host.write({ method: '$/credit', params: { id: 1, n: count } });
      expect((await host.answer(1)).result).to.deep.equal({ count });
      expect(host.items(1)).to.have.length(count);
      await host.end();
    });

    it('stops a call that waits for credit, and sends nothing past the window', async () => {
      const host = new Host({ plan: emitting(3 * OUTPUT_WINDOW) });
      host.request(1, 'plan');
      await host.until(() => (host.items(1).length >= OUTPUT_WINDOW ? true : undefined));
      host.write({ method: '$/cancel', params: { id: 1 } });
      expect((await host.answer(1)).error?.data?.['code']).to.equal('Cancelled');
      expect(host.items(1)).to.have.length(OUTPUT_WINDOW);
      await host.end();
    });

    it('lets a slow producer be seen as it goes', async () => {
      const host = new Host({
        plan: async (_params, { outputs }) => {
          await outputs.emit('step', step(0));
          return delay(60_000, {}, { ref: false });
        },
      });
      host.request(1, 'plan');
      const started = performance.now();
      await host.until(() => (host.items(1).length > 0 ? true : undefined));
      expect(performance.now() - started).to.be.below(2000);
      host.write({ method: '$/cancel', params: { id: 1 } });
    });

    it('sends outputs before a log line or an error that was said after them, and begins a batch for each kind', async () => {
      const host = new Host({
        plan: async (_params, { outputs, log }) => {
          await outputs.emit('step', step(0));
          log.verbose('after the first');
          await outputs.emit('step', step(1));
          outputs.error(new WritebackError('ChangeFailed', 'failed', { remedy: 'again' }).toJSON());
          await outputs.emit('check', { id: 'C', state: 'Pass', title: 't', evidence: 'e', remedy: null });
          await outputs.emit('step', step(2));
          return {};
        },
      });
      host.request(1, 'plan');
      await host.answer(1);
      const said = host.lines.slice(1).map(({ method, params }) => `${method ?? 'answer'} ${String(params?.['kind'])}`);
      expect(said).to.deep.equal([
        '$/output step',
        '$/log undefined',
        '$/output step',
        '$/error undefined',
        '$/output check',
        '$/output step',
        'answer undefined',
      ]);
      await host.end();
    });
  });

  it('sends log lines of the levels that the call asks for, and warnings always', async () => {
    const host = new Host({
      plan: async (_params, { log }) => {
        log.warning('w');
        log.verbose('v');
        log.debug('d');
        return {};
      },
    });
    const levels = (id: number): readonly unknown[] =>
      host.lines
        .filter((line) => line.method === '$/log' && line.params?.['id'] === id)
        .map((line) => line.params?.['level']);
    host.request(1, 'plan', {});
    host.request(2, 'plan', { verbose: true });
    host.request(3, 'plan', { verbose: true, debug: true });
    for (const id of [1, 2, 3]) await host.answer(id);
    expect([levels(1), levels(2), levels(3)]).to.deep.equal([
      ['warning'],
      ['warning', 'verbose'],
      ['warning', 'verbose', 'debug'],
    ]);
    await host.end();
  });

  it('sends progress at most four times a second, the first at once', async () => {
    const host = new Host({
      plan: async (_params, { outputs }) => {
        for (let tick = 0; tick < 110; tick += 1) {
          outputs.progress({ activity: 'Reading', status: `${tick}`, percent: tick });
          await delay(10);
        }
        return {};
      },
    });
    host.request(1, 'plan');
    await host.answer(1);
    const told = host.lines.filter((line) => line.method === '$/progress');
    expect(told.length).to.be.within(2, 6);
    expect(told[0]?.params).to.deep.equal({ id: 1, activity: 'Reading', status: '0', percent: 0 });
    await host.end();
  });

  it('stops the call that is named and no other', async () => {
    const waiting: Handler = (_params, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const host = new Host({ plan: waiting, test: async () => delay(50, 'done') });
    host.request('a', 'plan');
    host.request('b', 'test');
    host.write({ method: '$/cancel', params: { id: 'a' } });
    const { error } = await host.answer('a');
    expect(error?.code).to.equal(-32000);
    expect(error?.data).to.include({ code: 'Cancelled', category: 'OperationStopped' });
    expect((await host.answer('b')).result).to.equal('done');
    await host.end();
  });

  it('tells a number from a text in an id', async () => {
    const host = new Host({ test: async () => delay(20, 'number'), plan: async () => delay(20, 'text') });
    host.request(1, 'test');
    host.request('1', 'plan');
    expect((await host.answer(1)).result).to.equal('number');
    expect((await host.answer('1')).result).to.equal('text');
    await host.end();
  });

  it('lets two calls at once share neither outputs, window, secrets nor logs', async () => {
    const host = new Host({
      plan: async (_params, { outputs, log }) => {
        log.secret('first-secret');
        for (let number = 0; number < OUTPUT_WINDOW + 1; number += 1) await outputs.emit('step', step(number));
        return 'plan';
      },
      test: async (_params, { outputs, log }) => {
        await delay(50);
        log.verbose('not my secret: first-secret');
        await outputs.emit('step', step(-5));
        return 'test';
      },
    });
    host.request(1, 'plan');
    host.request(2, 'test');
    expect((await host.answer(2)).result).to.equal('test');
    expect(host.items(2)).to.deep.equal([step(-5)]);
    const logs = host.lines.filter((line) => line.method === '$/log').map((line) => line.params);
    expect(logs).to.deep.equal([{ id: 2, level: 'verbose', message: 'not my secret: first-secret' }]);
    expect(host.items(1)).to.have.length(OUTPUT_WINDOW);
    host.write({ method: '$/credit', params: { id: 1, n: OUTPUT_WINDOW } });
    expect((await host.answer(1)).result).to.equal('plan');
    await host.end();
  });

  describe('errors', () => {
    it('crosses whole, with category, target, remedy and detail', async () => {
      const thrown = new WritebackError('ContainerMissing', 'It is away.', {
        target: 'CN=x',
        remedy: 'Make it.',
        detail: '32',
      });
      const host = new Host({ plan: () => Promise.reject(thrown) });
      host.request(1, 'plan');
      expect((await host.answer(1)).error).to.deep.equal({
        code: -32000,
        message: 'It is away.',
        data: {
          code: 'ContainerMissing',
          category: 'ObjectNotFound',
          message: 'It is away.',
          target: 'CN=x',
          remedy: 'Make it.',
          detail: '32',
          retryable: false,
        },
      });
      await host.end();
    });

    it('tells what nobody foresaw as EngineFault, with the stack', async () => {
      const host = new Host({ plan: () => Promise.reject(new TypeError('x is undefined')) });
      host.request(1, 'plan');
      const { error } = await host.answer(1);
      expect(error?.data).to.include({ code: 'EngineFault', category: 'InvalidResult' });
      expect(error?.data?.['detail']).to.contain('serve.test.ts');
      await host.end();
    });

    it('redacts secrets, whatever characters they have, from errors that end the call or a change, and from logs', async () => {
      const secret = String.raw`pä"ss\w{0}rd`;
      const failure = (): WritebackError =>
        new WritebackError('ChangeFailed', `with ${secret}`, {
          target: `at ${secret}`,
          remedy: `not ${secret}`,
          detail: `${secret}!`,
        });
      const host = new Host({
        plan: async (_params, { outputs, log }) => {
          log.secret(secret);
          log.debug(`binding with ${secret}`);
          outputs.error(failure().toJSON());
          throw failure();
        },
      });
      host.request(1, 'plan');
      const { error } = await host.answer(1);
      expect(host.texts.filter((text) => text.includes('{0}rd'))).to.deep.equal([]);
      expect(error?.message).to.equal('with [redacted]');
      expect(error?.data).to.include({
        code: 'ChangeFailed',
        target: 'at [redacted]',
        remedy: 'not [redacted]',
        detail: '[redacted]!',
      });
      await host.end();
    });
  });

  describe('end of the input', () => {
    it('stops the calls in flight and ends when they have', async () => {
      let stopped = false;
      const host = new Host({
        plan: (_params, { signal }) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              stopped = true;
              setTimeout(() => resolve('tidied up'), 50);
            }),
          ),
      });
      host.request(1, 'plan');
      await delay(10);
      await host.end();
      expect(stopped).to.equal(true);
      expect(host.lines.at(-1)).to.deep.equal({ jsonrpc: '2.0', id: 1, result: 'tidied up' });
    });

    it('does not wait longer than 2 s for a call that does not end', async () => {
      const host = new Host({ plan: () => new Promise(() => undefined) });
      host.request(1, 'plan');
      await delay(10);
      const started = performance.now();
      const alive = setInterval(() => undefined, 1000);
      await host.end();
      clearInterval(alive);
      expect(performance.now() - started).to.be.below(2000);
    });
  });
});
