import { expect } from 'chai';
import {
  childName,
  comparableName,
  escapeNameValue,
  isDeletedName,
  parentName,
  parseDistinguishedName,
  sameName,
} from '../../src/device/distinguishedName.ts';

const CONTAINER = 'CN=RegisteredDevices,DC=corp,DC=contoso,DC=test';

describe('distinguishedName', () => {
  it('reads the parts of a name from the object up to the root', () => {
    expect(parseDistinguishedName('CN=a,OU=b+UID=c,DC=d')).to.deep.equal([
      [{ type: 'CN', value: 'a' }],
      [
        { type: 'OU', value: 'b' },
        { type: 'UID', value: 'c' },
      ],
      [{ type: 'DC', value: 'd' }],
    ]);
  });

  it('reads the examples of RFC 4514', () => {
    const value = (text: string): string | undefined => parseDistinguishedName(text)?.[0]?.[0]?.value;
    expect(value('CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net')).to.equal('James "Jim" Smith, III');
    expect(value('CN=Before\\0dAfter,DC=example,DC=net')).to.equal('Before\rAfter');
    expect(value('CN=Lu\\C4\\8Di\\C4\\87')).to.equal('Lučić');
    expect(value('1.3.6.1.4.1.1466.0=\\#04024869')).to.equal('#04024869');
  });

  it('gives every value back that was escaped', () => {
    const values = [
      'plain',
      ' both ends ',
      '#hash',
      'a,b+c"d\\e<f>g;h=i',
      'ünï 😀',
      'line\nfeed',
      ' ',
      '  ',
      'a\0b',
      '\\ ',
    ];
    for (const value of values) {
      const name = childName(value, CONTAINER);
      expect(parseDistinguishedName(name)?.[0]?.[0]?.value, JSON.stringify(name)).to.equal(value);
      expect(parentName(name)).to.equal(CONTAINER);
    }
  });

  it('escapes only what must be escaped', () => {
    expect(escapeNameValue('9d53c6fa-b38e-4509-8fb1-51dedb421aac')).to.equal('9d53c6fa-b38e-4509-8fb1-51dedb421aac');
    expect(escapeNameValue('a b')).to.equal('a b');
    expect(escapeNameValue(' a ')).to.equal('\\ a\\ ');
    expect(escapeNameValue('a,b')).to.equal('a\\,b');
  });

  it('takes names for the same when only case, spaces or the way of escaping differ', () => {
    expect(sameName(CONTAINER, 'cn=registereddevices, dc=CORP ,DC = contoso,dc=test')).to.equal(true);
    expect(sameName('CN=a\\,b,DC=x', 'CN=a\\2Cb,DC=x')).to.equal(true);
    expect(sameName('CN=a  b,DC=x', 'CN=a b,DC=x')).to.equal(true);
    expect(sameName('OU=b+UID=c,DC=x', 'UID=C+OU=B,DC=x')).to.equal(true);
    expect(comparableName('CN=A,DC=X')).to.equal(comparableName('cn=a,dc=x'));
  });

  it('takes names for different when a value or a part differs', () => {
    expect(sameName(CONTAINER, 'CN=RegisteredDevice,DC=corp,DC=contoso,DC=test')).to.equal(false);
    expect(sameName(CONTAINER, `CN=x,${CONTAINER}`)).to.equal(false);
    expect(sameName('CN=a,DC=x', 'OU=a,DC=x')).to.equal(false);
    expect(sameName('CN=a\\,DC\\=x', 'CN=a,DC=x')).to.equal(false);
  });

  it('refuses text that is no name', () => {
    for (const text of [
      '',
      'name',
      'CN',
      'CN=a,',
      'CN=a,b',
      'CN=a\\',
      'CN=a\\zb',
      'CN=a<b',
      'CN="a"',
      '=a',
      'CN=\\C4',
    ]) {
      expect(parseDistinguishedName(text), JSON.stringify(text)).to.equal(null);
    }
  });

  it('has no parent for a name of one part', () => {
    expect(parentName('DC=test')).to.equal(null);
    expect(parentName('no name')).to.equal(null);
  });

  it('recognises the name of a deleted object', () => {
    const deleted =
      'CN=RegisteredDevices\\0ADEL:9d53c6fa-b38e-4509-8fb1-51dedb421aac,CN=Deleted Objects,DC=contoso,DC=test';
    expect(isDeletedName(deleted)).to.equal(true);
    expect(isDeletedName(CONTAINER)).to.equal(false);
    expect(isDeletedName('CN=x\\0ADEL:short,CN=Deleted Objects,DC=test')).to.equal(false);
  });
});
