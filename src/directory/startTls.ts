/** StartTLS: the one request that is sent in the clear, and the answer after which TLS begins. Source: RFC 4511 4.14. */
import type { Socket } from 'node:net';
import { ExtendedRequest, ExtendedResponse, MessageParser, type MessageResponse } from 'ldapts';
import { LdapRefusal } from './failure.ts';
import { elementLength } from './saslBind.ts';

const START_TLS = '1.3.6.1.4.1.1466.20037';
const MESSAGE_ID = 1;
const SUCCESS = 0;
/** An answer without values: a longer one is none. */
const LONGEST_ANSWER = 64 * 1024;

/**
 * Asks for TLS on a connection on which nothing was sent yet. What follows the answer in the clear could have been put
 * there by anybody and would be taken for said under TLS, so the connection is refused then.
 * @throws LdapRefusal if the server declines; Error for any other answer, or none.
 */
export async function requestTls(tcp: Socket): Promise<void> {
  const answered = readAnswer(tcp);
  tcp.write(new ExtendedRequest({ messageId: MESSAGE_ID, oid: START_TLS }).write());
  const answer = await answered;
  // Id 0 is a notice of disconnection (RFC 4511 4.4.1); its code says why.
  if (answer.messageId !== MESSAGE_ID && answer.messageId !== 0)
    throw new Error('the answer to StartTLS is another one');
  if (!(answer instanceof ExtendedResponse)) throw new Error('the answer to StartTLS is of another kind');
  if (answer.status !== SUCCESS) throw new LdapRefusal(answer.status, answer.errorMessage);
  if (answer.messageId === 0) throw new Error('the server disconnected');
}

function readAnswer(tcp: Socket): Promise<MessageResponse> {
  return new Promise((resolve, reject) => {
    let read: Buffer = Buffer.alloc(0);
    const settle = (): void => {
      tcp.off('data', take);
      tcp.off('error', fail);
      tcp.off('end', end);
      tcp.pause();
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    const end = (): void => fail(new Error('the server closed the connection instead of starting TLS'));
    const take = (octets: Buffer): void => {
      read = Buffer.concat([read, octets]);
      try {
        const length = elementLength(read);
        if (read.length > LONGEST_ANSWER) throw new Error('the answer to StartTLS is too long');
        if (length === null || read.length < length) return;
        if (read.length > length) throw new Error('something follows the answer to StartTLS in the clear');
        const answer = parse(read);
        settle();
        resolve(answer);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    };
    tcp.on('data', take);
    tcp.on('error', fail);
    tcp.on('end', end);
  });
}

function parse(element: Buffer): MessageResponse {
  const parser = new MessageParser();
  let parsed: MessageResponse | null = null;
  let failure: Error | null = null;
  parser.on('message', (message) => {
    parsed = message;
  });
  parser.on('error', (error) => {
    failure = error;
  });
  parser.read(element, new Map());
  if (parsed !== null) return parsed;
  throw failure ?? new Error('the answer to StartTLS could not be decoded');
}
