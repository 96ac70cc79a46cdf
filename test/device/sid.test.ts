import { expect } from 'chai';
import { isSidText, parseSid, sidFromHex, sidTextToAsciiHex, sidToHex } from '../../src/device/sid.ts';
import { lower, vectorsOf } from './vectors.ts';

interface SidInput {
  readonly text?: string;
  readonly binaryHex?: string;
}

interface SidExpected {
  readonly binaryHex?: string;
  readonly asciiHex?: string;
  readonly asciiLength?: number;
}

const sids = vectorsOf<SidInput, SidExpected>('sid');
const owners = vectorsOf<{ sid: string }, { bytesHex: string; length: number }>('registered-owner');

describe('sid', () => {
  for (const { name, input, expected } of sids.filter((vector) => vector.positive)) {
    it(`turns ${name} into its binary form and back`, () => {
      const text = input.text ?? '';
      expect(parseSid(text)).to.equal(text);
      expect(sidToHex(text)).to.equal(lower(expected.binaryHex));
      expect(sidFromHex(lower(expected.binaryHex))).to.equal(text);
    });

    it(`gives the octets of the text of ${name}`, () => {
      const hex = sidTextToAsciiHex(input.text ?? '');
      expect(hex).to.equal(lower(expected.asciiHex));
      expect(hex.length / 2).to.equal(expected.asciiLength);
    });
  }

  for (const { name, input } of sids.filter((vector) => !vector.positive)) {
    it(`refuses ${name}`, () => {
      if (input.text !== undefined) {
        expect(parseSid(input.text)).to.equal(null);
        expect(isSidText(input.text)).to.equal(false);
      } else {
        expect(sidFromHex(lower(input.binaryHex))).to.equal(null);
      }
    });
  }

  for (const { name, positive, input, expected } of owners) {
    it(`${positive ? 'gives' : 'does not give'} msDS-RegisteredOwner the form of ${name}`, () => {
      const hex = sidTextToAsciiHex(input.sid);
      if (positive) {
        expect(hex).to.equal(lower(expected.bytesHex));
        expect(hex.length / 2).to.equal(expected.length);
      } else {
        expect(hex).to.not.equal(lower(expected.bytesHex));
      }
    });
  }

  it('takes an authority over 32 bits in hexadecimal digits only', () => {
    const text = 'S-1-0x0100000000ff-1';
    expect(parseSid(text)).to.equal(text);
    expect(sidFromHex(sidToHex(text))).to.equal(text);
    expect(parseSid('S-1-0x000000000005-18')).to.equal('S-1-5-18');
    expect(isSidText('S-1-0x000000000005-18')).to.equal(false);
  });

  it('refuses everything that is not the canonical form of a SID', () => {
    const refused = [
      '',
      'S-1',
      'S-1-5',
      's-1-5-18',
      'S-2-5-18',
      'S-1-05-18',
      'S-1-5-018',
      'S-1-5-18-',
      ' S-1-5-18',
      'S-1-5-18\n',
      'S-1-5-4294967296',
      'S-1-4294967296-1',
      'S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16',
    ];
    for (const text of refused) {
      expect(parseSid(text), JSON.stringify(text)).to.equal(null);
      expect(() => sidToHex(text), JSON.stringify(text)).to.throw(RangeError);
    }
  });

  it('refuses octets that are no SID', () => {
    const refused = ['', '01', '0100000000000005', '020100000000000512000000', '01010000000000051200000000', '0101zz'];
    for (const hex of refused) expect(sidFromHex(hex), hex).to.equal(null);
  });
});
