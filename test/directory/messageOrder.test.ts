import { expect } from 'chai';
import { createMessageOrder } from '../../src/directory/messageOrder.ts';

/** Source: RFC 4121 4.2.6.2. */
const sealed = (number: bigint, tokenId = 0x0504): Buffer => {
  const token = Buffer.alloc(40, 0xee);
  token.writeUInt16BE(tokenId);
  token.writeBigUInt64BE(number, 8);
  return token;
};

describe('order of sealed messages', () => {
  it('begins anywhere and grows by one, over its end too', () => {
    const order = createMessageOrder();
    for (const number of [2n ** 64n - 2n, 2n ** 64n - 1n, 0n, 1n]) order.take(sealed(number));
  });

  it('finds what was repeated or left out', () => {
    for (const number of [5n, 4n, 7n]) {
      const order = createMessageOrder();
      order.take(sealed(5n));
      expect(() => order.take(sealed(number)), String(number)).to.throw('left out or repeated');
    }
  });

  it('refuses what has no such number', () => {
    expect(() => createMessageOrder().take(sealed(1n, 0x6000))).to.throw('old algorithm');
    expect(() => createMessageOrder().take(sealed(1n).subarray(0, 15))).to.throw('old algorithm');
  });
});
