import { expect } from 'chai';
import { BATCH_SIZE, chunks, createSendBatch, type Batch, type SendBatch } from '../../src/graph/batch.ts';
import { caught } from './caught.ts';
import { sendJson, startOwnServer, type OwnServer, type Received } from './ownServer.ts';

interface Inner {
  readonly id: string;
  readonly method: string;
  readonly url: string;
}

type Response = Readonly<Record<string, unknown>>;

function asking(...paths: string[]): Batch {
  return { paths, purpose: 'Asking for things', permission: 'Thing.Read.All' };
}

function innerOf({ body }: Received): readonly Inner[] {
  return (JSON.parse(body) as { requests: readonly Inner[] }).requests;
}

describe('graph/batch', () => {
  let server: OwnServer;
  let sendBatch: SendBatch;

  /** A server that answers the batch of each try with these responses. */
  const start = async (respond: (requests: readonly Inner[], attempt: number) => unknown): Promise<void> => {
    server = await startOwnServer((request, response) => {
      sendJson(response, { responses: respond(innerOf(request), server.received.length) });
    });
    sendBatch = createSendBatch(server.client, server.retry, server.clock, server.log);
  };

  const found = ({ id, url }: Inner): Response => ({ id, status: 200, body: { url } });
  const failed = ({ id }: Inner, status: number, headers = {}): Response => ({
    id,
    status,
    headers,
    body: { error: { code: `Code${status}`, message: 'No.' } },
  });

  afterEach(() => server.stop());

  it('gives the answers in the order of the paths, whatever order they come in', async () => {
    await start((requests) => requests.map(found).toReversed());
    const answers = await sendBatch(asking('/a', '/b?c', '/d'), server.signal);
    expect(answers).to.deep.equal(['/a', '/b?c', '/d'].map((url) => ({ status: 200, content: { url } })));
    expect(server.received.map(({ target }) => target)).to.deep.equal(['/v1.0/$batch']);
    expect(server.received.flatMap(innerOf).map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
      'GET /a',
      'GET /b?c',
      'GET /d',
    ]);
    expect(server.lines).to.include('debug: batched GET /v1.0/b?c: 200');
  });

  it('keeps the status and the words of each that failed', async () => {
    await start(([a, b]) => (a && b ? [failed(a, 404), failed(b, 403)] : []));
    const answers = await sendBatch(asking('/a', '/b'), server.signal);
    expect(answers).to.deep.equal([
      { status: 404, refusal: { status: 404, code: 'Code404', text: '404 Code404 No.' } },
      { status: 403, refusal: { status: 403, code: 'Code403', text: '403 Code403 No.' } },
    ]);
  });

  it('sends again only those that are throttled or broken, after the longest wait they ask for', async () => {
    await start((requests, attempt) =>
      requests.map((inner) => {
        if (attempt > 1 || inner.url === '/a') return found(inner);
        return failed(inner, inner.url === '/b' ? 429 : 503, { 'Retry-After': inner.url === '/b' ? '2.5' : '9' });
      }),
    );
    const answers = await sendBatch(asking('/a', '/b', '/c'), server.signal);
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(server.received.map((request) => innerOf(request).map(({ url }) => url))).to.deep.equal([
      ['/a', '/b', '/c'],
      ['/b', '/c'],
    ]);
    expect(server.clock.waits).to.deep.equal([9000]);
  });

  it('leaves those that stay broken with their last answer', async () => {
    await start((requests) => requests.map((inner) => (inner.url === '/a' ? found(inner) : failed(inner, 500))));
    const answers = await sendBatch(asking('/a', '/b'), server.signal);
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 500]);
    expect(server.received).to.have.length(4);
  });

  const unusable: readonly (readonly [string, (inner: Inner) => readonly Response[]])[] = [
    ['is missing', () => []],
    ['carries another id', (inner) => [{ ...failed(inner, 404), id: '' }]],
    ['carries its id as a number', (inner) => [{ ...failed(inner, 404), id: Number(inner.id) }]],
    ['carries no id', (inner) => [{ ...failed(inner, 404), id: null }]],
    ['comes twice', (inner) => [failed(inner, 404), found(inner)]],
    ['has no status', (inner) => [{ id: inner.id, body: {} }]],
    ['is a success without body', (inner) => [{ id: inner.id, status: 200 }]],
    ['is a success with an error', (inner) => [{ id: inner.id, status: 200, body: { error: {} } }]],
  ];
  for (const [what, respond] of unusable) {
    it(`gives no status to a request whose answer ${what}`, async () => {
      await start((requests) => requests.flatMap(respond));
      const answers = await sendBatch(asking('/a'), server.signal);
      expect(answers.map(({ status }) => status)).to.deep.equal([0]);
    });
  }

  it('refuses an answer without responses', async () => {
    await start(() => 'none');
    const error = await caught(() => sendBatch(asking('/a'), server.signal));
    expect(error.code).to.equal('GraphAnswerInvalid');
  });

  it('cuts a list into groups', async () => {
    await start(() => []);
    expect(BATCH_SIZE).to.equal(20);
    expect(chunks([1, 2, 3, 4, 5], 2)).to.deep.equal([[1, 2], [3, 4], [5]]);
    expect(chunks([], 2)).to.deep.equal([]);
  });
});
