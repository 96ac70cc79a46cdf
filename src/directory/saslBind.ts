/** The two messages of a SASL bind. ldapts has them for text credentials only, and those of SPNEGO are octets. */
import { BerReader, BerWriter } from 'ldapts';
import { LdapRefusal, RESULT } from './failure.ts';

/** Tags of RFC 4511 4.2: BindRequest, BindResponse, choice sasl, serverSaslCreds. */
const BIND_REQUEST = 0x60;
const BIND_RESPONSE = 0x61;
const SASL = 0xa3;
const SERVER_CREDENTIALS = 0x87;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;

const LDAP_VERSION = 3;
const SUCCESS = 0;

/** Source: RFC 4511 4.2. */
export function saslBindRequest(messageId: number, mechanism: string, credentials: Uint8Array): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(messageId);
  writer.startSequence(BIND_REQUEST);
  writer.writeInt(LDAP_VERSION);
  writer.writeString('');
  writer.startSequence(SASL);
  writer.writeString(mechanism);
  writer.writeBuffer(Buffer.from(credentials), OCTET_STRING);
  writer.endSequence();
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

export interface SaslBindAnswer {
  /** False: the server waits for the next token (saslBindInProgress). */
  readonly done: boolean;
  /** The server's token, null if it sent none. */
  readonly credentials: Buffer | null;
}

/**
 * @param element One whole LDAP message.
 * @throws LdapRefusal for any other result, Error for a message that is no answer to this bind.
 */
export function parseSaslBindResponse(element: Buffer, messageId: number): SaslBindAnswer {
  const reader = new BerReader(element);
  reader.readSequence();
  if (reader.readInt() !== messageId) throw new Error('the server answered something that was not asked');
  if (reader.readSequence() !== BIND_RESPONSE) throw new Error('the server answered a bind with another message');
  const end = reader.offset + reader.length;
  const code = reader.readEnumeration();
  reader.readString();
  const text = reader.readString() ?? '';
  if (code !== SUCCESS && code !== RESULT.saslBindInProgress) throw new LdapRefusal(code ?? RESULT.protocolError, text);
  let credentials: Buffer | null = null;
  for (let tag = reader.peek(); tag !== null && reader.offset < end; tag = reader.peek()) {
    const value = reader.readString(tag, true);
    if (tag === SERVER_CREDENTIALS) credentials = value;
  }
  return { done: code === SUCCESS, credentials };
}

/**
 * The length of the LDAP message that these octets begin with, null while it is not known yet.
 * Source: X.690 8.1.3; RFC 4511 4.1.1 (a sequence) and 5.1 (the definite form only).
 */
export function elementLength(octets: Buffer): number | null {
  const [tag, first] = octets;
  const noMessage = (): Error => new Error('the server sent octets that are no LDAP message');
  if (tag !== undefined && tag !== SEQUENCE) throw noMessage();
  if (first === undefined) return null;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw noMessage();
  return octets.length < 2 + count ? null : 2 + count + octets.readUIntBE(2, count);
}
