/**
 * Whether sealed messages come complete and in order. Kerberos numbers them, and the number is encrypted with the rest, but
 * .NET does not ask the Kerberos library to compare it: a message that somebody on the way repeats or leaves out, such as
 * one entry of a search, would not be noticed.
 */

/** Source: RFC 4121 4.2.6.2: TOK_ID, then flags, filler, EC, RRC and SND_SEQ, a number of 64 bits that grows by one. */
const WRAP_TOKEN = 0x0504;
const NUMBER_AT = 8;
const HEADER_LENGTH = 16;
const NUMBERS = 2n ** 64n;

export interface MessageOrder {
  /**
   * Takes the next message, which was opened without an error: that proves its number too.
   * @throws Error if it is not the successor of the one before. The first one may have any number.
   */
  take(sealed: Buffer): void;
}

export function createMessageOrder(): MessageOrder {
  let expected: bigint | null = null;
  return {
    take: (sealed) => {
      if (sealed.length < HEADER_LENGTH || sealed.readUInt16BE(0) !== WRAP_TOKEN) {
        throw new Error('the server seals with an old algorithm, of which the order of messages cannot be checked');
      }
      const number = sealed.readBigUInt64BE(NUMBER_AT);
      if (expected !== null && number !== expected) {
        throw new Error('sealed messages of the server were left out or repeated on the way');
      }
      expected = (number + 1n) % NUMBERS;
    },
  };
}
