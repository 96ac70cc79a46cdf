/**
 * An LDAP server that says over TLS what a test wants it to say, for answers that no directory gives when it is asked
 * to. It listens on loopback with a certificate of its own.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { BerReader, BerWriter } from 'ldapts';
import { issueCertificate } from '../lab/certificate.ts';

/** Tags of RFC 4511 4.2 to 4.12. */
export const OPERATION = { bind: 0x60, search: 0x63, modify: 0x66, add: 0x68, delete: 0x4a } as const;

export interface Received {
  readonly id: number;
  /** The tag of the request. */
  readonly operation: number;
  /** Sends octets later on. */
  readonly answer: (octets: Buffer) => void;
}

/** The octets to send for a request; null closes the connection. */
export type Reply = (request: Received) => Buffer | null;

export interface LdapServer {
  /** `127.0.0.1:port` */
  readonly server: string;
  readonly caFile: string;
  /** Binds are answered with success and not counted. */
  readonly received: Received[];
  stop(): Promise<void>;
}

export async function startLdapServer(reply: Reply): Promise<LdapServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-ldap-'));
  const certificate = await issueCertificate(folder, '127.0.0.1', 'good');
  const options = { cert: await readFile(certificate.certificateFile), key: await readFile(certificate.keyFile) };
  const received: Received[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer(options, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (octets: Buffer) => {
      const request = { ...parseRequest(octets), answer: (later: Buffer) => void socket.write(later) };
      if (request.operation === OPERATION.bind) {
        socket.write(result(request.id, 0x61, 0));
        return;
      }
      received.push(request);
      const answer = reply(request);
      if (answer === null) socket.destroy();
      else socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    caFile: certificate.caFile,
    received,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One message a packet, which is how a client that awaits each answer sends. */
function parseRequest(octets: Buffer): Omit<Received, 'answer'> {
  const reader = new BerReader(octets);
  reader.readSequence();
  return { id: reader.readInt() ?? -1, operation: reader.peek() ?? -1 };
}

/** An LDAPResult with this tag; the cookie makes a paged results control of it. */
export function result(id: number, tag: number, code: number, words = '', cookie: string | null = null): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(tag);
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString(words);
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
  result(id, 0x65, code, '', cookie);

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
