import { expect } from 'chai';
import { parseLdif, textValues } from './ldif.ts';

describe('lab: LDIF', () => {
  it('reads entries, repeated attributes and values of bytes', () => {
    const [first, second, ...others] = parseLdif('dn: CN=a\ncn: a\nm: 1\nm: 2\nb:: AP8=\n\ndn:: Q049w6Q=\ncn: ä\n');
    expect(others).to.deep.equal([]);
    expect(first?.dn).to.equal('CN=a');
    expect(first && textValues(first, 'm')).to.deep.equal(['1', '2']);
    expect(first?.attributes.get('b')).to.deep.equal([Buffer.from([0x00, 0xff])]);
    expect(second?.dn).to.equal('CN=ä');
  });

  it('joins folded lines and keeps colons and inner spaces', () => {
    const [entry] = parseLdif('# a comment\n  goes on\ndn: CN=a,\n DC=b\nurl: ldap://x:1/ y\r\n z\r\n');
    expect(entry?.dn).to.equal('CN=a,DC=b');
    expect(entry && textValues(entry, 'url')).to.deep.equal(['ldap://x:1/ yz']);
    expect(entry && textValues(entry, 'absent')).to.deep.equal([]);
  });

  it('leaves out referrals and the version line', () => {
    const text = 'version: 1\n\ndn: CN=a\ncn: a\n\n# Referral\nref: ldap:///CN=b\n\n# refldap://c\n';
    expect(parseLdif(text).map(({ dn, attributes }) => [dn, attributes.size])).to.deep.equal([['CN=a', 1]]);
  });
});
