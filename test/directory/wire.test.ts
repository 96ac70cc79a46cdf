import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { BerReader, DeleteRequest, SearchRequest, type Message } from 'ldapts';
import { toEntry } from '../../src/directory/entry.ts';
import { ConnectionLost, LdapRefusal } from '../../src/directory/failure.ts';
import { anything } from '../../src/directory/search.ts';
import { openWire, type Wire } from '../../src/directory/wire.ts';
import { result, searchDone, searchEntry } from './ldapServer.ts';

const DELETE_DONE = 0x6b;
const EXTENDED_DONE = 0x78;

const remove = (): Message => new DeleteRequest({ messageId: 0, dn: 'CN=a,DC=test' });
const search = (): Message => new SearchRequest({ messageId: 0, baseDN: 'DC=test', filter: anything });

const idOf = (octets: Buffer): number => {
  const reader = new BerReader(octets);
  reader.readSequence();
  return reader.readInt() ?? -1;
};

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );
}

describe('wire', () => {
  let server: Server;
  let peer: Socket;
  let wire: Wire;

  beforeEach(async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    [peer] = (await accepted) as [Socket];
    peer.on('error', () => peer.destroy());
    wire = openWire(socket, 1000);
  });

  afterEach(() => {
    wire.close();
    peer.destroy();
    server.close();
  });

  it('gives each request its own answer, in whatever order they come', async () => {
    const ids: number[] = [];
    peer.on('data', (octets: Buffer) => {
      const first = octets.subarray(0, 2 + octets.readUInt8(1));
      for (const message of [first, octets.subarray(first.length)]) if (message.length > 0) ids.push(idOf(message));
      if (ids.length < 2) return;
      for (const id of ids.toReversed())
        peer.write(id === ids[0] ? result(id, DELETE_DONE, 0) : result(id, DELETE_DONE, 32, 'gone'));
    });
    const [first, second] = await Promise.allSettled([wire.request(remove()), wire.request(remove())]);
    expect(first.status).to.equal('fulfilled');
    expect(second.status === 'rejected' && second.reason)
      .to.be.instanceOf(LdapRefusal)
      .and.include({ code: 32 });
    expect(new Set(ids).size).to.equal(2);
  });

  it('puts an answer together from any pieces', async () => {
    peer.on('data', (octets: Buffer) => {
      const id = idOf(octets);
      const answer = Buffer.concat([
        searchEntry(id, 'CN=a', 'name', 'a'),
        searchEntry(id, 'CN=b', 'name', 'b'),
        searchDone(id),
      ]);
      void (async () => {
        for (const octet of answer) {
          peer.write(Buffer.from([octet]));
          await new Promise(setImmediate);
        }
      })();
    });
    const { entries } = await wire.request(search());
    expect(entries.map((entry) => toEntry(entry).distinguishedName)).to.deep.equal(['CN=a', 'CN=b']);
  });

  it('fails all that waits when the server closes, and all that comes after', async () => {
    peer.on('data', () => peer.end());
    expect(await failureOf(wire.request(remove()))).to.be.instanceOf(ConnectionLost);
    expect(wire.open).to.equal(false);
    expect(await failureOf(wire.request(remove()))).to.be.instanceOf(ConnectionLost);
  });

  it('fails when the connection is reset', async () => {
    peer.on('data', () => peer.resetAndDestroy());
    expect(await failureOf(wire.request(remove()))).to.be.instanceOf(ConnectionLost);
  });

  it('gives up a connection on which no answer comes in time', async () => {
    const error = await failureOf(wire.request(remove()));
    expect(error).to.be.instanceOf(ConnectionLost);
    expect(error.message).to.include('no answer within 1 s');
    expect(wire.open).to.equal(false);
  });

  it('waits on as long as entries arrive', async () => {
    peer.on('data', (octets: Buffer) => {
      const id = idOf(octets);
      let sent = 0;
      const timer = setInterval(() => {
        sent += 1;
        peer.write(sent < 4 ? searchEntry(id, `CN=${sent}`, 'name', 'a') : searchDone(id));
        if (sent === 4) clearInterval(timer);
      }, 400);
    });
    expect((await wire.request(search())).entries).to.have.lengthOf(3);
  });

  it('keeps the words of a notice of disconnection', async () => {
    peer.on('data', () => peer.write(result(0, EXTENDED_DONE, 52, 'shutting down')));
    expect((await failureOf(wire.request(remove()))).message).to.include('shutting down');
  });

  it('takes no answer from octets that are no LDAP', async () => {
    peer.on('data', () => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await failureOf(wire.request(remove()))).to.be.instanceOf(ConnectionLost);
  });

  it('says goodbye when it is closed', async () => {
    const goodbye = once(peer, 'data');
    const ended = once(peer, 'end');
    wire.close();
    const [octets] = (await goodbye) as [Buffer];
    const reader = new BerReader(octets);
    reader.readSequence();
    reader.readInt();
    expect(reader.peek()).to.equal(0x42);
    await ended;
    expect(wire.open).to.equal(false);
  });
});
