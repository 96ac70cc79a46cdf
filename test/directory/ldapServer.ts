/**
 * An LDAP server that says over TLS what a test wants it to say, for answers that no directory gives when it is asked
 * to. It listens on loopback with a certificate of its own; TLS begins with the first octet or by StartTLS.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, TLSSocket } from 'node:tls';
import { BerReader, BerWriter } from 'ldapts';
import { issueCertificate } from '../lab/certificate.ts';

/** Tags of RFC 4511 4.2 to 4.12. */
export const OPERATION = { bind: 0x60, search: 0x63, modify: 0x66, add: 0x68, delete: 0x4a, extended: 0x77 } as const;
export const RESPONSE = { bind: 0x61, search: 0x65, modify: 0x67, add: 0x69, delete: 0x6b, extended: 0x78 } as const;

export interface Received {
  readonly id: number;
  /** The tag of the request. */
  readonly operation: number;
  /** The whole message. */
  readonly octets: Buffer;
  /** Subject of the client certificate, null if none was presented. */
  readonly certificate: string | null;
  /** Sends octets later on. */
  readonly answer: (octets: Buffer) => void;
}

/** The octets to send for a request; null closes the connection. */
export type Reply = (request: Received) => Buffer | null;

export interface LdapServer {
  /** `127.0.0.1:port` */
  readonly server: string;
  readonly caFile: string;
  /** What came under TLS, without the binds. */
  readonly received: Received[];
  readonly binds: Received[];
  /** What came before TLS. */
  readonly clear: Buffer[];
  stop(): Promise<void>;
}

export interface LdapServerOptions {
  /** Default: success. */
  readonly bind?: Reply;
  /** Listens without TLS and answers the first message with this; after success TLS begins. */
  readonly startTls?: (id: number) => Buffer | null;
  /** PEM of an authority: clients are asked for a certificate, and may come without one. */
  readonly clientAuthority?: string;
}

export async function startLdapServer(reply: Reply, options: LdapServerOptions = {}): Promise<LdapServer> {
  const { bind = ({ id }) => result(id, RESPONSE.bind, 0), startTls, clientAuthority } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-ldap-'));
  const certificate = await issueCertificate(folder, '127.0.0.1', 'good');
  const tls = {
    cert: await readFile(certificate.certificateFile),
    key: await readFile(certificate.keyFile),
    ...(clientAuthority === undefined ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: false }),
  };
  const received: Received[] = [];
  const binds: Received[] = [];
  const clear: Buffer[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const converse = (socket: TLSSocket): void => {
    keep(socket);
    socket.on('data', (octets: Buffer) => {
      const presented = socket.getPeerX509Certificate()?.subject ?? null;
      const later = (answer: Buffer): void => void socket.write(answer);
      const request = { ...parseRequest(octets), octets, certificate: presented, answer: later };
      const isBind = request.operation === OPERATION.bind;
      (isBind ? binds : received).push(request);
      const answer = (isBind ? bind : reply)(request);
      if (answer === null) socket.destroy();
      else socket.write(answer);
    });
  };
  const begin = (socket: Socket, answerOf: (id: number) => Buffer | null): void => {
    keep(socket);
    socket.once('data', (octets: Buffer) => {
      clear.push(octets);
      const answer = answerOf(parseRequest(octets).id);
      if (answer === null) {
        socket.destroy();
        return;
      }
      // TLS takes the socket over before the answer leaves, so that none of its octets is read as something else.
      const secure = new TLSSocket(socket, { isServer: true, ...tls });
      socket.write(answer);
      converse(secure);
    });
  };
  const server: Server =
    startTls === undefined ? createServer(tls, converse) : createPlainServer((socket) => begin(socket, startTls));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    caFile: certificate.caFile,
    received,
    binds,
    clear,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One message a packet, which is how a client that awaits each answer sends. */
function parseRequest(octets: Buffer): Pick<Received, 'id' | 'operation'> {
  const reader = new BerReader(octets);
  reader.readSequence();
  return { id: reader.readInt() ?? -1, operation: reader.peek() ?? -1 };
}

/** What a result may have besides its code and words. */
export interface ResultExtras {
  /** Makes a paged results control. */
  readonly cookie?: string | null;
  readonly referrals?: readonly string[];
  /** The value of an extended response. */
  readonly value?: string;
}

/** An LDAPResult with this tag. */
export function result(id: number, tag: number, code: number, words = '', extras: ResultExtras = {}): Buffer {
  const { cookie = null, referrals = [], value: extended } = extras;
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(tag);
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString(words);
  if (referrals.length > 0) {
    writer.startSequence(0xa3);
    for (const url of referrals) writer.writeString(url);
    writer.endSequence();
  }
  if (extended !== undefined) writer.writeString(extended, 0x8b);
  writer.endSequence();
  if (cookie !== null) {
    const value = new BerWriter();
    value.startSequence();
    value.writeInt(0);
    value.writeString(cookie);
    value.endSequence();
    writer.startSequence(0xa0);
    writer.startSequence();
    writer.writeString('1.2.840.113556.1.4.319');
    writer.writeBuffer(value.buffer, 0x04);
    writer.endSequence();
    writer.endSequence();
  }
  writer.endSequence();
  return writer.buffer;
}

export const searchDone = (id: number, code = 0, cookie: string | null = null): Buffer =>
  result(id, RESPONSE.search, code, '', { cookie });

/** A search result entry with one attribute. */
export function searchEntry(id: number, name: string, attribute: string, value: string): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(0x64);
  writer.writeString(name);
  writer.startSequence();
  writer.startSequence();
  writer.writeString(attribute);
  writer.startSequence(0x31);
  writer.writeString(value);
  for (let open = 0; open < 5; open += 1) writer.endSequence();
  return writer.buffer;
}
