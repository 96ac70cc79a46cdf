import { expect } from 'chai';
import { ownDomain, thisMachine, type Machine } from '../../src/directory/ownDomain.ts';

const linux: Machine = { platform: 'linux', hostName: 'sync1', accountDomain: null, resolverConfiguration: null };

describe('ownDomain', () => {
  it('is that of the account on Windows, and not known without one', () => {
    const windows: Machine = { ...linux, platform: 'win32', resolverConfiguration: 'search other.test' };
    expect(ownDomain({ ...windows, accountDomain: 'CORP.CONTOSO.TEST' })).to.equal('corp.contoso.test');
    expect(ownDomain(windows)).to.equal(null);
  });

  it('is what follows the first point of the host name elsewhere', () => {
    expect(ownDomain({ ...linux, hostName: 'Sync1.Corp.Contoso.Test' })).to.equal('corp.contoso.test');
    const both = { ...linux, hostName: 'sync1.corp.contoso.test', resolverConfiguration: 'search other.test' };
    expect(ownDomain(both)).to.equal('corp.contoso.test');
  });

  it('is the one domain in which names are searched, if there is one', () => {
    const domainOf = (resolverConfiguration: string): string | null => ownDomain({ ...linux, resolverConfiguration });
    expect(domainOf('nameserver 192.0.2.1\nsearch corp.contoso.test.\n')).to.equal('corp.contoso.test');
    expect(domainOf('domain corp.contoso.test')).to.equal('corp.contoso.test');
    expect(domainOf('search one.test\nsearch two.test')).to.equal('two.test');
    expect(domainOf('search one.test two.test')).to.equal(null);
    expect(domainOf('# search one.test\nsearch .\nnameserver 192.0.2.1')).to.equal(null);
    expect(domainOf('')).to.equal(null);
  });

  it('is asked of this machine', () => {
    const machine = thisMachine();
    expect(machine.platform).to.equal(process.platform);
    expect(machine.hostName).to.not.equal('');
  });
});
