import { expect } from 'chai';
import { domainOf, hostOf, referralsOf, refuseElsewhere } from '../../src/directory/referral.ts';
import { WritebackError } from '../../src/errors.ts';
import type { RootDse } from '../../src/ports.ts';
import { RESPONSE, result } from './ldapServer.ts';

const child: RootDse = {
  dnsHostName: 'dc1.child.corp.test',
  defaultNamingContext: 'DC=child,DC=corp,DC=test',
  configurationNamingContext: 'CN=Configuration,DC=corp,DC=test',
  schemaNamingContext: 'CN=Schema,CN=Configuration,DC=corp,DC=test',
  rootDomainNamingContext: 'DC=corp,DC=test',
  currentTime: new Date(0),
  highestCommittedUsn: '1',
};

describe('referral', () => {
  it('reads the URLs of a result, and none where there are none', () => {
    const referrals = ['ldap://child.corp.test/CN=a,DC=child,DC=corp,DC=test', 'ldap://other.test'];
    expect(referralsOf(result(7, RESPONSE.search, 10, 'words', { referrals }))).to.deep.equal(referrals);
    expect(referralsOf(result(7, RESPONSE.search, 10, 'words'))).to.deep.equal([]);
  });

  it('takes the host out of a URL', () => {
    expect(hostOf('ldap://child.corp.test/DC=child??base')).to.equal('child.corp.test');
    expect(hostOf('LDAPS://dc1:636')).to.equal('dc1:636');
    expect(hostOf('ldap:///DC=a')).to.equal(null);
    expect(hostOf('http://a/')).to.equal(null);
  });

  it('knows the domain of a name', () => {
    expect(domainOf('CN=a\\,DC=x,OU=b,DC=Child,dc=corp,DC=test')).to.equal('child.corp.test');
    expect(domainOf('CN=a')).to.equal('');
    expect(domainOf('no name')).to.equal('');
  });

  it('lets the absence of what the server keeps be believed, and of nothing else', () => {
    for (const kept of [
      'CN=a,DC=CHILD,DC=corp,DC=test',
      'CN=x,CN=Services, cn=configuration,DC=corp,DC=test',
      'CN=a',
    ]) {
      expect(() => refuseElsewhere(kept, child, 'dc1'), kept).to.not.throw();
    }
    for (const [away, domain] of [
      ['CN=RegisteredDevices,DC=corp,DC=test', 'corp.test'],
      ['CN=a,DC=grand,DC=child,DC=corp,DC=test', 'grand.child.corp.test'],
      ['CN=Configuration2,DC=other', 'other'],
    ] as const) {
      expect(() => refuseElsewhere(away, child, 'dc1'), away)
        .to.throw(WritebackError)
        .that.includes({
          code: 'DirectoryFailed',
          target: away,
          remedy: `Give -Server a domain controller of ${domain}, or -DomainName ${domain}.`,
        });
    }
  });
});
