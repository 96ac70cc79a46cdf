import { BerWriter } from 'ldapts';
import { expect } from 'chai';
import { LdapRefusal } from '../../src/directory/failure.ts';
import { elementLength, parseSaslBindResponse, saslBindRequest } from '../../src/directory/saslBind.ts';

/** Source: RFC 4511 4.2.2. */
function bindResponse(code: number, credentials: Buffer | null, operation = 0x61): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(7);
  writer.startSequence(operation);
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString(code === 0 ? '' : 'the server says');
  if (credentials !== null) writer.writeBuffer(credentials, 0x87);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

describe('SASL bind', () => {
  it('carries any octets in its request', () => {
    expect(saslBindRequest(1, 'GSS-SPNEGO', Buffer.from([0x00, 0xff, 0x80])).toString('hex')).to.equal(
      ['301d020101', '6018', '0201030400', 'a311', '040a4753532d53504e45474f', '040300ff80'].join(''),
    );
  });

  it('reads whether the server waits, and its token', () => {
    const token = Buffer.from([0xa1, 0x00, 0xff]);
    expect(parseSaslBindResponse(bindResponse(14, token), 7)).to.deep.equal({ done: false, credentials: token });
    expect(parseSaslBindResponse(bindResponse(0, token), 7)).to.deep.equal({ done: true, credentials: token });
    expect(parseSaslBindResponse(bindResponse(0, null), 7)).to.deep.equal({ done: true, credentials: null });
  });

  it('throws the result of a refusal', () => {
    const refusal = (): unknown => parseSaslBindResponse(bindResponse(49, null), 7);
    expect(refusal).to.throw(LdapRefusal, 'invalidCredentials (49): the server says');
  });

  it('takes no other message for an answer', () => {
    expect(() => parseSaslBindResponse(bindResponse(0, null), 8)).to.throw('not asked');
    expect(() => parseSaslBindResponse(bindResponse(0, null, 0x65), 7)).to.throw('another message');
  });

  it('knows the length of a message as soon as it can be known', () => {
    const lengths = (hex: string): readonly (number | null)[] => {
      const octets = Buffer.from(hex, 'hex');
      return Array.from({ length: octets.length + 1 }, (_, count) => elementLength(octets.subarray(0, count)));
    };
    expect(lengths('307f')).to.deep.equal([null, null, 129]);
    expect(lengths('30820102')).to.deep.equal([null, null, null, null, 262]);
    expect(() => lengths('48')).to.throw('no LDAP message');
    expect(() => lengths('3080')).to.throw('no LDAP message');
    expect(() => lengths('3085')).to.throw('no LDAP message');
  });
});
