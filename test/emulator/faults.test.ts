import { expect } from 'chai';
import {
  assertSchema,
  connect,
  errorCode,
  nextLinkOf,
  ODATA_ERROR,
  readPages,
  requestToken,
  SECRET,
  valueOf,
  type EmulatorClient,
} from './emulatorClient.ts';
import {
  badGateway,
  claimsChallenge,
  duplicatesOverPages,
  emptyPage,
  errorMember,
  foreignNextLink,
  linkOfRetriedPageRefused,
  meanwhile,
  missingProperty,
  pageTokenRefused,
  repeatedNextLink,
  samePageAgain,
  serverError,
  throttled,
} from './faultPresets.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { syntheticDevices } from './syntheticDevices.ts';

const PAGES = '/devices?$select=id,displayName&$top=10';

describe('the faults of the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  beforeEach(async () => {
    emulator = await startGraphEmulator({ synthetic: syntheticDevices(30, 1) });
    client = await connect(emulator);
  });

  afterEach(async () => await emulator.stop());

  const ids = async (): Promise<readonly unknown[]> =>
    (await readPages(client, PAGES)).flatMap((page) => valueOf(page).map((device) => device['id']));

  it('hit the requests of their rule, after so many, so many times', async () => {
    const fault = emulator.faults.add({
      when: (request) => request.path === '/v1.0/devices',
      after: 1,
      times: 2,
      action: serverError(503, '7'),
    });
    const statuses: number[] = [];
    for (let round = 0; round < 4; round += 1) statuses.push((await client.get('/devices?$top=1')).status);
    expect((await client.get('/organization')).status).to.equal(200);
    expect(statuses).to.deep.equal([200, 503, 503, 200]);
    expect(fault.hits).to.equal(2);
  });

  it('end when their rule is removed or all are cleared', async () => {
    const always = { times: Number.POSITIVE_INFINITY, action: serverError(500) };
    const fault = emulator.faults.add(always);
    expect((await client.get('/devices')).status).to.equal(500);
    fault.remove();
    expect((await client.get('/devices')).status).to.equal(200);
    emulator.faults.add(always);
    emulator.faults.clear();
    expect((await client.get('/devices')).status).to.equal(200);
  });

  it('throttle with Retry-After in each form and with none', async () => {
    for (const retryAfter of ['2', '2.128', 'Wed, 21 Oct 2015 07:28:00 GMT', 'soon', null]) {
      emulator.faults.add({ action: throttled(retryAfter) });
      const received = await client.get('/devices');
      expect(received.status).to.equal(429);
      expect(received.headers.get('retry-after')).to.equal(retryAfter);
      assertSchema(received, ODATA_ERROR);
    }
  });

  it('answer as a failing server and as a gateway in HTML', async () => {
    for (const status of [500, 503, 504, 509]) {
      emulator.faults.add({ action: serverError(status) });
      const received = await client.get('/devices');
      expect(received.status).to.equal(status);
      assertSchema(received, ODATA_ERROR);
    }
    emulator.faults.add({ action: badGateway() });
    const response = await fetch(`${emulator.graphUrl}/v1.0/devices`);
    expect(response.status).to.equal(502);
    expect(response.headers.get('content-type')).to.equal('text/html');
    expect(await response.text()).to.match(/^<html>/);
  });

  it('reset the connection before the answer', async () => {
    emulator.faults.add({ action: { kind: 'resetBeforeHeaders' } });
    expect(await failureOf(client.get('/devices'))).to.contain('ECONNRESET');
    expect(emulator.requests.all().at(-1)).to.include({ status: null });
  });

  it('reset the connection in the middle of the body', async () => {
    emulator.faults.add({ action: { kind: 'resetInBody' } });
    const { authorization } = await headers();
    const response = await fetch(`${emulator.graphUrl}/v1.0/devices`, { headers: { authorization } });
    expect(response.status).to.equal(200);
    expect(await failureOf(response.text())).to.match(/terminated|ECONNRESET/);
  });

  it('truncate the JSON of a complete answer', async () => {
    emulator.faults.add({ action: { kind: 'truncate' } });
    expect(await failureOf(client.get('/devices'))).to.contain('SyntaxError');
  });

  it('delay an answer', async () => {
    emulator.faults.add({ action: { kind: 'delay', milliseconds: 120 } });
    const start = performance.now();
    await client.get('/devices?$top=1');
    expect(performance.now() - start).to.be.at.least(110);
  });

  it('put an error member into an answer of status 200', async () => {
    emulator.faults.add({ action: errorMember() });
    const received = await client.get('/devices');
    expect(received.status).to.equal(200);
    expect(errorCode(received)).to.equal('UnknownError');
  });

  it('make pages smaller than asked', async () => {
    emulator.switches.pageLimit = 4;
    const pages = await readPages(client, PAGES);
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([4, 4, 4, 4, 4, 4, 4, 2]);
  });

  it('put empty pages before full ones and lose nothing', async () => {
    const all = await ids();
    emulator.faults.add({ times: 2, action: emptyPage(emulator.pages) });
    const pages = await readPages(client, PAGES);
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([0, 0, 10, 10, 10]);
    expect(pages.flatMap((page) => valueOf(page).map((device) => device['id']))).to.deep.equal(all);
    expect(new Set(pages.map(nextLinkOf)).size).to.equal(pages.length);
  });

  it('give devices twice over pages', async () => {
    emulator.faults.add({ times: Number.POSITIVE_INFINITY, action: duplicatesOverPages() });
    const seen = await ids();
    expect(seen).to.have.length(32);
    expect(new Set(seen).size).to.equal(30);
  });

  it('give the same link, or the same page under new links, for ever', async () => {
    const fault = emulator.faults.add({ times: Number.POSITIVE_INFINITY, action: repeatedNextLink() });
    const repeated = await readPages(client, PAGES);
    expect(repeated).to.have.length(100);
    expect(new Set(repeated.map(nextLinkOf)).size).to.equal(1);
    fault.remove();
    emulator.faults.add({ times: Number.POSITIVE_INFINITY, action: samePageAgain(emulator.pages) });
    const same = await readPages(client, PAGES);
    expect(new Set(same.map(nextLinkOf)).size).to.equal(100);
    expect(new Set(same.map((page) => JSON.stringify(valueOf(page)))).size).to.equal(1);
  });

  it('lead to a foreign host', async () => {
    emulator.faults.add({ action: foreignNextLink('http://graph.example') });
    expect(nextLinkOf(await client.get(PAGES))).to.match(/^http:\/\/graph\.example\/v1\.0\/devices\?/);
  });

  it('refuse a page token', async () => {
    const link = nextLinkOf(await client.get(PAGES)) ?? '';
    emulator.faults.add({ when: (request) => request.parameters.has('$skiptoken'), action: pageTokenRefused() });
    const received = await client.get(link);
    expect(received.status).to.equal(400);
    expect(errorCode(received)).to.equal('DirectoryPageTokenNotFoundException');
  });

  it('leave out a selected property', async () => {
    emulator.faults.add({ action: missingProperty('displayName') });
    expect(valueOf(await client.get(PAGES))[0]).to.have.all.keys('id');
  });

  it('let a device vanish between two pages', async () => {
    const all = await ids();
    emulator.faults.add({ action: meanwhile(() => emulator.devices.remove(String(all[12]))) });
    expect(await ids()).to.deep.equal(all.toSpliced(12, 1));
  });

  it('refuse the link that a retried page gave, until the page is asked for once more', async () => {
    const forever = Number.POSITIVE_INFINITY;
    emulator.faults.add({ times: forever, action: linkOfRetriedPageRefused() });
    emulator.faults.add({ action: serverError(503) });
    expect((await client.get(PAGES)).status).to.equal(503);
    const retried = nextLinkOf(await client.get(PAGES)) ?? '';
    const refused = await client.get(retried);
    expect(refused.status).to.equal(400);
    expect(errorCode(refused)).to.equal('DirectoryPageTokenNotFoundException');
    const again = nextLinkOf(await client.get(PAGES)) ?? '';
    expect(valueOf(await client.get(again))).to.have.length(10);
  });

  it('send a body slowly, and whole', async () => {
    emulator.faults.add({ action: { kind: 'slowBody', milliseconds: 120 } });
    const start = performance.now();
    expect(valueOf(await client.get(PAGES))).to.have.length(10);
    expect(performance.now() - start).to.be.at.least(100);
  });

  it('compress bodies for those who accept it, and cut or spoil them too', async () => {
    emulator.switches.gzip = true;
    const received = await client.get(PAGES);
    expect(received.headers.get('content-encoding')).to.equal('gzip');
    expect(valueOf(received)).to.have.length(10);
    const plain = await client.get(PAGES, { 'accept-encoding': 'identity' });
    expect(plain.headers.get('content-encoding')).to.equal(null);
    emulator.faults.add({ action: { kind: 'truncate' } });
    expect(await failureOf(client.get(PAGES))).to.match(/terminated|Z_BUF_ERROR|SyntaxError/);
  });

  it('warn of throttling before it begins', async () => {
    expect((await client.get(PAGES)).headers.get('x-ms-throttle-limit-percentage')).to.equal(null);
    emulator.switches.throttleLimitPercentage = 1.2;
    expect((await client.get(PAGES)).headers.get('x-ms-throttle-limit-percentage')).to.equal('1.2');
    emulator.faults.add({ action: throttled('1') });
    expect((await client.get(PAGES)).headers.get('x-ms-throttle-scope')).to.match(
      /^Tenant_Application\/ReadWrite\/.+\/.+$/,
    );
  });

  it('challenge for claims', async () => {
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}';
    emulator.faults.add({ action: claimsChallenge(claims) });
    const received = await client.get(PAGES);
    expect(received.status).to.equal(401);
    const encoded = /error="insufficient_claims", claims="([^"]+)"/.exec(
      received.headers.get('www-authenticate') ?? '',
    );
    expect(Buffer.from(encoded?.[1] ?? '', 'base64').toString()).to.equal(claims);
  });

  it('refuse the token in the middle of an enumeration', async () => {
    emulator.faults.add({ action: meanwhile(() => emulator.tokens.revoke()) });
    const pages = await readPages(client, PAGES);
    expect(pages.map((page) => page.status)).to.deep.equal([200, 401]);
  });

  it('reach the token endpoint as well', async () => {
    emulator.faults.add({ when: (request) => request.kind === 'token', action: throttled('1') });
    expect((await requestToken(emulator, { client_secret: SECRET })).status).to.equal(429);
    expect((await requestToken(emulator, { client_secret: SECRET })).status).to.equal(200);
  });

  async function headers(): Promise<{ authorization: string }> {
    const { body } = await requestToken(emulator, { client_secret: SECRET });
    return { authorization: `Bearer ${String(body['access_token'])}` };
  }
});

/** The error with its causes, in words. */
async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    return `${String(thrown)} ${code}`;
  }
  throw new Error('The request was expected to fail.');
}
