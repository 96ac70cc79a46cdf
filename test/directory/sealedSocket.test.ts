import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { BerWriter, EqualityFilter, OrFilter } from 'ldapts';
import { expect } from 'chai';
import { octets, toEntry } from '../../src/directory/entry.ts';
import { ConnectionLost } from '../../src/directory/failure.ts';
import { searchRequest } from '../../src/directory/message.ts';
import { anything } from '../../src/directory/search.ts';
import { openSealedSocket, type SealedTarget } from '../../src/directory/sealedSocket.ts';
import { openWire, type Answer, type Wire } from '../../src/directory/wire.ts';
import type { HostServices } from '../../src/ports.ts';
import { failureOf } from '../host/failureOf.ts';
import { openBridgeWay, openEdgeWay, type Way } from '../host/ways.ts';
import { type DirectoryUser, type DomainController, startDomainController } from '../lab/domainController.ts';
import { KerberosClient, LDAP_PRINCIPAL } from '../lab/kerberos.ts';
import { openWiretap, type Wiretap } from './wiretap.ts';

const TIMEOUT = 15_000;
/** A signal that never fires. */
const NEVER = new AbortController().signal;
const ROOT_DSE = { base: '', scope: 'base', filter: anything } as const;

const WAYS = [
  ['over the bridge', openBridgeWay],
  ['over edge-js', openEdgeWay],
] as const;

