import { expect } from 'chai';
import { openDirectory } from '../../src/directory/openDirectory.ts';
import type { DirectorySettings, HostServices } from '../../src/ports.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { startDnsServer, type DnsServer } from './dnsServer.ts';
import { keptLog, NEVER, simple } from './sample.ts';

const PDC = '_ldap._tcp.pdc._msdcs.corp.contoso.test';
const nobody = simple({ userName: 'svc@corp.contoso.test', password: 'Svc-Passw0rd!' });

describe('openDirectory', () => {
  let dns: DnsServer;

  before(async () => {
    dns = await startDnsServer({ [PDC]: [{ host: 'dc1.corp.contoso.test', port: 3389 }] });
  });

  after(() => dns.stop());

  const settings = (changes: Partial<DirectorySettings>): DirectorySettings => ({
    server: null,
    domainName: 'corp.contoso.test',
    bind: nobody,
    startTls: false,
    trustedCertificate: null,
    ...changes,
  });
  const serverOf = async (changes: Partial<DirectorySettings>): Promise<string> => {
    const directory = await openDirectory(settings(changes), {} as HostServices, keptLog().log, dns.resolver);
    await directory.close();
    return directory.server;
  };

  it('leads to the PDC emulator, at the usual port of each way', async () => {
    expect(await serverOf({})).to.equal('dc1.corp.contoso.test:636');
    expect(await serverOf({ startTls: true })).to.equal('dc1.corp.contoso.test:389');
    expect(await serverOf({ bind: { kind: 'negotiate', credential: null } })).to.equal('dc1.corp.contoso.test:389');
  });

  it('asks no DNS where a server is named', async () => {
    const asked = dns.asked.length;
    expect(await serverOf({ server: 'dc2.corp.contoso.test' })).to.equal('dc2.corp.contoso.test:636');
    expect(await serverOf({ server: 'dc2:1636', startTls: true })).to.equal('dc2:1636');
    expect(dns.asked.length).to.equal(asked);
  });

  it('tries no second name', async () => {
    const away = openDirectory(settings({ domainName: 'other.contoso.test' }), null, keptLog().log, dns.resolver);
    const error: unknown = await away.catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'DirectoryUnreachable', target: '_ldap._tcp.pdc._msdcs.other.contoso.test' });
    expect(dns.asked.at(-1)).to.equal('_ldap._tcp.pdc._msdcs.other.contoso.test');
  });

  it('reads from the server that it leads to', async function () {
    this.timeout(60_000);
    const domainController: DomainController = await startDomainController({ schema: 87, prepared: true });
    const directory = await openDirectory(
      settings({
        server: domainController.address,
        bind: simple(domainController.administrator),
        trustedCertificate: domainController.caFile,
      }),
      null,
      keptLog().log,
    );
    try {
      expect((await directory.rootDse(NEVER)).dnsHostName).to.equal('dc1.corp.contoso.test');
    } finally {
      await directory.close();
      await domainController.stop();
    }
  });
});
