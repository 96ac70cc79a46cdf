/**
 * The connection to one domain controller, signed in. A connection lost between operations is opened again to the same
 * server; there is no second choice of server.
 */
import { ExtendedRequest, ExtendedResponse, PagedResultsControl, type Control, type Message } from 'ldapts';
import { throwIfCancelled } from '../errors.ts';
import type { Log } from '../log.ts';
import { untilCancelled } from './cancellation.ts';
import { invalid, toEntry, type Entry } from './entry.ts';
import { ConnectionLost, LdapRefusal, operationFailure, RESULT } from './failure.ts';
import { describeQuery, searchRequest, writeRequest, type Query } from './message.ts';
import { serverText } from './server.ts';
import { createSignIn, WHO_AM_I, type Session, type SignInSettings, type Timeouts } from './signIn.ts';
import type { Request } from './toRequest.ts';
import type { Answer } from './wire.ts';

export interface ConnectionSettings extends SignInSettings {
  readonly timeouts?: Partial<Timeouts>;
}

export interface Connection {
  /** Host and port. */
  readonly server: string;
  /** The user name that was given to sign in with, null if none was. */
  readonly userName: string | null;
  protection(signal: AbortSignal): Promise<string>;
  /** RFC 4532; null if the server does not offer it. */
  whoAmI(signal: AbortSignal): Promise<string | null>;
  /** The entries of one answer; continuation references are left aside. Throws LdapRefusal, ConnectionLost. */
  search(query: Query, signal: AbortSignal): Promise<readonly Entry[]>;
  /** The entries page by page, to the last cookie (RFC 2696). Throws DirectoryAnswerInvalid if a page has no cookie. */
  pages(query: Query, pageSize: number, signal: AbortSignal): AsyncIterable<Iterable<Entry>>;
  /** One add, modify or delete; never repeated by itself. Throws LdapRefusal, ConnectionLost. */
  write(request: Request, signal: AbortSignal, controls?: readonly Control[]): Promise<void>;
  /** How many were sent so far over connections that were signed in, to sign them in too. */
  requests(): number;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUTS: Timeouts = { connect: 15_000, operation: 120_000 };
/** Milliseconds for which the answer to a write is still awaited after a stop: its fate is worth more than haste. */
const WRITE_GRACE = 1500;

export function createConnection(settings: ConnectionSettings, log: Log): Connection {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...settings.timeouts };
  const signIn = createSignIn(settings, timeouts, log);
  const server = serverText(signIn.server);
  const timeLimit = Math.ceil(timeouts.operation / 1000);

  let bound: Session | null = null;
  let requestsBefore = 0;
  let opening: Promise<Session> | null = null;
  let closed = false;

  const open = async (signal: AbortSignal): Promise<Session> => {
    const session = await signIn.open(signal);
    if (closed) session.wire.close();
    log.verbose(
      `Signed in to ${server}${signIn.userName === null ? '' : ` as ${signIn.userName}`} (${session.protection}).`,
    );
    return session;
  };

  const current = async (signal: AbortSignal): Promise<Session> => {
    throwIfCancelled(signal);
    if (closed) throw new ConnectionLost('this side closed it');
    if (bound?.wire.open === true) return bound;
    if (bound !== null) log.verbose(`The connection to ${server} was lost; opening it again.`);
    opening ??= open(signal).finally(() => {
      opening = null;
    });
    const opened = await opening;
    if (bound !== opened) requestsBefore += bound?.wire.requests ?? 0;
    bound = opened;
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
    userName: signIn.userName,
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
      const pageAfter = (cookie: Buffer) => (): Message => {
        const page = new PagedResultsControl({ critical: true, value: { size: pageSize, cookie } });
        return searchRequest(query, timeLimit, [...(query.controls ?? []), page]);
      };
      // A cookie is worth nothing on another connection, so only the first page can be asked for again.
      let coming: Promise<Answer> | null = read(pageAfter(Buffer.alloc(0)), signal);
      while (coming !== null) {
        const answer: Answer = await coming;
        const answered = answer.response.controls?.find((control) => control instanceof PagedResultsControl);
        const next = answered?.value?.cookie;
        const [elsewhere] = answer.references;
        if (elsewhere !== undefined) {
          throw invalid(query.base, 'its children', `the server keeps a part of them elsewhere: ${elsewhere}`);
        }
        if (next === undefined) {
          throw invalid(query.base, 'its children', 'the answer does not say whether more pages follow');
        }
        // The server makes the next page while this one is used; whether it failed is told when it is awaited.
        coming = next.length === 0 ? null : once(pageAfter(next)(), signal);
        coming?.catch(() => undefined);
        yield entriesOf(answer);
      }
    },
    write: async (request, signal, controls = []) => {
      const { wire } = await current(signal);
      await untilCancelled(wire.request(writeRequest(request, controls)), signal, WRITE_GRACE);
    },
    requests: () => requestsBefore + (bound?.wire.requests ?? 0),
    close: async () => {
      closed = true;
      await opening?.catch(() => null);
      bound?.wire.close();
      bound = null;
    },
  };
}

/** One by one, so that an entry is gone when the next one is made. */
function* entriesOf({ entries }: Answer): Generator<Entry> {
  for (const entry of entries) yield toEntry(entry);
}
