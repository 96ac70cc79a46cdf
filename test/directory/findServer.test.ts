import { expect } from 'chai';
import { findServer } from '../../src/directory/findServer.ts';
import type { Machine } from '../../src/directory/ownDomain.ts';
import { WritebackError } from '../../src/errors.ts';
import { startDnsServer, type DnsServer, type ServiceRecord } from './dnsServer.ts';
import { keptLog } from './sample.ts';

const PDC = '_ldap._tcp.pdc._msdcs.corp.contoso.test';
const nowhere: Machine = { platform: 'linux', hostName: 'sync1', accountDomain: null, resolverConfiguration: null };

describe('findServer', () => {
  let dns: DnsServer | null = null;

  afterEach(async () => {
    await dns?.stop();
    dns = null;
  });

  async function find(
    records: Readonly<Record<string, readonly ServiceRecord[] | null>>,
    domainName: string | null = 'corp.contoso.test',
    machine: Machine = nowhere,
  ): Promise<{ found: string | WritebackError; lines: readonly string[] }> {
    dns = await startDnsServer(records);
    const { log, lines } = keptLog();
    const found = await findServer(domainName, log, dns.resolver, machine).catch((error: unknown) => {
      if (error instanceof WritebackError) return error;
      throw error;
    });
    return { found, lines };
  }

  it('asks DNS for the PDC emulator of the domain and for nothing else', async () => {
    const { found } = await find({ [PDC]: [{ host: 'DC1.corp.contoso.test' }] }, ' Corp.Contoso.Test. ');
    expect(found).to.equal('dc1.corp.contoso.test');
    expect(dns?.asked).to.deep.equal([PDC]);
  });

  it('asks for the domain of this computer where none is named', async () => {
    const machine = { ...nowhere, hostName: 'sync1.corp.contoso.test' };
    const { found } = await find({ [PDC]: [{ host: 'dc1.corp.contoso.test' }] }, null, machine);
    expect(found).to.equal('dc1.corp.contoso.test');
  });

  it('asks for -Server or -DomainName where that domain is not clear', async () => {
    const { found } = await find({}, null);
    expect(found).to.include({ code: 'ParameterMissing', target: 'Server' });
    expect(found).to.have.property('remedy').that.includes('-Server').and.includes('-DomainName');
    expect(dns?.asked).to.deep.equal([]);
  });

  it('refuses a text that is no domain name', async () => {
    for (const domainName of ['', 'corp contoso', 'ldap://corp', '-corp.test', 'a..b', 'x'.repeat(201)]) {
      const { found } = await find({}, domainName);
      expect(found, domainName).to.have.property('code', 'ParameterInvalid');
      await dns?.stop();
      dns = null;
    }
  });

  it('names what it asked for when DNS knows no such name', async () => {
    for (const records of [{}, { [PDC]: [] }, { [PDC]: [{ host: '' }] }]) {
      const { found } = await find(records);
      expect(found).to.include({ code: 'DirectoryUnreachable', target: PDC, retryable: false });
      expect(found).to.have.property('message').that.includes(PDC);
      expect(dns?.asked).to.deep.equal([PDC]);
      await dns?.stop();
      dns = null;
    }
  });

  it('says that DNS did not answer when it did not', async () => {
    const { found } = await find({ [PDC]: null });
    expect(found).to.include({ code: 'DirectoryUnreachable', target: PDC, retryable: true });
    expect(found)
      .to.have.property('message')
      .that.matches(/DNS did not answer \(E\w+\)/);
  });

  it('takes the same of several every time, and warns', async () => {
    const records = [
      { host: 'dc3.corp.contoso.test', priority: 1 },
      { host: 'dc2.corp.contoso.test' },
      { host: 'dc1.corp.contoso.test' },
    ];
    for (const order of [records, records.toReversed()]) {
      const { found, lines } = await find({ [PDC]: order });
      expect(found).to.equal('dc1.corp.contoso.test');
      expect(lines[0]).to.match(/^warning: DNS names more than one PDC emulator .*dc1.*dc2.*dc3/);
      await dns?.stop();
      dns = null;
    }
  });
});
