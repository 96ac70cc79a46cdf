import { createServer, type AddressInfo, type Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import { expect } from 'chai';
import { openSocket, parseServer } from '../../src/directory/secureSocket.ts';
import { WritebackError } from '../../src/errors.ts';
import { NEVER } from './sample.ts';

const context = createSecureContext();

describe('secureSocket', () => {
  it('reads a server with and without a port', () => {
    expect(parseServer('dc1.contoso.com')).to.deep.equal({ host: 'dc1.contoso.com', port: 636 });
    expect(parseServer('dc1:3269')).to.deep.equal({ host: 'dc1', port: 3269 });
    expect(parseServer('127.0.0.1:636')).to.deep.equal({ host: '127.0.0.1', port: 636 });
    expect(parseServer('::1')).to.deep.equal({ host: '::1', port: 636 });
    expect(parseServer('[::1]:1636')).to.deep.equal({ host: '::1', port: 1636 });
  });

  it('refuses what names no server', () => {
    for (const server of ['', 'ldaps://dc1', 'dc1:', 'dc1:0', 'dc1:65536', 'dc 1', 'user@dc1', 'dc1:x', '[dc1]']) {
      expect(() => parseServer(server), server)
        .to.throw(WritebackError)
        .with.property('code', 'ParameterInvalid');
    }
  });

  describe('to a server that accepts and says nothing', () => {
    let server: Server;
    let port: number;

    before(async () => {
      server = createServer((socket) => socket.on('error', () => socket.destroy()));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ({ port } = server.address() as AddressInfo);
    });

    after(() => server.close());

    it('gives up after the time that is set', async () => {
      const started = Date.now();
      const error = await openSocket('127.0.0.1', port, context, 200, NEVER).catch((thrown: Error) => thrown);
      expect(error).to.be.instanceOf(Error).with.property('message', 'no connection within 0.2 s');
      expect(Date.now() - started).to.be.lessThan(2000);
    });

    it('stops at once when it is cancelled', async () => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      const error = await openSocket('127.0.0.1', port, context, 60_000, stop.signal).catch((thrown: Error) => thrown);
      expect(error).to.be.instanceOf(WritebackError).with.property('code', 'Cancelled');
    });
  });
});