describe('an LDAP connection sealed by Kerberos', function () {
  this.timeout(60_000);
  let domainController: DomainController;
  let user: DirectoryUser;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    user = await domainController.addUser('svc-sealed', 'Svc-Passw0rd!');
  });

  after(() => domainController?.stop());

  for (const [name, open] of WAYS) {
    describe(name, () => {
      let kerberos: KerberosClient;
      let way: Way;
      let tap: Wiretap;
      const wires: Wire[] = [];

      before(async () => {
        kerberos = await KerberosClient.create(domainController, `sealed-${open.name}`);
        await kerberos.signInByKeytab(user.userName);
        way = await open(kerberos.environment);
      });

      beforeEach(async () => {
        tap = await openWiretap(domainController.address, domainController.port);
      });

      afterEach(async () => {
        for (const wire of wires.splice(0)) wire.close();
        await tap.stop();
      });

      after(() => way?.close());

      const openSealed = async (changes: Partial<SealedTarget> = {}): Promise<Wire> => {
        const target = { host: tap.host, port: tap.port, principal: LDAP_PRINCIPAL, credential: null, ...changes };
        const { socket } = await openSealedSocket(target, way.services, TIMEOUT, NEVER);
        const wire = openWire(socket, TIMEOUT);
        wires.push(wire);
        return wire;
      };

      it('is signed in as the account of a ticket that a keytab gave', async () => {
        expect(await signedIn(await openSealed())).to.equal(user.sid);
      });

      it('is signed in by user name and password', async () => {
        const { userName, password } = domainController.administrator;
        expect(await signedIn(await openSealed({ credential: { userName, password } }))).to.match(/-500$/);
      });

      it('tells how it is protected', async () => {
        const target = { host: tap.host, port: tap.port, principal: LDAP_PRINCIPAL, credential: null };
        const { socket, protection } = await openSealedSocket(target, way.services, TIMEOUT, NEVER);
        expect(protection).to.equal('LDAP sealed by Kerberos (GSS-SPNEGO), server ldap/dc1.corp.contoso.test');
        socket.destroy();
      });

      it('shows nothing readable on the wire', async () => {
        const { userName, password } = domainController.administrator;
        const wire = await openSealed({ credential: { userName, password } });
        const signInLength = tap.octets('toClient').length;
        const answer = await search(wire, domainController.configurationDn, ['displayName', 'description']);
        expect(answer.entries).to.have.length.above(1000);
        const [sent, received] = [tap.octets('toServer'), tap.octets('toClient')];
        expect(received.length - signInLength).to.be.above(100_000);
        const words = [password, 'Configuration', 'DC=', 'CN=', 'displayName', 'description', 'objectClass'];
        for (const word of words) {
          for (const octets of [sent, received]) expect(holds(octets, word), word).to.equal(false);
        }
        // The same passage shows what is not sealed.
        expect(await plainRootDse(tap)).to.equal(true);
        expect(holds(tap.octets('toClient'), 'DC=')).to.equal(true);
      });

      it('carries messages larger than a sealed buffer, and many at once', async () => {
        const wire = await openSealed();
        const names = Array.from({ length: 8000 }, (_, number) => `no such name ${number}`);
        const filters = names.map((value) => new EqualityFilter({ attribute: 'cn', value }));
        filters.push(new EqualityFilter({ attribute: 'cn', value: 'svc-sealed' }));
        const query = { base: user.dn, scope: 'base', filter: new OrFilter({ filters }), attributes: ['cn'] } as const;
        const large = await wire.request(searchRequest(query, 60, []));
        expect(large.entries.map((entry) => toEntry(entry).distinguishedName)).to.deep.equal([user.dn]);
        expect(tap.octets('toServer').length).to.be.above(200_000);
        const many = Array.from({ length: 200 }, () => search(wire, '', ['dnsHostName'], 'base'));
        expect((await Promise.all(many)).map(({ entries }) => entries.length)).to.deep.equal(many.map(() => 1));
      });

      it('does not care how the network cuts its octets', async () => {
        tap.pass((octets) => pieces(octets, 7));
        const wire = await openSealed();
        const answer = await search(wire, domainController.deviceContainerDn, ['objectClass', 'distinguishedName']);
        expect(answer.entries).to.have.length(1);
      });

      it('is lost when one octet was changed on the way', async () => {
        for (const direction of ['toClient', 'toServer'] as const) {
          tap.pass((octets) => [octets]);
          const wire = await openSealed();
          tap.pass((octets, to) => [to === direction ? withLastOctetChanged(octets) : octets]);
          const error: unknown = await search(wire, '', ['dnsHostName'], 'base').catch((thrown: unknown) => thrown);
          expect(error, direction).to.be.instanceOf(ConnectionLost);
          expect(wire.open).to.equal(false);
        }
      });

      it('is lost when an answer comes that is not sealed', async () => {
        const wire = await openSealed();
        tap.pass((octets, to) => (to === 'toClient' ? [unsealedAnswer()] : [octets]));
        const error: unknown = await search(wire, '', ['dnsHostName'], 'base').catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(ConnectionLost);
        expect(String(error)).to.include('not sealed');
      });

      it('is lost when an answer is sent a second time', async () => {
        const wire = await openSealed();
        const before = tap.octets('toClient').length;
        await search(wire, '', ['dnsHostName'], 'base');
        const answer = tap.octets('toClient').subarray(before);
        tap.pass((octets, to) => (to === 'toClient' ? [answer] : [octets]));
        const error: unknown = await search(wire, '', ['dnsHostName'], 'base').catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(ConnectionLost);
        expect(String(error)).to.include('left out or repeated');
      });

      it('is lost when an answer is left out', async () => {
        const wire = await openSealed();
        await search(wire, '', ['dnsHostName'], 'base');
        tap.pass((octets, to) => (to === 'toClient' ? [] : [octets]));
        const first = search(wire, '', ['dnsHostName'], 'base').catch((thrown: unknown) => thrown);
        const before = tap.octets('toClient').length;
        while (tap.octets('toClient').length === before) await delay(5);
        tap.pass((octets) => [octets]);
        const second: unknown = await search(wire, '', ['dnsHostName'], 'base').catch((thrown: unknown) => thrown);
        for (const error of [await first, second]) {
          expect(error).to.be.instanceOf(ConnectionLost);
          expect(String(error)).to.include('left out or repeated');
        }
      });

      it('is refused by the server when the ticket is for another service key', async () => {
        const refused = await failureOf(openSealed({ principal: 'ldap/nowhere.corp.contoso.test' }));
        expect(refused.code).to.equal('DirectoryBindRefused');
        expect(tap.octets('toServer').length).to.equal(0);
      });

      it('is not opened to a server that proves nothing', async () => {
        const server = await startServer((socket) => socket.once('data', () => socket.write(bindSuccess())));
        try {
          const error = await failureOf(openSealed(server));
          expect(error.code).to.equal('DirectoryUntrusted');
          expect(error.message).to.include('did not prove who it is');
        } finally {
          await server.stop();
        }
      });
    });
  }

  describe('before it stands', () => {
    /** Sends a token, and would take any answer. */
    const services = {
      negotiate: () => ({
        step: async () => ({ token: Buffer.from('token'), done: true }),
        wrap: async (plain: Uint8Array) => plain,
        unwrap: async (sealed: Uint8Array) => sealed,
        close: async () => undefined,
      }),
    } as unknown as HostServices;

    const failureAgainst = async (
      react: (socket: Socket) => void,
      timeout = TIMEOUT,
      signal: AbortSignal = NEVER,
    ): Promise<unknown> => {
      const server = await startServer(react);
      const target = { ...server, principal: LDAP_PRINCIPAL, credential: null };
      try {
        return await openSealedSocket(target, services, timeout, signal).then(
          () => 'it was opened',
          (error: unknown) => error,
        );
      } finally {
        await server.stop();
      }
    };

    it('fails when the server closes, answers nonsense or nothing', async () => {
      expect(String(await failureAgainst((socket) => socket.end()))).to.include(
        'closed the connection during the sign-in',
      );
      expect(String(await failureAgainst((socket) => socket.write('HTTP/1.1 400\r\n\r\n')))).to.match(/^\w*Error/);
      const endless = Buffer.from('30847fffffff', 'hex');
      expect(String(await failureAgainst((socket) => socket.write(endless)))).to.include('too long');
      expect(String(await failureAgainst(() => undefined, 100))).to.include('no sign-in within 0.1 s');
    });

    it('ends when the call is stopped', async () => {
      const stopper = new AbortController();
      const failure = failureAgainst(() => stopper.abort(), TIMEOUT, stopper.signal);
      expect(await failure).to.have.property('code', 'Cancelled');
      expect(await failureAgainst(() => undefined, TIMEOUT, AbortSignal.abort())).to.have.property('code', 'Cancelled');
    });

    it('gives what the server says when it refuses the account', async () => {
      const refusal = bindResult(
        49,
        '80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 533, v4563',
      );
      const failure = await failureAgainst((socket) => socket.write(refusal));
      expect(failure).to.have.property('code', 'DirectoryBindRefused');
      expect(failure).to.have.property('message').that.includes('the account is disabled');
    });

    it('gives the error of the network', async () => {
      const server = await startServer(() => undefined);
      await server.stop();
      const target = { ...server, principal: LDAP_PRINCIPAL, credential: null };
      const error: unknown = await openSealedSocket(target, services, TIMEOUT, NEVER).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).to.have.property('code', 'ECONNREFUSED');
    });
  });
});

