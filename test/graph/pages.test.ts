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

  it('asks for no further page when the reader has enough', async () => {
    const { client, received, signal } = await start((url) => [
      { value: [1], '@odata.nextLink': `${url}/v1.0/things?a` },
    ]);
    for await (const page of pages(client, FIRST, signal)) if (page.number === 1) break;
    expect(received).to.have.length(1);
  });
});
