import { expect } from 'chai';
import { pages } from '../../src/graph/pages.ts';
import { caught, gather } from './caught.ts';
import { sendJson, startOwnServer, type OwnServer } from './ownServer.ts';

const FIRST = { target: '/things', purpose: 'Reading the things', permission: 'Thing.Read.All' };

describe('graph/pages', () => {
  let server: OwnServer;

  /** A server that answers with these pages in turn. */
  const start = async (content: (url: string) => readonly unknown[]): Promise<OwnServer> => {
    let next = 0;
    server = await startOwnServer((_, response, url) => {
      sendJson(response, content(url)[next]);
      next += 1;
    });
    return server;
  };

  afterEach(() => server.stop());

  it('follows each link as given, through empty pages, to the page without one', async () => {
    const { client, received, signal } = await start((url) => [
      { value: [1, 2], '@odata.nextLink': `${url}/v1.0/things?$skiptoken=X%27a%27&$top=2` },
      { value: [], '@odata.nextLink': `${url}/v1.0/things?$skipToken=b` },
      { value: [3] },
    ]);
    expect(await gather(pages(client, FIRST, signal))).to.deep.equal([
      { number: 1, values: [1, 2], deltaLink: null },
      { number: 2, values: [], deltaLink: null },
      { number: 3, values: [3], deltaLink: null },
    ]);
    expect(received.map(({ target }) => target)).to.deep.equal([
      '/v1.0/things',
      '/v1.0/things?$skiptoken=X%27a%27&$top=2',
      '/v1.0/things?$skipToken=b',
    ]);
  });

  it('asks for the page again whose link Graph does not know, and goes on by the link that it gives then', async () => {
    const refusal = { error: { code: 'DirectoryPageTokenNotFoundException', message: 'No.' } };
    let asked = 0;
    server = await startOwnServer(({ target }, response, url) => {
      asked += 1;
      if (target === '/v1.0/things?a1') sendJson(response, refusal, 400);
      else if (target === '/v1.0/things')
        sendJson(response, { value: [1], '@odata.nextLink': `${url}/v1.0/things?a${asked}` });
      else sendJson(response, { value: [2] });
    });
    const read = await gather(pages(server.client, FIRST, server.signal));
    expect(read.map(({ number, values }) => [number, values])).to.deep.equal([
      [1, [1]],
      [1, [1]],
      [2, [2]],
    ]);
    expect(asked).to.equal(4);
  });

  it('ends with the refusal when the page gives the same link again', async () => {
    const refusal = { error: { code: 'DirectoryPageTokenNotFoundException', message: 'No.' } };
    server = await startOwnServer(({ target }, response, url) => {
      if (target === '/v1.0/things') sendJson(response, { value: [1], '@odata.nextLink': `${url}/v1.0/things?a` });
      else sendJson(response, refusal, 400);
    });
    const error = await caught(() => gather(pages(server.client, FIRST, server.signal)));
    expect(error.message).to.contain('DirectoryPageTokenNotFoundException');
    expect(server.received).to.have.length(3);
  });

  it('refuses a link that was given before', async () => {
    const { client, signal } = await start((url) => [
      { value: [1], '@odata.nextLink': `${url}/v1.0/things?a` },
      { value: [2], '@odata.nextLink': `${url}/v1.0/things?b` },
      { value: [3], '@odata.nextLink': `${url}/v1.0/things?a` },
    ]);
    const error = await caught(() => gather(pages(client, FIRST, signal)));
    expect(error.code).to.equal('GraphAnswerInvalid');
    expect(error.message).to.contain('page 3 names a page as the next one that was read before');
  });

  it('sends nothing to the link of another host', async () => {
    const { client, received, signal } = await start(() => [
      { value: [1], '@odata.nextLink': 'https://graph.example/v1.0/things' },
    ]);
    const error = await caught(() => gather(pages(client, FIRST, signal)));
    expect(error.message).to.contain('https://graph.example, which is not followed');
    expect(received).to.have.length(1);
  });

  for (const link of ['', 'things?a', 7, {}]) {
    it(`refuses ${JSON.stringify(link)} as a link`, async () => {
      const { client, signal } = await start(() => [{ value: [1], '@odata.nextLink': link }]);
      const error = await caught(() => gather(pages(client, FIRST, signal)));
      expect(error.message).to.contain('page 1 names a next page that is no address');
    });
  }

  for (const content of [{}, { value: null }, { value: {} }, { value: 'x' }]) {
    it(`refuses ${JSON.stringify(content)} as a page`, async () => {
      const { client, signal } = await start(() => [content]);
      const error = await caught(() => gather(pages(client, FIRST, signal)));
      expect(error.code).to.equal('GraphAnswerInvalid');
      expect(error.message).to.contain('page 1 holds no collection');
    });
  }

  it('refuses pages that go round in a circle, sooner or later, whatever their links say', async () => {
    for (const [lead, length, size] of [
      [0, 1, 2],
      [5, 7, 40],
      [3, 4, 999],
    ] as const) {
      let number = 0;
      server?.stop();
      server = await startOwnServer((_, response, url) => {
        const page = number < lead ? number : lead + ((number - lead) % length);
        number += 1;
        const value = Array.from({ length: size }, (_unused, index) => ({ id: `${page}-${index}` }));
        sendJson(response, { value, '@odata.nextLink': `${url}/v1.0/things?${number}` });
      });
      const error = await caught(() => gather(pages(server.client, FIRST, server.signal)));
      expect(error.code).to.equal('GraphAnswerInvalid');
      expect(error.message).to.contain('bring the same objects again and again');
      expect(number).to.be.below(150);
    }
  });

  it('refuses empty pages without end, and says what they are', async () => {
    let number = 0;
    server = await startOwnServer((_, response, url) => {
      number += 1;
      sendJson(response, { value: [], '@odata.nextLink': `${url}/v1.0/things?${number}` });
    });
    const error = await caught(() => gather(pages(server.client, FIRST, server.signal, 100)));
    expect(error.code).to.equal('GraphAnswerInvalid');
    expect(error.message).to.contain(
      '101 pages in a row are empty, and the last of them, page 101, names a further one',
    );
    expect(number).to.equal(101);
  });

  it('goes through a thousand empty pages to the object behind them, and to an end that is empty', async () => {
    let number = 0;
    server = await startOwnServer((_, response, url) => {
      number += 1;
      const link = { '@odata.nextLink': `${url}/v1.0/things?${number}` };
      if (number === 1002) sendJson(response, { value: [] });
      else sendJson(response, { value: number === 1001 ? [1] : [], ...link });
    });
    const read = await gather(pages(server.client, FIRST, server.signal));
    expect(read.flatMap(({ values }) => values)).to.deep.equal([1]);
    expect(read).to.have.length(1002);
  });

  it('takes objects that come on two pages for no circle', async () => {
    let number = 0;
    server = await startOwnServer((_, response, url) => {
      number += 1;
      const value = Array.from({ length: 20 }, (_unused, index) => ({ id: String(number * 10 + index) }));
      sendJson(response, { value, ...(number < 100 ? { '@odata.nextLink': `${url}/v1.0/things?${number}` } : {}) });
    });
    expect(await gather(pages(server.client, FIRST, server.signal))).to.have.length(100);
  });

  it('asks for no further page when the reader has enough', async () => {
    const { client, received, signal } = await start((url) => [
      { value: [1], '@odata.nextLink': `${url}/v1.0/things?a` },
    ]);
    for await (const page of pages(client, FIRST, signal)) if (page.number === 1) break;
    expect(received).to.have.length(1);
  });
});