function search(
  wire: Wire,
  base: string,
  attributes: readonly string[],
  scope: 'base' | 'sub' = 'sub',
): Promise<Answer> {
  return wire.request(searchRequest({ base, scope, filter: anything, attributes }, 60, []));
}

/** The SID of the account that is signed in: the first of its token ([MS-ADTS] 3.1.1.3.2, tokenGroups). */
async function signedIn(wire: Wire): Promise<string> {
  const { entries } = await wire.request(searchRequest({ ...ROOT_DSE, attributes: ['tokenGroups'] }, 60, []));
  const sid = entries.flatMap((entry) => octets(toEntry(entry), 'tokenGroups'))[0] ?? Buffer.alloc(8);
  // Source: [MS-DTYP] 2.4.2.2.
  const parts = Array.from({ length: sid[1] ?? 0 }, (_, index) => sid.readUInt32LE(8 + 4 * index));
  return ['S', sid[0], sid.readUIntBE(2, 6), ...parts].join('-');
}

/** In any of the forms that a name or a password may have on the wire. */
function holds(octets: Buffer, word: string): boolean {
  return [Buffer.from(word), Buffer.from(word, 'utf16le')].some((form) => octets.includes(form));
}

async function plainRootDse(tap: Wiretap): Promise<boolean> {
  const socket = connect(tap.port, tap.host);
  await once(socket, 'connect');
  const wire = openWire(socket, TIMEOUT);
  const { entries } = await wire.request(searchRequest({ ...ROOT_DSE, attributes: ['defaultNamingContext'] }, 60, []));
  wire.close();
  return entries.length === 1;
}

function pieces(octets: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(octets.length / size) }, (_, index) =>
    octets.subarray(index * size, (index + 1) * size),
  );
}

function withLastOctetChanged(octets: Buffer): Buffer {
  const changed = Buffer.from(octets);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  return changed;
}

function unsealedAnswer(): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(1);
  writer.startSequence(0x65);
  writer.writeEnumeration(0);
  writer.writeString('');
  writer.writeString('');
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

function bindSuccess(): Buffer {
  return bindResult(0, '');
}

function bindResult(code: number, text: string): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(1);
  writer.startSequence(0x61);
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString(text);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

async function startServer(
  react: (socket: Socket) => void,
): Promise<{ readonly host: string; readonly port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    react(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
