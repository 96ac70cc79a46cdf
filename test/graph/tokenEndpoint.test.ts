import { expect } from 'chai';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTokenEndpoint, type TokenExchange } from '../../src/graph/tokenEndpoint.ts';
import { realClock } from './fakeClock.ts';
import { recordLog } from './sourceFixture.ts';

const BODY = 'client_id=a&client_secret=do-not-show';

describe('graph/tokenEndpoint', () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const server = createServer((request, response) => answer(request, response));
  let address: string;

  before((done) => {
    server.listen(0, '127.0.0.1', () => {
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tenant/token`;
      done();
    });
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  /** How a request ends that is answered like this, and the log of it. */
  async function exchange(
    status: number,
    headers: Record<string, string>,
    body: string,
  ): Promise<TokenExchange & { lines: string[] }> {
    answer = (_, response) => response.writeHead(status, headers).end(body);
    const { lines, log } = recordLog();
    const endpoint = createTokenEndpoint(5000, realClock, log, new AbortController().signal);
    expect(endpoint.last()).to.equal(null);
    await endpoint.network.sendPostRequestAsync(`${address}?client-request-id=1`, { body: BODY });
    const last = endpoint.last();
    if (last === null) throw new Error('no exchange was kept');
    return { ...last, lines };
  }

  it('passes method, headers and body on and gives status, headers and JSON back', async () => {
    let seen = '';
    answer = (request, response) => {
      request.on('data', (part: Buffer) => {
        seen += `${request.method} ${String(request.headers['x-client-sku'])} ${part.toString()}`;
      });
      request.on('end', () => response.writeHead(200, { 'x-own': 'yes' }).end('{"access_token":"t"}'));
    };
    const endpoint = createTokenEndpoint(5000, realClock, recordLog().log, new AbortController().signal);
    const got = await endpoint.network.sendPostRequestAsync(address, {
      headers: { 'x-client-sku': 'test' },
      body: BODY,
    });
    expect(seen).to.equal(`POST test ${BODY}`);
    expect(got.status).to.equal(200);
    expect(got.headers['x-own']).to.equal('yes');
    expect(got.body).to.deep.equal({ access_token: 't' });
  });

  it('keeps the words and the number of a refusal', async () => {
    const body = JSON.stringify({
      error: 'invalid_client',
      error_description: 'AADSTS7000215: No.',
      error_codes: [7000215],
    });
    const { refusal, trouble } = await exchange(401, {}, body);
    expect(refusal).to.deep.equal({ error: 'invalid_client', text: 'AADSTS7000215: No.', errorNumber: 7000215 });
    expect(trouble).to.equal(null);
  });

  it('keeps the wait of a refusal for load', async () => {
    const { trouble, retryAfter } = await exchange(
      429,
      { 'retry-after': '2.5' },
      '{"error":"temporarily_unavailable"}',
    );
    expect([trouble, retryAfter]).to.deep.equal(['throttled', 2500]);
  });

  it('may be tried again after success without JSON, not after a page that is not there', async () => {
    expect(await exchange(200, {}, '<html>')).to.include({ refusal: null, trouble: 'broken' });
    expect(await exchange(404, {}, '<html>')).to.include({ refusal: null, trouble: null });
  });

  it('does not follow a redirect with the credential', async () => {
    const { why, trouble } = await exchange(307, { location: `${address}/elsewhere` }, '');
    expect(why).to.equal('answered 307 with something other than a token answer');
    expect(trouble).to.equal(null);
  });

  it('logs address and status, never query or body', async () => {
    const { lines } = await exchange(200, {}, '{"access_token":"do-not-show"}');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^verbose: POST http:\/\/127\.0\.0\.1:\d+\/tenant\/token: 200 in \d+ ms$/);
  });

  it('keeps the reason when there is no answer', async () => {
    answer = (request) => request.socket.destroy();
    const endpoint = createTokenEndpoint(5000, realClock, recordLog().log, new AbortController().signal);
    let failed = false;
    await endpoint.network.sendPostRequestAsync(address, { body: BODY }).catch(() => {
      failed = true;
    });
    expect(failed).to.equal(true);
    expect(endpoint.last()?.trouble).to.equal('broken');
    expect(endpoint.last()?.why).to.match(/^no answer: ./);
  });
});
