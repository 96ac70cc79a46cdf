/**
 * One LDAP connection: messages go out, each answer finds its request by the message id (RFC 4511 4.1.1.1).
 *
 * The messages and their encoding are those of ldapts; its Client is not used, because what a writer must know is hidden
 * there (docs/decisions/0005-ldapts-without-its-client.md).
 */
import type { Duplex } from 'node:stream';
import { MessageParser, SearchReference, UnbindRequest, type Message, type MessageResponse } from 'ldapts';
import { messageIdOfEntry } from './entry.ts';
import { ConnectionLost, LdapRefusal } from './failure.ts';
import { referralsOf } from './referral.ts';
import { elementLength } from './saslBind.ts';

export interface Answer {
  readonly response: MessageResponse;
  /** The messages of the entries, for `toEntry`: what a page's entries hold when decoded would outlive the page. */
  readonly entries: readonly Buffer[];
  /** LDAP URLs of continuation references. */
  readonly references: readonly string[];
}

export interface Wire {
  readonly open: boolean;
  /** How many were sent. */
  readonly requests: number;
  /**
   * Sends the message under a new id and resolves with its answer.
   * @throws LdapRefusal for any result code but success, ConnectionLost when no answer came: its fate is not known.
   */
  request(message: Message): Promise<Answer>;
  /** Says goodbye and closes. */
  close(): void;
}

interface Pending {
  readonly message: Message;
  readonly entries: Buffer[];
  readonly references: string[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const LARGEST_MESSAGE_ID = 0x7fff_ffff;
const SUCCESS = 0;
const NOTHING = Buffer.alloc(0);
/** With it every LDAP message begins (RFC 4511 4.1.1). */
const SEQUENCE = 0x30;

/** @param timeout Milliseconds the server may be silent while it owes an answer; then the connection is given up. */
export function openWire(socket: Duplex, timeout: number): Wire {
  const pending = new Map<string, Pending>();
  const parser = new MessageParser();
  let open = true;
  let lastId = 0;
  /** What came and is no whole message yet. */
  let unread: Buffer = NOTHING;
  let element = unread;

  const abandon = (why: string): void => {
    open = false;
    unread = NOTHING;
    clearTimeout(silence);
    for (const { reject } of pending.values()) reject(new ConnectionLost(why));
    pending.clear();
  };
  const lose = (why: string): void => {
    abandon(why);
    socket.destroy();
  };
  // One timer for all requests, never stopped between them: to start one for each is a part of what a write costs.
  const silence = setTimeout(() => {
    if (pending.size > 0) lose(`no answer within ${timeout / 1000} s`);
  }, timeout).unref();

  parser.on('error', (error) => lose(`the answer could not be decoded: ${error.message}`));
  parser.on('message', (message) => {
    // A message with id 0 is the server's notice that it is about to disconnect (RFC 4511 4.4.1).
    if (message.messageId === 0) return lose(`the server disconnected: ${message.errorMessage}`);
    const request = pending.get(String(message.messageId));
    if (request === undefined) return;
    if (message instanceof SearchReference) {
      request.references.push(...message.uris);
    } else {
      pending.delete(String(message.messageId));
      if (message.status === SUCCESS) {
        request.resolve({ response: message, entries: request.entries, references: request.references });
      } else {
        request.reject(new LdapRefusal(message.status, message.errorMessage, referralsOf(element)));
      }
    }
  });

  const takeEntry = (messageId: number): void => {
    pending.get(String(messageId))?.entries.push(element);
  };

  /** Messages are given to the parser whole and one by one, so that it never recurses and nothing is left in it. */
  const take = (octets: Buffer): void => {
    unread = unread.length === 0 ? octets : Buffer.concat([unread, octets]);
    if (unread[0] !== SEQUENCE) throw new Error('the server sent octets that are no LDAP message');
    let length = elementLength(unread);
    while (length !== null && unread.length >= length) {
      silence.refresh();
      element = unread.subarray(0, length);
      unread = unread.subarray(length);
      const entryOf = messageIdOfEntry(element);
      if (entryOf === null) parser.read(element, pending);
      else takeEntry(entryOf);
      length = elementLength(unread);
    }
  };

  socket.on('data', (octets: Buffer) => {
    try {
      take(octets);
    } catch (error) {
      lose(`the answer could not be decoded: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  socket.on('error', (error) => lose(error.message));
  socket.on('end', () => lose('the server closed the connection'));
  socket.on('close', () => lose('the connection was closed'));

  return {
    get open() {
      return open;
    },
    get requests() {
      return lastId;
    },
    request: (message) =>
      new Promise((resolve, reject) => {
        if (!open) {
          reject(new ConnectionLost('the connection is closed'));
          return;
        }
        lastId = lastId === LARGEST_MESSAGE_ID ? 1 : lastId + 1;
        message.messageId = lastId;
        if (pending.size === 0) silence.refresh();
        pending.set(String(lastId), { message, entries: [], references: [], resolve, reject });
        socket.write(message.write());
      }),
    close: () => {
      if (!open) return;
      abandon('the connection was closed by this side');
      socket.end(new UnbindRequest({ messageId: lastId + 1 }).write(), () => socket.destroy());
    },
  };
}
