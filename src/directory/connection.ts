/**
 * The bound connection to one domain controller: LDAPS with a simple bind. A connection lost between operations is
 * opened again to the same server; there is no second choice of server.
 */
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  BindRequest,
  ExtendedRequest,
  ExtendedResponse,
  PagedResultsControl,
  type Control,
  type Message,
} from 'ldapts';
import { cancelled, throwIfCancelled, WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import { invalid, toEntry, type Entry } from './entry.ts';
import { ConnectionLost, LdapRefusal, operationFailure, RESULT } from './failure.ts';
import { describeQuery, searchRequest, writeRequest, type Query } from './message.ts';
import { describeProtection, openSocket, parseServer } from './secureSocket.ts';
import { bindFailure, connectFailure } from './signInFailure.ts';
import type { Request } from './toRequest.ts';
import { trustedCertificates } from './trust.ts';
import { openWire, type Answer, type Wire } from './wire.ts';

export interface Timeouts {
  /** Milliseconds until the TLS connection must stand. */
  readonly connect: number;
  /** Milliseconds until an operation must be answered; a search, until its next entry. */
  readonly operation: number;
}

export interface ConnectionSettings {
  /** `host` or `host:port`; an IPv6 address stands in brackets when a port follows. */
  readonly server: string;
  /** userName as the directory takes it in a simple bind: UPN, DOMAIN\name or DN. */
  readonly credential: { readonly userName: string; readonly password: string };
  /** Path of a PEM or DER file, trusted besides the authorities of Node and of the machine. */
  readonly trustedCertificate: string | null;
  readonly timeouts?: Partial<Timeouts>;
}

export interface Connection {
  /** Host and port. */
  readonly server: string;
  protection(signal: AbortSignal): Promise<string>;
  /** RFC 4532; null if the server does not offer it. */
  whoAmI(signal: AbortSignal): Promise<string | null>;
  /** The entries of one answer; continuation references are left aside. Throws LdapRefusal, ConnectionLost. */
  search(query: Query, signal: AbortSignal): Promise<readonly Entry[]>;
  /** The entries page by page, to the last cookie (RFC 2696). Throws DirectoryAnswerInvalid if a page has no cookie. */
  pages(query: Query, pageSize: number, signal: AbortSignal): AsyncIterable<readonly Entry[]>;
  /** One add, modify or delete; never repeated by itself. Throws LdapRefusal, ConnectionLost. */
  write(request: Request, signal: AbortSignal, controls?: readonly Control[]): Promise<void>;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUTS: Timeouts = { connect: 15_000, operation: 120_000 };
/** Milliseconds for which the answer to a write is still awaited after a stop: its fate is worth more than haste. */
const WRITE_GRACE = 1500;
const WHO_AM_I = '1.3.6.1.4.1.4203.1.11.3';

export function createConnection(settings: ConnectionSettings, log: Log): Connection {
  const { host, port } = parseServer(settings.server);
  const server = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...settings.timeouts };
  const timeLimit = Math.ceil(timeouts.operation / 1000);
  log.secret(settings.credential.password);

  let trust: SecureContext | null = null;
  let bound: Bound | null = null;
  let opening: Promise<Bound> | null = null;
  let closed = false;

  const open = async (signal: AbortSignal): Promise<Bound> => {
    const { userName, password } = settings.credential;
    // A bind with a name and no password is an anonymous one that succeeds (RFC 4513 5.1.2).
    if (userName === '' || password === '') {
      throw new WritebackError('ParameterMissing', `Signing in to ${server}: user name and password are both needed.`, {
        target: server,
        remedy: 'Give -Credential a user name and a password that are not empty.',
      });
    }
    trust ??= createSecureContext({ ca: [...trustedCertificates(settings.trustedCertificate)], minVersion: 'TLSv1.2' });
    const socket = await openSocket(host, port, trust, timeouts.connect, signal).catch((error: unknown) => {
      throw error instanceof WritebackError || !(error instanceof Error) ? error : connectFailure(error, server);
    });
    const protection = describeProtection(socket);
    const wire = openWire(socket, timeouts.operation);
    try {
      await untilCancelled(wire.request(new BindRequest({ messageId: 0, dn: userName, password })), signal);
    } catch (error) {
      wire.close();
      throw bindFailure(error, server, userName);
    }
    if (closed) wire.close();
    log.verbose(`Signed in to ${server} as ${userName} (${protection}).`);
    return { wire, protection };
  };

  const current = async (signal: AbortSignal): Promise<Bound> => {
    throwIfCancelled(signal);
    if (closed) throw new ConnectionLost('this side closed it');
    if (bound?.wire.open === true) return bound;
    if (bound !== null) log.verbose(`The connection to ${server} was lost; opening it again.`);
    opening ??= open(signal).finally(() => {
      opening = null;
    });
    bound = await opening;
    return bound;
  };

  const once = async (message: Message, signal: AbortSignal): Promise<Answer> =>
    untilCancelled((await current(signal)).wire.request(message), signal);

  // Nothing is lost when a read is done twice; a write's fate must be looked up first.
  const read = async (make: () => Message, signal: AbortSignal): Promise<Answer> => {
    try {
      return await once(make(), signal);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      log.verbose(`The connection to ${server} was lost (${error.message}); reading once more.`);
      return once(make(), signal);
    }
  };

  return {
    server,
    protection: async (signal) => (await current(signal)).protection,
    whoAmI: async (signal) => {
      try {
        const { response } = await read(() => new ExtendedRequest({ messageId: 0, oid: WHO_AM_I }), signal);
        const name = response instanceof ExtendedResponse ? response.value : undefined;
        return name === undefined || name === '' ? null : name;
      } catch (error) {
        if (error instanceof LdapRefusal && error.code === RESULT.protocolError) return null;
        throw operationFailure(error, { doing: 'Asking for the account that is signed in to', target: server }, server);
      }
    },
    search: async (query, signal) => {
      log.debug(describeQuery(query));
      const { entries } = await read(() => searchRequest(query, timeLimit, query.controls ?? []), signal);
      return entries.map(toEntry);
    },
    pages: async function* (query, pageSize, signal) {
      log.debug(`${describeQuery(query)}, in pages of ${pageSize}`);
      let cookie: Buffer = Buffer.alloc(0);
      let first = true;
      do {
        const page = new PagedResultsControl({ critical: true, value: { size: pageSize, cookie } });
        const make = (): Message => searchRequest(query, timeLimit, [...(query.controls ?? []), page]);
        // A cookie is worth nothing on another connection, so only the first page can be asked for again.
        const answer = await (first ? read(make, signal) : once(make(), signal));
        const answered = answer.response.controls?.find((control) => control instanceof PagedResultsControl);
        const next = answered?.value?.cookie;
        if (next === undefined || answer.references.length > 0) {
          throw invalid(query.base, 'its children', 'the answer does not say whether more pages follow');
        }
        yield answer.entries.map(toEntry);
        cookie = next;
        first = false;
      } while (cookie.length > 0);
    },
    write: async (request, signal, controls = []) => {
      const { wire } = await current(signal);
      await untilCancelled(wire.request(writeRequest(request, controls)), signal, WRITE_GRACE);
    },
    close: async () => {
      closed = true;
      await opening?.catch(() => null);
      bound?.wire.close();
      bound = null;
    },
  };
}

interface Bound {
  readonly wire: Wire;
  readonly protection: string;
}

/**
 * The promise's result, or Cancelled when the signal has fired and the grace, in milliseconds, is over; what was begun
 * then ends unheard.
 */
function untilCancelled<T>(work: Promise<T>, signal: AbortSignal, grace = 0): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | null = null;
    const stop = (): void => {
      timer = setTimeout(() => reject(cancelled()), grace);
    };
    const settle = (): void => {
      signal.removeEventListener('abort', stop);
      if (timer !== null) clearTimeout(timer);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(settle);
  });
}
