import { expect } from 'chai';
import { safeName } from '../../src/files/safeName.ts';

describe('safeName', () => {
  it('keeps what DNS names and run ids are made of', () => {
    for (const text of ['corp-1.contoso_x.test', '20261122T142312Z-0a1b2c']) expect(safeName(text)).to.equal(text);
  });

  it('leaves no way out of the folder and no sign that a file system refuses', () => {
    for (const text of ['..', '.', '../../etc', 'a/b', 'a\\b', 'C:', 'a\0b', 'x.', 'a b', 'é💻', '%2E']) {
      expect(safeName(text), text).to.match(/^(?!\.)[A-Za-z0-9._%-]+(?<!\.)$/);
    }
  });

  it('gives different names for different texts', () => {
    const texts = ['.', '%2E', '%2e', 'a/b', 'a%2Fb', 'A', 'a', '%41', 'a.', 'a%2E'];
    expect(new Set(texts.map(safeName)).size).to.equal(texts.length);
  });
});
