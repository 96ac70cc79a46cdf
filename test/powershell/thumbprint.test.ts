import { expect } from 'chai';
import type { X509Certificate } from 'node:crypto';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { newDevice } from '../emulator/newEntities.ts';
import { createStoreAccount, thumbprintOf, type StoreAccount } from '../host/certificates.ts';
import { startDomainController, type DomainController } from '../lab/domainController.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { PowerShell, quote, type ScenarioResult } from './powerShell.ts';

const CLIENT_ID = 'a3b7c1de-0d4f-4c55-9a51-7b6c9d2e8f10';
const UNKNOWN_THUMBPRINT = 'AB'.repeat(20);

describe("signing in by a certificate of the account's store, in PowerShell with the real engine", function () {
  this.timeout(60_000);
  let account: StoreAccount;
  let certificate: X509Certificate;
  let stranger: X509Certificate;
  let dc: DomainController;
  let graph: GraphEmulator;
  let shell: PowerShell;

  before(async () => {
    account = createStoreAccount();
    [certificate, stranger, dc, graph] = await Promise.all([
      account.add('rsa:2048'),
      account.add('rsa:2048'),
      startDomainController({ schema: 87, prepared: LAB_TENANT }),
      startGraphEmulator({ tenantId: LAB_TENANT.tenantId }),
    ]);
    graph.apps.register({ clientId: CLIENT_ID, certificates: [certificate.toString()] });
    graph.devices.add(newDevice({ displayName: 'Stored-Key-PC' }));
    shell = new PowerShell(account.environment);
  });

  after(async () => {
    await shell?.close();
    await Promise.all([dc?.stop(), graph?.stop()]);
    account?.remove();
  });

  const run = (command: string): Promise<ScenarioResult> =>
    shell.run(`
      $password = [Net.NetworkCredential]::new('', ${quote(dc.administrator.password)}).SecurePassword
      $there = @{ TenantId = ${quote(graph.tenantId)}; ClientId = ${quote(CLIENT_ID)}; Server = ${quote(dc.address)}
        Environment = @{ graph = ${quote(graph.graphUrl)}; login = ${quote(graph.loginUrl)} }
        TrustedCertificate = ${quote(dc.caFile)}; StatePath = ${quote(dc.folder)}
        Credential = [pscredential]::new(${quote(dc.administrator.userName)}, $password) }
      ${command}`);

  const signIn = async (thumbprint: string): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const { output, errors } = await run(`Test-DeviceWritebackPrereq @there -CertificateThumbprint ${thumbprint}`);
    expect(errors).to.deep.equal([]);
    return (output as readonly Readonly<Record<string, unknown>>[]).find(({ Id }) => Id === 'GraphSignIn');
  };

  it('passes the test of the sign-in, in whatever case the thumbprint is written', async () => {
    for (const thumbprint of [thumbprintOf(certificate), thumbprintOf(certificate).toLowerCase()]) {
      expect(await signIn(thumbprint)).to.include({ $type: 'DeviceWriteback.Check', State: 'Pass', Remedy: null });
    }
  });

  it('syncs', async () => {
    const { output, errors } = await run(
      `Sync-DeviceWriteback @there -CertificateThumbprint ${thumbprintOf(certificate)}`,
    );
    expect(errors).to.deep.equal([]);
    expect(output[0]).to.include({ $type: 'DeviceWriteback.Run', Outcome: 'Completed', Created: 1 });
  });

  it('fails for a certificate that the application does not have, with what Entra said', async () => {
    const check = await signIn(thumbprintOf(stranger));
    expect(check).to.include({ State: 'Fail' });
    expect(check?.['Evidence']).to.contain('AADSTS');
  });

  it('fails for a thumbprint that no store has, and says where it looked', async () => {
    const check = await signIn(UNKNOWN_THUMBPRINT);
    expect(check).to.include({ State: 'Fail' });
    expect(check?.['Evidence']).to.contain(UNKNOWN_THUMBPRINT);
    const { output } = await run(
      `try { Sync-DeviceWriteback @there -CertificateThumbprint ${UNKNOWN_THUMBPRINT} } catch { $_ }`,
    );
    expect(output).to.have.length(1);
    expect(output[0]).to.include({
      id: 'CertificateUnusable,DeviceWriteback.SyncDeviceWritebackCommand',
      category: 'InvalidData',
    });
  });
});
