import { createServer, type AddressInfo, type Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import { expect } from 'chai';
import { openSecureSocket } from '../../src/directory/secureSocket.ts';
import { WritebackError } from '../../src/errors.ts';
import { NEVER } from './sample.ts';

const way = { secureContext: createSecureContext(), startTls: false };

describe('secureSocket', () => {
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
      const error = await openSecureSocket({ host: '127.0.0.1', port }, way, 200, NEVER).catch(
        (thrown: Error) => thrown,
      );
      expect(error).to.be.instanceOf(Error).with.property('message', 'no connection within 0.2 s');
      expect(Date.now() - started).to.be.lessThan(2000);
    });

    it('stops at once when it is cancelled', async () => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      const error = await openSecureSocket({ host: '127.0.0.1', port }, way, 60_000, stop.signal).catch(
        (thrown: Error) => thrown,
      );
      expect(error).to.be.instanceOf(WritebackError).with.property('code', 'Cancelled');
    });
  });
});
