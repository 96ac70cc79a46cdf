import { expect } from 'chai';
import { anchorValue, readAnchor } from '../../src/device/anchor.ts';
import { lower, vectorsOf } from './vectors.ts';

const ID = 'e049c29d-8c8f-4016-b959-98f3fccd668c';
const hexOf = (text: string, encoding: BufferEncoding): string => Buffer.from(text, encoding).toString('hex');

describe('anchor', () => {
  for (const { name, input, expected } of vectorsOf<{ entraObjectId: string }, { bytesHex: string; base64: string }>(
    'cloud-anchor',
  )) {
    it(`writes and reads the bytes of ${name}`, () => {
      expect(anchorValue(input.entraObjectId)).to.equal(lower(expected.bytesHex));
      expect(Buffer.from(anchorValue(input.entraObjectId), 'hex').toString('base64')).to.equal(expected.base64);
      expect(readAnchor([lower(expected.bytesHex)])).to.equal(input.entraObjectId);
    });
  }

  for (const { name, input, expected } of vectorsOf<{ entraObjectId: string }, { text: string }>(
    'cloud-anchor-connector-space',
  )) {
    for (const encoding of ['utf8', 'utf16le'] as const) {
      it(`reads the text of ${name} in ${encoding}`, () => {
        expect(readAnchor([hexOf(expected.text, encoding)])).to.equal(input.entraObjectId);
      });
    }
  }

  it('never writes the text form', () => {
    expect(anchorValue(ID)).to.match(/^[0-9a-f]{32}$/);
  });

  it('reads the text form with an id in upper case', () => {
    expect(readAnchor([hexOf(`Device_${ID.toUpperCase()}`, 'utf8')])).to.equal(ID);
  });

  it('reads no anchor where there is no value', () => {
    expect(readAnchor(undefined)).to.equal(null);
    expect(readAnchor([])).to.equal(null);
  });

  const others: readonly (readonly [string, string])[] = [
    ['no octets', ''],
    ['15 octets', '00'.repeat(15)],
    ['17 octets', '00'.repeat(17)],
    ['the id as text without the prefix', hexOf(ID, 'utf8')],
    ['another prefix', hexOf(`User_${ID}`, 'utf8')],
    ['a prefix of the same length', hexOf(`Gevice_${ID}`, 'utf8')],
    ['text after the id', hexOf(`Device_${ID} `, 'utf8')],
    ['UTF-16 in big-endian order', Buffer.from(`Device_${ID}`, 'utf16le').swap16().toString('hex')],
    ['UTF-16 with a byte order mark', `fffe${hexOf(`Device_${ID}`, 'utf16le')}`],
    ['no GUID after the prefix', hexOf(`Device_${'x'.repeat(36)}`, 'utf8')],
  ];
  for (const [what, hex] of others) {
    it(`counts ${what} as no anchor`, () => {
      expect(readAnchor([hex])).to.equal(null);
    });
  }
});
