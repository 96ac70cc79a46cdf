import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { createChannel } from '../../src/protocol/channel.ts';
import { createHostRequests, type HostRequests } from '../../src/protocol/hostRequests.ts';
import { METHODS, PROTOCOL_VERSION, type Method } from '../../src/protocol/messages.ts';
import { serve, type Handler } from '../../src/protocol/serve.ts';
import { failureOf } from '../host/failureOf.ts';

describe('requests to the host', () => {
  let input: PassThrough;
  let lines: Record<string, unknown>[];
  let requests: HostRequests;
  let ended: Promise<void>;

  beforeEach(() => {
    input = new PassThrough();
    const output = new PassThrough();
    lines = [];
    output.on('data', (octets: Buffer) => {
      for (const line of octets.toString().trim().split('\n')) lines.push(JSON.parse(line) as Record<string, unknown>);
    });
    const channel = createChannel(input, output);
    requests = createHostRequests(channel);
    const nothing: Handler = async () => ({});
    const handlers = Object.fromEntries(METHODS.map((method) => [method, nothing])) as Record<Method, Handler>;
    ended = serve(channel, handlers, { protocol: PROTOCOL_VERSION, version: '0', node: '24.0.0' }, requests);
  });

  afterEach(async () => {
    input.end();
    await ended;
  });

  const answer = (message: object): void => {
    input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };
  const sent = async (count: number): Promise<readonly Record<string, unknown>[]> => {
    while (lines.length < count + 1) await new Promise((resolve) => setImmediate(resolve));
    return lines.slice(1);
  };

  it('have ids of their own and find their answers in any order', async () => {
    const work = [requests.request('host/a', { x: 1 }), requests.request('host/b', {})];
    expect(await sent(2)).to.deep.equal([
      { jsonrpc: '2.0', id: 'h1', method: 'host/a', params: { x: 1 } },
      { jsonrpc: '2.0', id: 'h2', method: 'host/b', params: {} },
    ]);
    answer({ id: 'h3', result: 'nobody asked' });
    answer({ id: 1, result: 'nor this' });
    answer({ id: 'h2', result: 'second' });
    answer({ id: 'h1', result: { first: true } });
    expect(await Promise.all(work)).to.deep.equal([{ first: true }, 'second']);
  });

  it('fail with the words of a host that does not know them', async () => {
    const work = failureOf(requests.request('host/a', {}));
    await sent(1);
    answer({ id: 'h1', error: { code: -32601, message: 'method not found: host/a' } });
    const error = await work;
    expect(error.code).to.equal('HostServiceUnavailable');
    expect(error.message).to.include('method not found: host/a');
  });

  it('fail when the input ends, and after it', async () => {
    const work = failureOf(requests.request('host/a', {}));
    await sent(1);
    input.end();
    expect((await work).message).to.include('has closed its side');
    expect((await failureOf(requests.request('host/b', {}))).code).to.equal('HostServiceUnavailable');
    expect(lines).to.have.length(2);
  });

  it('are sent whole or not at all', async () => {
    const error = await failureOf(requests.request('host/a', { data: 'x'.repeat(1_000_000) }));
    expect(error.message).to.include('a line takes 1000000');
    const fitting = requests.request('host/b', { data: 'x'.repeat(900_000) });
    const [line] = await sent(1);
    expect(line?.['params']).to.have.property('data').that.has.length(900_000);
    answer({ id: line?.['id'], result: null });
    expect(await fitting).to.equal(null);
  });
});
