import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { newDevice } from '../emulator/newEntities.ts';
import { startDomainController, type DomainController } from '../lab/domainController.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { PowerShell, quote, type ScenarioResult } from './powerShell.ts';

const CLIENT_ID = '4b8a2e90-6c1d-4d37-b0a5-9e3f7c2d1b64';
const CLIENT_SECRET = 'Lab-client-5ecret';

type Row = Readonly<Record<string, unknown>>;
const rows = (result: ScenarioResult): readonly Row[] => result.output as readonly Row[];

describe('a plan that is reviewed before it is applied, in PowerShell with the real engine', function () {
  this.timeout(60_000);
  let dc: DomainController;
  let graph: GraphEmulator;
  let shell: PowerShell;
  let digest = '';

  before(async () => {
    [dc, graph] = await Promise.all([
      startDomainController({ schema: 87, prepared: LAB_TENANT }),
      startGraphEmulator({ tenantId: LAB_TENANT.tenantId }),
    ]);
    graph.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] });
    for (const displayName of ['Reviewed-1', 'Reviewed-2', 'Reviewed-3']) graph.devices.add(newDevice({ displayName }));
    shell = new PowerShell();
  });

  after(async () => {
    await shell?.close();
    await Promise.all([dc?.stop(), graph?.stop()]);
  });

  const inFolder = (name: string): string => path.join(dc.folder, name);
  const run = (command: string): Promise<ScenarioResult> => {
    const credential = (userName: string, password: string): string =>
      `[pscredential]::new(${quote(userName)}, [Net.NetworkCredential]::new('', ${quote(password)}).SecurePassword)`;
    return shell.run(`
      $ExecutionContext.SessionState.Path.SetLocation(${quote(dc.folder)}) | Out-Null
      $there = @{ TenantId = ${quote(graph.tenantId)}; Server = ${quote(dc.address)}; StatePath = 'state'
        Environment = @{ graph = ${quote(graph.graphUrl)}; login = ${quote(graph.loginUrl)} }
        TrustedCertificate = ${quote(dc.caFile)}
        ClientSecretCredential = ${credential(CLIENT_ID, CLIENT_SECRET)}
        Credential = ${credential(dc.administrator.userName, dc.administrator.password)} }
      ${command}`);
  };
  const reports = (): readonly string[] =>
    readdirSync(inFolder('state'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /report-[^/]*\.json$/.test(name),
    );

  it('is saved, and its place and digest are said', async () => {
    const saved = await run('Get-DeviceWritebackPlan @there -OutFile plan.json');
    expect(saved.terminating).to.equal(null);
    expect(rows(saved).map(({ Action }) => Action)).to.deep.equal(['Create', 'Create', 'Create']);
    const said = /^Saved 3 changes and 0 held differences to (.*), digest ([0-9a-f]{64})\.$/.exec(
      saved.information[0] ?? '',
    );
    expect(said?.[1]).to.equal(inFolder('plan.json'));
    digest = said?.[2] ?? '';
    expect(JSON.parse(readFileSync(inFolder('plan.json'), 'utf8'))).to.include({ digest });
  });

  it('is saved for people as text and as LDIF', async () => {
    for (const [format, shown] of [
      ['Text', 'Reviewed-2'],
      ['Ldif', 'changetype: add'],
    ] as const) {
      const saved = await run(`Get-DeviceWritebackPlan @there -OutFile plan.${format} -Format ${format}`);
      expect(saved.terminating).to.equal(null);
      expect(readFileSync(inFolder(`plan.${format}`), 'utf8')).to.include(shown);
    }
  });

  it('is refused under another digest, and shown by -WhatIf without a write', async () => {
    const usn = await dc.highestCommittedUsn();
    const other = await run(
      `try { Sync-DeviceWriteback @there -Plan plan.json -Digest ${'0'.repeat(64)} } catch { $_ }`,
    );
    expect(rows(other)[0]).to.include({ id: 'DigestMismatch,DeviceWriteback.SyncDeviceWritebackCommand' });
    const tried = await run(`Sync-DeviceWriteback @there -Plan plan.json -Digest ${digest} -WhatIf`);
    expect(tried.host.filter((line) => line.includes('What if: Performing the operation "Create"'))).to.have.length(3);
    expect(await dc.highestCommittedUsn()).to.equal(usn);
  });

  it('is applied as it was reviewed, whatever Entra has meanwhile, and writes nothing when applied again', async () => {
    graph.devices.add(newDevice({ displayName: 'Too-Late' }));
    const applied = await run(`Sync-DeviceWriteback @there -PlanFile plan.json -Digest ${digest.toUpperCase()}`);
    expect(applied.terminating).to.equal(null);
    expect(rows(applied)[0]).to.include({ Outcome: 'Completed', Reading: 'PlanFile', Created: 3, Digest: digest });
    const usn = await dc.highestCommittedUsn();
    const again = await run(`Sync-DeviceWriteback @there -Plan plan.json -Digest ${digest}`);
    expect(rows(again)[0]).to.include({ Outcome: 'Completed', Reading: 'PlanFile', Failed: 0 });
    expect(await dc.highestCommittedUsn()).to.equal(usn);
    const synced = await run('Sync-DeviceWriteback @there');
    expect(rows(synced)[0]).to.include({ Outcome: 'Completed', Reading: 'Full', Created: 1, Unchanged: 3 });
  });

  it('leaves reports, as many as are asked for, of which a page is made by a pipe', async () => {
    const { output, errors } = await run(
      'Sync-DeviceWriteback @there -KeepReports 2 | ConvertTo-DeviceWritebackReport',
    );
    expect(errors).to.deep.equal([]);
    expect(reports()).to.have.length(2);
    const [page] = output as readonly Row[];
    expect(page).to.include({ $type: 'System.IO.FileInfo' });
    const file = String(page?.['FullName']);
    expect(existsSync(file.replace(/\.html$/, '.json'))).to.equal(true);
    expect(readFileSync(file, 'utf8')).to.match(/^<!doctype html>/);
  });

  it('takes over no object whose other writer may still be at work', async () => {
    const taken = [...graph.devices].find(({ displayName }) => displayName === 'Too-Late');
    const dn = `CN=${String(taken?.deviceId)},${dc.deviceContainerDn}`;
    await dc.ldapModify(`dn: ${dn}\nchangetype: modify\ndelete: adminDescription\n`);
    const held = await run('Get-DeviceWritebackPlan @there');
    expect(rows(held).map(({ Action, Reason }) => [Action, Reason])).to.deep.equal([['Held', 'Unowned']]);
    const adopting = await run('Get-DeviceWritebackPlan @there -Adopt');
    expect(rows(adopting).map(({ Action, Reason }) => [Action, Reason])).to.deep.equal([['Held', 'SecondWriter']]);
  });
});
