import { expect } from 'chai';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createGraphClient } from '../../src/graph/client.ts';
import { environmentOf } from '../../src/graph/environment.ts';
import type { GraphRequest } from '../../src/graph/failure.ts';
import { createRetry, DEFAULT_RETRY } from '../../src/graph/retry.ts';
import type { FaultAction } from '../emulator/faults.ts';
import { badGateway, errorMember, failure, serverError, throttled } from '../emulator/faultPresets.ts';
import { caught } from './caught.ts';
import { fakeClock, realClock } from './fakeClock.ts';
import { countedTokens, sendJson, startOwnServer, type OwnServer, type Respond } from './ownServer.ts';
import { newCertificate } from './signingCertificate.ts';
import { recordLog, SECRET, startSource, type SourceFixture } from './sourceFixture.ts';

function reading(target: string): GraphRequest {
  return { target, purpose: 'Reading a thing', permission: 'Thing.Read.All' };
}

describe('graph/client', () => {
  describe('over a server of its own', () => {
    let server: OwnServer;

    const start = async (respond: Respond): Promise<OwnServer> => {
      server = await startOwnServer(respond);
      return server;
    };

    afterEach(() => server.stop());

    it('signs each request, names it, and asks for low priority', async () => {
      const { client, received, signal } = await start((_, response) => sendJson(response, { a: 1 }));
      expect(await client.get(reading('/devices?$top=1'), signal)).to.deep.equal({ a: 1 });
      await client.get(reading('/devices?$top=1'), signal);
      const [first, second] = received.map(({ headers }) => headers);
      expect(first?.authorization).to.equal('Bearer token-1');
      expect(first?.['x-ms-throttle-priority']).to.equal('Low');
      expect(first?.['client-request-id'])
        .to.match(/^[0-9a-f-]{36}$/)
        .and.not.to.equal(second?.['client-request-id']);
      expect(client.requests()).to.equal(2);
    });

    it('sends a link byte for byte as Graph gave it', async () => {
      const { client, received, url, signal } = await start((_, response) => sendJson(response, {}));
      const link = '/v1.0/devices?$skiptoken=X%27445%27&x=https://graph.microsoft.com/&$top=5&$top=6&b=a%27b+c%2C,';
      await client.get(reading(`${url}${link}`), signal);
      expect(received[0]?.target).to.equal(link);
    });

    it('sends a path below v1.0, filter values included', async () => {
      const { client, received, signal } = await start((_, response) => sendJson(response, {}));
      await client.get(reading(`/devices?$filter=${encodeURIComponent("displayName eq 'https://a&b#c'")}`), signal);
      expect(received[0]?.target).to.equal(`/v1.0/devices?$filter=displayName%20eq%20%27https%3A%2F%2Fa%26b%23c%27`);
    });

    it('posts JSON', async () => {
      const { client, received, signal } = await start((_, response) => sendJson(response, { responses: [] }));
      await client.post(reading('/$batch'), { requests: [{ id: '0' }] }, signal);
      expect(received[0]).to.include({ method: 'POST', target: '/v1.0/$batch', body: '{"requests":[{"id":"0"}]}' });
      expect(received[0]?.headers['content-type']).to.equal('application/json');
    });

    const links: readonly (readonly [string, (url: string) => string])[] = [
      ['another host', () => 'https://graph.example/v1.0/devices'],
      ['another port', (url) => url.replace(/\d+$/, '1')],
      ['another scheme', (url) => `${url.replace('http:', 'https:')}/v1.0/devices`],
      ['a user name', (url) => `${url.replace('//', '//name:word@')}/v1.0/devices`],
      ['no address', () => 'devices'],
    ];
    for (const [what, link] of links) {
      it(`sends nothing to a link with ${what}`, async () => {
        const { client, received, url, signal } = await start((_, response) => sendJson(response, {}));
        const error = await caught(() => client.get(reading(link(url)), signal));
        expect(error.code).to.equal('GraphAnswerInvalid');
        expect(error.message).not.to.contain('word');
        expect(received).to.deep.equal([]);
      });
    }

    it('does not follow a redirect with the token', async () => {
      const { client, received, signal } = await start((_, response) => {
        response.writeHead(302, { location: '/v1.0/elsewhere' }).end();
      });
      const error = await caught(() => client.get(reading('/devices'), signal));
      expect(error.message).to.contain('302');
      expect(received).to.have.length(1);
    });

    it('takes a new token once when one is refused', async () => {
      const { client, received, refused, signal } = await start(({ headers }, response) =>
        headers.authorization === 'Bearer token-1' ? sendJson(response, {}, 401) : sendJson(response, { a: 1 }),
      );
      expect(await client.get(reading('/devices'), signal)).to.deep.equal({ a: 1 });
      expect(refused).to.deep.equal(['token-1']);
      expect(received.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer token-1', 'Bearer token-2']);
    });

    it('fails when the new token is refused too', async () => {
      const { client, received, signal } = await start((_, response) => sendJson(response, {}, 401));
      const error = await caught(() => client.get(reading('/devices'), signal));
      expect(error).to.include({ code: 'GraphUnauthorized', category: 'AuthenticationError' });
      expect(received).to.have.length(2);
    });

    it('refuses a JSON value that is no object', async () => {
      const { client, signal } = await start((_, response) => sendJson(response, [1, 2]));
      const error = await caught(() => client.get(reading('/devices'), signal));
      expect(error.code).to.equal('GraphAnswerInvalid');
    });

    it("keeps the server's time of the latest answer", async () => {
      const { client, signal } = await start((_, response) => {
        response.setHeader('date', 'Sun, 22 Nov 2026 14:23:12 GMT');
        sendJson(response, {});
      });
      expect(client.serverTime()).to.equal(null);
      await client.get(reading('/devices'), signal);
      expect(client.serverTime()?.toISOString()).to.equal('2026-11-22T14:23:12.000Z');
    });

    it('reads a compressed answer', async () => {
      const { gzipSync } = await import('node:zlib');
      const { client, signal } = await start((_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":"packed"}'));
      });
      expect(await client.get(reading('/devices'), signal)).to.deep.equal({ a: 'packed' });
    });

    it('ends a body that does not come to its end in time', async () => {
      const { url, signal, clock, log, retry } = await start((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"a":');
      });
      const environment = environmentOf({ graph: url, login: url });
      const parts = { environment, clientId: 'a', tokens: countedTokens([]), retry, clock, log };
      const client = createGraphClient({ ...parts, requestTimeout: 50 });
      const error = await caught(() => client.get(reading('/devices'), signal));
      expect(error.code).to.equal('GraphUnreachable');
      expect(client.requests()).to.equal(4);
    });

    it('stops at once when it is cancelled inside a body', async () => {
      const stop = new AbortController();
      const { client } = await start((_, response) => {
        response.writeHead(200);
        response.write('{"a":');
        setTimeout(() => stop.abort(), 20);
      });
      const started = performance.now();
      const error = await caught(() => client.get(reading('/devices'), stop.signal));
      expect(error.code).to.equal('Cancelled');
      expect(performance.now() - started).to.be.below(2000);
    });

    it('sends nothing after it was cancelled', async () => {
      const { client, received } = await start((_, response) => sendJson(response, {}));
      expect((await caught(() => client.get(reading('/devices'), AbortSignal.abort()))).code).to.equal('Cancelled');
      expect(received).to.deep.equal([]);
    });
  });

  it('does not try again when the certificate of the server is not trusted', async () => {
    const { certificate, privateKey } = await newCertificate();
    const server = createServer({ cert: certificate, key: privateKey }, (_, response) => response.end('{}'));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const clock = fakeClock();
    const { log } = recordLog();
    const client = createGraphClient({
      environment: environmentOf({ graph: url, login: url }),
      clientId: 'application',
      tokens: countedTokens([]),
      retry: createRetry(DEFAULT_RETRY, clock, log),
      requestTimeout: 5000,
      clock,
      log,
    });
    const error = await caught(() => client.get(reading('/devices'), new AbortController().signal));
    server.closeAllConnections();
    server.close();
    expect(error).to.include({ code: 'GraphUnreachable', target: new URL(url).host, retryable: false });
    expect(error.message).to.match(/self.signed certificate/);
    expect(error.remedy).to.contain('trust store');
    expect(clock.waits).to.deep.equal([]);
  });

  describe('against the emulator', () => {
    let fixture: SourceFixture;

    beforeEach(async () => {
      fixture = await startSource();
    });

    afterEach(async () => {
      await fixture.emulator.stop();
    });

    const healing: readonly (readonly [string, FaultAction, number | null])[] = [
      ['429 with seconds', throttled('3'), 3000],
      ['429 with a fraction of seconds', throttled('2.128'), 2128],
      ['429 with an absurd wait, cut to the longest', throttled('999999'), 180_000],
      ['429 with garbage', throttled('soon'), null],
      ['429 with a date that is past', throttled('Sun, 22 Nov 1998 14:23:12 GMT'), null],
      ['429 with a negative wait', throttled('-7'), null],
      ['429 without Retry-After', throttled(null), null],
      ['503 with seconds', serverError(503, '4'), 4000],
      ['503', serverError(503), null],
      ['504', serverError(504), null],
      ['500', serverError(500), null],
      ['509', serverError(509), null],
      ['502 in HTML', badGateway(), null],
      ['408', failure(408, 'RequestTimeout', 'Too slow.'), null],
      ['200 with an error member', errorMember(), null],
      ['a connection reset before the answer', { kind: 'resetBeforeHeaders' }, null],
      ['a connection reset inside the body', { kind: 'resetInBody' }, null],
      ['a truncated body', { kind: 'truncate' }, null],
    ];
    for (const [what, action, wait] of healing) {
      it(`heals ${what} after ${wait === null ? 'a wait of its own' : `${wait} ms`}`, async () => {
        const { emulator, source, clock, signal } = fixture;
        emulator.faults.add({ action });
        await source.probeDevices(signal);
        expect(source.requests()).to.equal(2);
        expect(clock.waits).to.have.length(1);
        if (wait === null) expect(clock.waits[0]).to.be.within(500, 1000);
        else expect(clock.waits[0]).to.equal(wait);
      });
    }

    it('waits until the date that 429 names', async () => {
      const { emulator, source, clock, signal } = fixture;
      emulator.faults.add({ action: throttled(new Date(Date.now() + 30_000).toUTCString()) });
      await source.probeDevices(signal);
      expect(clock.waits[0]).to.be.within(27_000, 31_000);
    });

    const lasting: readonly (readonly [string, FaultAction, string, number])[] = [
      ['429', throttled('1'), 'GraphThrottled', 8],
      ['503', serverError(503), 'GraphFailed', 8],
      ['500', serverError(500), 'GraphFailed', 4],
      ['502 in HTML', badGateway(), 'GraphFailed', 4],
      ['200 with an error member', errorMember(), 'GraphFailed', 4],
      ['a truncated body', { kind: 'truncate' }, 'GraphAnswerInvalid', 4],
      ['a reset connection', { kind: 'resetInBody' }, 'GraphUnreachable', 4],
    ];
    for (const [what, action, code, tries] of lasting) {
      it(`ends with ${code} when ${what} lasts`, async () => {
        const { emulator, source, signal } = fixture;
        emulator.faults.add({ action, times: 1000 });
        const error = await caught(() => source.probeDevices(signal));
        expect(error.code).to.equal(code);
        expect(error.message).to.contain('Reading one device from 127.0.0.1:');
        expect(source.requests()).to.equal(tries);
      });
    }

    it('does not try a refusal again, and gives its words and request ids', async () => {
      const { emulator, source, signal } = fixture;
      emulator.faults.add({ action: failure(400, 'Request_BadRequest', 'Not like this.') });
      const error = await caught(() => source.probeDevices(signal));
      expect(error.code).to.equal('GraphFailed');
      expect(error.message).to.contain('400 Request_BadRequest Not like this.');
      expect(error.detail).to.match(/client-request-id [0-9a-f-]{36}, request-id [0-9a-f-]{36}/);
      expect(source.requests()).to.equal(1);
    });

    it('names the permission that a 403 is about, and those that the token has', async () => {
      const { emulator, another, signal } = fixture;
      emulator.apps.grant('6d1f0a52-1b1d-4a3e-9c55-0f6f1c2d3e4f', ['User.Read.All']);
      const error = await caught(() => another().probeDevices(signal));
      expect(error).to.include({ code: 'GraphForbidden', category: 'PermissionDenied' });
      expect(error.message).to.contain('Authorization_RequestDenied');
      expect(error.remedy).to.contain('permission Device.Read.All').and.to.contain('the token has: User.Read.All');
    });

    it('looks for another reason of a 403 when the token has the permission', async () => {
      const { emulator, source, signal } = fixture;
      emulator.faults.add({ action: failure(403, 'Authorization_RequestDenied', 'No.') });
      const error = await caught(() => source.probeDevices(signal));
      expect(error.remedy).to.contain('conditional access');
    });

    it('hides the token where an answer repeats it', async () => {
      const { emulator, source, signal } = fixture;
      emulator.faults.add({
        action: {
          kind: 'alter',
          change: (_, { headers }) => {
            const message = `You sent ${headers['authorization']}`;
            return { status: 400, headers: {}, body: { error: { code: 'Request_BadRequest', message } } };
          },
        },
      });
      const error = await caught(() => source.probeDevices(signal));
      expect(error.message).to.contain('You sent Bearer [redacted]');
    });

    it('renews a token that was revoked in the middle', async () => {
      const { emulator, source, signal } = fixture;
      await source.probeDevices(signal);
      emulator.tokens.revoke();
      await source.probeDevices(signal);
      expect(emulator.requests.count(({ kind }) => kind === 'token')).to.equal(2);
    });

    it('ends a wait at once when it is cancelled', async () => {
      const { emulator, another } = fixture;
      emulator.faults.add({ action: throttled('120') });
      const stop = new AbortController();
      const source = another({}, {}, realClock);
      await source.signIn(stop.signal);
      setTimeout(() => stop.abort(), 50);
      const started = performance.now();
      expect((await caught(() => source.probeDevices(stop.signal))).code).to.equal('Cancelled');
      expect(performance.now() - started).to.be.below(2000);
    });

    it('names the host when Graph cannot be reached', async () => {
      const { emulator, source, signal } = fixture;
      await source.signIn(signal);
      await emulator.stop();
      const error = await caught(() => source.probeDevices(signal));
      expect(error).to.include({
        code: 'GraphUnreachable',
        category: 'ConnectionError',
        target: source.host,
        retryable: true,
      });
      expect(error.message).to.contain('ECONNREFUSED');
      fixture = await startSource();
    });

    it('logs each try with method, path, status and time, and no secret', async () => {
      const { emulator, source, lines, signal } = fixture;
      emulator.faults.add({ action: serverError(503) });
      emulator.faults.add({ action: { kind: 'resetBeforeHeaders' } });
      await source.probeDevices(signal);
      const sent = lines.filter((line) => line.includes('/v1.0/'));
      expect(sent).to.have.length(3);
      expect(sent[0]).to.match(/^verbose: GET \/v1\.0\/devices\?\$select=id&\$top=1: 503 in \d+ ms$/);
      expect(sent[1]).to.match(/^verbose: GET \/v1\.0\/devices\?\$select=id&\$top=1: no answer in \d+ ms: ./);
      expect(sent[2]).to.match(/: 200 in \d+ ms$/);
      expect(lines.join('\n'))
        .not.to.match(/eyJ|Bearer|authorization/i)
        .and.not.to.contain(SECRET);
    });
  });
});
