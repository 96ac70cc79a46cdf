/**
 * LDAP sealed by Kerberos: a connection to the plain port that is signed in by SASL GSS-SPNEGO and from then on carries
 * encrypted, numbered messages both ways ([MS-ADTS] 5.1.1.1.2, RFC 4752 3.1 for the framing). Whoever gets the socket
 * gets it signed in and sealed, so a connection that is opened again is so too.
 */
import { connect, type LookupFunction, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { WritebackError } from '../errors.ts';
import type { Credential, HostServices, SecurityContext } from '../ports.ts';
import { withinTime } from './cancellation.ts';
import { LdapRefusal } from './failure.ts';
import { createMessageOrder } from './messageOrder.ts';
import { elementLength, parseSaslBindResponse, saslBindRequest } from './saslBind.ts';
import { serverText, type Server } from './server.ts';
import { bindFailure } from './signInFailure.ts';

/** The port is 389 as a rule. */
export interface SealedTarget extends Server {
  /** The service principal name that the server must prove to have, such as ldap/dc1.contoso.com. */
  readonly principal: string;
  /** null: the account that runs this. */
  readonly credential: Credential | null;
  /** Finds the address of the host; the system's way if it is absent. */
  readonly lookup?: LookupFunction;
}

export interface SealedConnection {
  /** Its octets are LDAP messages, as those of a TLS socket would be. */
  readonly socket: Duplex;
  /** How it is protected, one phrase. */
  readonly protection: string;
}

const MECHANISM = 'GSS-SPNEGO';
/** Kerberos needs one or two legs, and a fallback inside SPNEGO one more. */
const MOST_LEGS = 8;
/** A bind response holds one token; a Kerberos ticket with many groups has some tens of kilobytes. */
const LARGEST_BIND_RESPONSE = 1024 * 1024;
/**
 * Plain octets in one sealed buffer. GSS-SPNEGO, unlike the mechanism GSSAPI, announces no largest buffer; sealed, this
 * stays under the 64 KiB that every server takes.
 */
const LARGEST_PLAIN = 60 * 1024;
/** The largest sealed buffer that is believed: a length beyond it is no length. */
const LARGEST_SEALED = 16 * 1024 * 1024;

/**
 * @param timeout Milliseconds until the sealed connection must stand.
 * @throws Cancelled, WritebackError for what Kerberos or the server refuses, or the error of the network as Node gives it.
 */
export async function openSealedSocket(
  target: SealedTarget,
  services: HostServices,
  timeout: number,
  signal: AbortSignal,
): Promise<SealedConnection> {
  const { host, port, principal, credential, lookup } = target;
  const tcp = connect({ host, port, noDelay: true, ...(lookup === undefined ? {} : { lookup }) });
  // What goes wrong on the connection is told where it is read; here it only must not be nobody's.
  tcp.on('error', () => undefined);
  const context = services.negotiate(principal, credential);
  try {
    const unread = await withinTime(signIn(tcp, context, principal), timeout, 'no sign-in', signal);
    return {
      socket: new SealedSocket(tcp, context, unread),
      protection: `LDAP sealed by Kerberos (${MECHANISM}), server ${principal}`,
    };
  } catch (error) {
    tcp.destroy();
    context.close().catch(() => undefined);
    if (!(error instanceof LdapRefusal)) throw error;
    throw bindFailure(error, serverText(target), credential?.userName ?? 'the account that runs this');
  }
}

type Chunks = AsyncIterator<Buffer>;

/** Octets that were read, and where more come from. */
interface Unread {
  readonly chunks: Chunks;
  readonly octets: Buffer;
}

async function signIn(tcp: Socket, context: SecurityContext, principal: string): Promise<Unread> {
  let unread: Unread = { chunks: tcp[Symbol.asyncIterator]() as Chunks, octets: Buffer.alloc(0) };
  let serverToken: Uint8Array | null = null;
  for (let messageId = 1; messageId <= MOST_LEGS; messageId += 1) {
    const leg = await context.step(serverToken);
    if (leg.token.length === 0) throw refused(principal, 'this side has nothing more to send, but the server waits');
    tcp.write(saslBindRequest(messageId, MECHANISM, leg.token));
    const { element, rest } = await readElement(unread);
    unread = rest;
    const answer = parseSaslBindResponse(element, messageId);
    if (answer.done) {
      if (!leg.done) await finish(context, answer.credentials, principal);
      return unread;
    }
    serverToken = answer.credentials ?? Buffer.alloc(0);
  }
  throw refused(principal, `the server asked for more than ${MOST_LEGS} legs`);
}

/** The server is content; it must prove now who it is. */
async function finish(context: SecurityContext, token: Buffer | null, principal: string): Promise<void> {
  if (token === null) throw refused(principal, 'the server did not prove who it is');
  const { done } = await context.step(token);
  if (!done) throw refused(principal, 'the server ended the sign-in too early');
}

async function readElement({ chunks, octets }: Unread): Promise<{ element: Buffer; rest: Unread }> {
  let read = octets;
  for (;;) {
    const length = elementLength(read);
    if (length !== null && length > LARGEST_BIND_RESPONSE) throw new Error('the server sent too long a bind response');
    if (length !== null && read.length >= length) {
      return { element: read.subarray(0, length), rest: { chunks, octets: read.subarray(length) } };
    }
    const next = await chunks.next();
    if (next.done === true) throw new Error('the server closed the connection during the sign-in');
    read = Buffer.concat([read, next.value]);
  }
}

function refused(principal: string, why: string): WritebackError {
  return new WritebackError('DirectoryUntrusted', `Signing in to ${principal}: ${why}.`, {
    target: principal,
    remedy: 'Check that -Server names a domain controller of this domain, by its full DNS name.',
  });
}

/** Seals what is written and opens what is read. Frames: length (4 octets, big endian) and that many sealed octets. */
class SealedSocket extends Duplex {
  readonly #tcp: Socket;
  readonly #context: SecurityContext;
  #roomToPush: (() => void) | null = null;

  constructor(tcp: Socket, context: SecurityContext, unread: Unread) {
    super({ allowHalfOpen: false });
    this.#tcp = tcp;
    this.#context = context;
    this.#receive(unread).then(
      () => this.push(null),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #receive({ chunks, octets }: Unread): Promise<void> {
    const order = createMessageOrder();
    let held = [octets];
    let length = octets.length;
    let wanted = 0;
    for (;;) {
      if (length >= 4 && length >= wanted) {
        const all = held.length === 1 ? (held[0] ?? octets) : Buffer.concat(held);
        wanted = 4 + all.readUInt32BE(0);
        if (wanted > LARGEST_SEALED) throw new Error('the server sent octets that are not sealed');
        const whole = length >= wanted;
        if (whole) {
          const sealed = all.subarray(4, wanted);
          const plain = await this.#context.unwrap(sealed);
          order.take(sealed);
          await this.#take(plain);
          length -= wanted;
        }
        held = [whole ? all.subarray(wanted) : all];
        if (whole) wanted = 0;
      } else {
        const next = await chunks.next();
        if (next.done === true) return;
        held.push(next.value);
        length += next.value.length;
      }
    }
  }

  /** Messages wait here, and so in the network, until the reader has room. */
  async #take(plain: Uint8Array): Promise<void> {
    if (plain.length === 0 || this.push(plain) || this.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#roomToPush = resolve;
    });
  }

  async #send(plain: Buffer): Promise<void> {
    for (let at = 0; at < plain.length; at += LARGEST_PLAIN) {
      const sealed = await this.#context.wrap(plain.subarray(at, at + LARGEST_PLAIN));
      const frame = Buffer.allocUnsafe(4 + sealed.length);
      frame.writeUInt32BE(sealed.length);
      frame.set(sealed, 4);
      await new Promise<void>((resolve, reject) => {
        this.#tcp.write(frame, (error) => (error ? reject(error) : resolve()));
      });
    }
  }

  override _read(): void {
    this.#roomToPush?.();
    this.#roomToPush = null;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send(chunk).then(() => callback(), callback);
  }

  /** Messages that queued up meanwhile share a sealed buffer. */
  override _writev(chunks: { readonly chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#tcp.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#roomToPush?.();
    this.#tcp.destroy();
    this.#context.close().then(
      () => callback(error),
      () => callback(error),
    );
  }
}
