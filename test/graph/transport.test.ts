import { expect } from 'chai';
import { build } from 'esbuild';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadTransport, NoAnswer, type Transport, type WireRequest } from '../../src/graph/transport.ts';
import { sendJson, startOwnServer, type OwnServer } from './ownServer.ts';

const REQUIRE = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

describe('graph/transport', () => {
  let server: OwnServer;

  beforeEach(async () => {
    server = await startOwnServer(({ target }, response) => {
      if (target === '/cut') response.destroy();
      else sendJson(response, { target }, target === '/no' ? 404 : 200);
    });
  });

  afterEach(() => server.stop());

  function request(target: string, body: WireRequest['body'] = null): WireRequest {
    return { url: new URL(`${server.url}${target}`), headers: { 'x-own': 'yes' }, body, signal: server.signal };
  }

  async function checkedBy(send: Transport): Promise<void> {
    const { status, headers, text } = await send(request('/a/b?$top=1&x=%27'));
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.equal('application/json');
    expect(text).to.equal('{"target":"/a/b?$top=1&x=%27"}');
    await send(request('/$batch', { a: 1 }));
    expect(server.received.map(({ method, headers: sent, body }) => [method, sent['x-own'], body])).to.deep.equal([
      ['GET', 'yes', ''],
      ['POST', 'yes', '{"a":1}'],
    ]);
  }

  it('sends a request to its own address with its own headers', async () => {
    await checkedBy(await loadTransport(server.url));
  });

  for (const mainFields of [
    ['main', 'module'],
    ['module', 'main'],
  ]) {
    it(`does the same from a bundle that is split into chunks and made of the package's ${mainFields[0]}`, async () => {
      const outdir = await mkdtemp(path.join(tmpdir(), 'devicewriteback-bundle-'));
      try {
        await build({
          entryPoints: { transport: 'src/graph/transport.ts' },
          outdir,
          mainFields,
          bundle: true,
          splitting: true,
          format: 'esm',
          platform: 'node',
          minify: true,
          outExtension: { '.js': '.mjs' },
          banner: { js: REQUIRE },
        });
        const bundled = (await import(pathToFileURL(path.join(outdir, 'transport.mjs')).href)) as {
          readonly loadTransport: typeof loadTransport;
        };
        await checkedBy(await bundled.loadTransport(server.url));
      } finally {
        await rm(outdir, { recursive: true });
      }
    });
  }

  it('gives any status as an answer', async () => {
    const send = await loadTransport(server.url);
    expect((await send(request('/no'))).status).to.equal(404);
  });

  it('tells a failure of the network from any other', async () => {
    const send = await loadTransport(server.url);
    const ending = async (wire: WireRequest): Promise<unknown> =>
      send(wire).then(
        () => null,
        (error: unknown) => error,
      );
    const cut = await ending(request('/cut'));
    expect(cut).to.be.instanceOf(NoAnswer);
    expect(cut instanceof NoAnswer ? cut.failure.text : '').to.match(/other side closed|ECONNRESET|socket hang up/);
    expect(await ending({ ...request('/a'), signal: AbortSignal.abort() })).to.be.instanceOf(NoAnswer);
  });
});
