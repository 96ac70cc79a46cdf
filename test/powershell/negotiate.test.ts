import { expect } from 'chai';
import { openWiretap, readableOn, type Wiretap } from '../directory/wiretap.ts';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { startDomainController, type DomainController } from '../lab/domainController.ts';
import { KerberosClient } from '../lab/kerberos.ts';
import { runProgram } from '../lab/program.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { PowerShell, quote, type ScenarioResult } from './powerShell.ts';

const CLIENT_ID = '0c9d2f6b-57a1-4a3e-8b61-2f7d5e4c3b1a';
const CLIENT_SECRET = 'Lab-client-5ecret';
const DEVICES = 60;

type Row = Readonly<Record<string, unknown>>;

describe('binding as the account that runs PowerShell, with the real engine', function () {
  this.timeout(60_000);
  let dc: DomainController;
  let graph: GraphEmulator;
  let kerberos: KerberosClient;
  let tap: Wiretap;
  let shell: PowerShell;

  before(async () => {
    [dc, graph] = await Promise.all([
      startDomainController({ schema: 87, prepared: LAB_TENANT }),
      startGraphEmulator({ tenantId: LAB_TENANT.tenantId, synthetic: syntheticDevices(DEVICES, 11) }),
    ]);
    graph.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] });
    const { sid, userName } = await dc.addUser('svc-ticket', 'Lab-svc-Passw0rd!');
    await dc.grantLeastRights(sid);
    kerberos = await KerberosClient.create(dc, 'powershell');
    await kerberos.signInByKeytab(userName);
    tap = await openWiretap(dc.address, dc.port);
    shell = new PowerShell(kerberos.environment);
  });

  after(async () => {
    await shell?.close();
    await tap?.stop();
    await Promise.all([dc?.stop(), graph?.stop()]);
  });

  const run = (command: string): Promise<ScenarioResult> =>
    shell.run(`
      $app = [pscredential]::new(${quote(CLIENT_ID)}, [Net.NetworkCredential]::new('', ${quote(CLIENT_SECRET)}).SecurePassword)
      $there = @{ TenantId = ${quote(graph.tenantId)}; ClientSecretCredential = $app; StatePath = ${quote(dc.folder)}
        Environment = @{ graph = ${quote(graph.graphUrl)}; login = ${quote(graph.loginUrl)} }
        Server = ${quote(`${tap.host}:${tap.port}`)} }
      ${command}`);

  /** Names of devices and the ends of their distinguished names, in the cases that a server may write. */
  const telling = (): readonly string[] => [
    ...[...graph.devices].flatMap(({ displayName }) =>
      typeof displayName === 'string' && Buffer.byteLength(displayName) > 5 ? [displayName] : [],
    ),
    dc.domainDn,
    dc.domainDn.toLowerCase(),
    dc.domainDn.toUpperCase(),
    'CN=RegisteredDevices',
  ];

  it('passes every test by a ticket that a keytab gave, sealed', async () => {
    const { output, errors } = await run('Test-DeviceWritebackPrereq @there');
    expect(errors).to.deep.equal([]);
    const checks = output as readonly Row[];
    expect(checks.filter(({ State }) => State === 'Fail')).to.deep.equal([]);
    expect(checks.find(({ Id }) => Id === 'DirectoryProtection')?.['Evidence']).to.contain(
      'LDAP sealed by Kerberos (GSS-SPNEGO), server ldap/dc1.corp.contoso.test',
    );
  });

  it('syncs, and shows no device and no distinguished name on the wire', async () => {
    const { output, errors } = await run('Sync-DeviceWriteback @there; Sync-DeviceWriteback @there -Full');
    expect(errors).to.deep.equal([]);
    const [first, second] = output as readonly Row[];
    expect(first).to.include({ Outcome: 'Completed', Reading: 'Full', Failed: 0 });
    expect(second).to.include({ Outcome: 'Completed', Created: 0, Updated: 0, Unchanged: first?.['Created'] });
    const { entries } = await dc.ldapSearch(dc.deviceContainerDn, '(objectClass=msDS-Device)', ['displayName']);
    expect(entries)
      .to.have.length(Number(first?.['Created']))
      .above(DEVICES / 2);
    const names = entries.flatMap(({ attributes }) => attributes.get('displayName')?.map(String) ?? []);
    expect(telling()).to.include.members(names.filter((name) => Buffer.byteLength(name) > 5));
    expect(tap.octets('toServer').length).to.be.above(entries.length * 500);
    expect(readableOn(tap, telling())).to.deep.equal([]);
  });

  it('would have shown them if it were not sealed', async () => {
    const url = `ldap://${tap.host}:${tap.port}`;
    await runProgram('ldapsearch', ['-x', '-LLL', '-H', url, '-s', 'base', '-b', '', 'defaultNamingContext']);
    expect(readableOn(tap, telling())).to.deep.equal([dc.domainDn]);
  });

  it('without a ticket is refused with what may be the cause, and writes nothing', async () => {
    const usn = await dc.highestCommittedUsn();
    await kerberos.signOut();
    const { output } = await run('try { Sync-DeviceWriteback @there -Full } catch { $_ }');
    expect(output[0]).to.include({
      id: 'DirectoryBindRefused,DeviceWriteback.SyncDeviceWritebackCommand',
      category: 'AuthenticationError',
    });
    expect((output[0] as Row)['message']).to.contain('without a valid ticket');
    expect(await dc.highestCommittedUsn()).to.equal(usn);
  });
});
