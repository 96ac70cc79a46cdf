import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { newCertificate } from './signingCertificate.ts';

const TOKEN = JSON.stringify({
  token_type: 'Bearer',
  expires_in: 3599,
  ext_expires_in: 3599,
  access_token: 'opaque',
});

/**
 * The trust of a process can be set once, so each case is a process of its own. On Linux the store of the system is what
 * SSL_CERT_FILE and SSL_CERT_DIR name; Node by itself, without an option, takes no notice of them.
 */
const PROGRAM = path.join(import.meta.dirname, 'trustedReading.ts');

describe('graph/systemTrust', () => {
  let server: Server;
  let folder: string;
  let store: string;
  const asked: string[] = [];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-trust-'));
    const own = await newCertificate();
    store = path.join(folder, 'store.pem');
    await writeFile(store, own.certificate);
    server = createServer({ cert: own.certificate, key: own.privateKey }, (request, response) => {
      asked.push(request.url ?? '');
      const signIn = request.method === 'POST';
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(signIn ? TOKEN : '{"value":[]}');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });

  beforeEach(() => {
    asked.length = 0;
  });

  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  /** What the program says of reading from the server with this store of the system: "read", or code and remedy. */
  const reading = async (file: string, kind: 'secret' | 'accessToken'): Promise<string> => {
    const address = `https://localhost:${(server.address() as AddressInfo).port}`;
    const environment = { PATH: process.env.PATH, SSL_CERT_FILE: file, SSL_CERT_DIR: path.join(folder, 'none') };
    const options = { env: environment, timeout: 60_000 };
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, address, kind], options);
    return stdout.trim();
  };

  for (const kind of ['secret', 'accessToken'] as const) {
    it(`trusts an authority of the system's store, with ${kind}`, async function () {
      if (process.platform !== 'linux') this.skip();
      this.timeout(60_000);
      expect(await reading(store, kind)).to.equal('read');
      expect(asked.filter((url) => url.includes('/oauth2/v2.0/token'))).to.have.length(kind === 'secret' ? 1 : 0);
      expect(asked.at(-1)).to.match(/^\/v1\.0\/devices/);
    });

    it(`sends nothing to a host whose authority is not in it, and says where to put it, with ${kind}`, async function () {
      if (process.platform !== 'linux') this.skip();
      this.timeout(60_000);
      const code = kind === 'secret' ? 'SignInUnreachable' : 'GraphUnreachable';
      expect(await reading(path.join(folder, 'none.pem'), kind)).to.match(new RegExp(`^${code} .*trust store`));
      expect(asked).to.deep.equal([]);
    });
  }
});
