import { expect } from 'chai';
import { guidFromHex, guidToHex, parseGuid } from '../../src/device/guid.ts';
import { lower, vectorsOf } from './vectors.ts';

interface Input {
  readonly text?: string;
  readonly bytesHex?: string;
}

interface Expected {
  readonly bytesHex?: string;
  readonly base64?: string;
  readonly mustNotEqualHex?: string;
}

describe('guid', () => {
  for (const { name, positive, input, expected } of vectorsOf<Input, Expected>('guid-le')) {
    if (positive && input.text !== undefined) {
      const text = input.text;
      it(`writes and reads the little-endian bytes of ${name}`, () => {
        expect(guidToHex(text)).to.equal(lower(expected.bytesHex));
        expect(Buffer.from(guidToHex(text), 'hex').toString('base64')).to.equal(expected.base64);
        expect(guidFromHex(lower(expected.bytesHex))).to.equal(text);
      });
    } else if (input.text !== undefined) {
      const text = input.text;
      it(`does not write the bytes of ${name}`, () => {
        expect(guidToHex(text)).to.not.equal(lower(expected.mustNotEqualHex));
        expect(guidFromHex(lower(expected.mustNotEqualHex))).to.not.equal(text);
      });
    } else {
      it(`refuses ${name}`, () => {
        expect(guidFromHex(lower(input.bytesHex))).to.equal(null);
      });
    }
  }

  it('writes base64 source anchors as Entra Connect does', () => {
    for (const { input, expected } of vectorsOf<{ deviceId: string }, { base64: string }>('source-anchor')) {
      expect(Buffer.from(guidToHex(input.deviceId), 'hex').toString('base64')).to.equal(expected.base64);
    }
  });

  it('reads text of either case into lower case', () => {
    expect(parseGuid('D224105D-5F46-4FD4-954A-2BB0C6E303D8')).to.equal('d224105d-5f46-4fd4-954a-2bb0c6e303d8');
  });

  const noGuids = [
    '',
    'd224105d5f464fd4954a2bb0c6e303d8',
    '{d224105d-5f46-4fd4-954a-2bb0c6e303d8}',
    ' d224105d-5f46-4fd4-954a-2bb0c6e303d8',
    'd224105d-5f46-4fd4-954a-2bb0c6e303d8\n',
    'd224105d-5f46-4fd4-954a-2bb0c6e303dg',
    'd224105d-5f46-4fd4-954a-2bb0c6e303d',
  ];
  for (const text of noGuids) {
    it(`takes ${JSON.stringify(text)} for no GUID`, () => {
      expect(parseGuid(text)).to.equal(null);
    });
  }

  it('takes 15 and 17 bytes, and digits in upper case, for no GUID', () => {
    for (const hex of ['00'.repeat(15), '00'.repeat(17), 'AB'.repeat(16), '']) expect(guidFromHex(hex)).to.equal(null);
  });
});
