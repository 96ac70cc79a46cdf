import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { startDomainController, type DomainController } from '../lab/domainController.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { PowerShell, quote, type ScenarioResult } from './powerShell.ts';

const CLIENT_ID = '0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f';
const CLIENT_SECRET = 'Lab-client-5ecret';
const SYNC_PASSWORD = 'Lab-sync-Passw0rd!';
const DEVICES = 400;

type Row = Readonly<Record<string, unknown>>;
const rows = (result: ScenarioResult): readonly Row[] => result.output as readonly Row[];

for (const schema of [69, 87] as const)
  describe(`the cmdlets with the real engine, a domain controller (schema ${schema}) and Graph`, () => {
    let dc: DomainController;
    let graph: GraphEmulator;
    let shell: PowerShell;
    let statePath: string;
    let preamble: string;

    before(async () => {
      [dc, graph] = await Promise.all([
        startDomainController({ schema }),
        startGraphEmulator({ tenantId: LAB_TENANT.tenantId, synthetic: syntheticDevices(DEVICES, 7) }),
      ]);
      graph.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] });
      const { userName } = await dc.addUser('svc-sync', SYNC_PASSWORD);
      statePath = mkdtempSync(path.join(tmpdir(), 'devicewriteback-end-to-end-'));
      const credential = (name: string, user: string, password: string): string =>
        `$${name} = [pscredential]::new(${quote(user)}, [Net.NetworkCredential]::new('', ${quote(password)}).SecurePassword)`;
      preamble = [
        credential('app', CLIENT_ID, CLIENT_SECRET),
        credential('administrator', dc.administrator.userName, dc.administrator.password),
        credential('sync', userName, SYNC_PASSWORD),
        `$there = @{ TenantId = ${quote(graph.tenantId)}; ClientSecretCredential = $app; Server = ${quote(dc.address)}`,
        `  Environment = @{ graph = ${quote(graph.graphUrl)}; login = ${quote(graph.loginUrl)} }`,
        `  TrustedCertificate = ${quote(dc.caFile)}; StatePath = ${quote(statePath)} }`,
        '',
      ].join('\n');
      shell = new PowerShell();
    });

    after(async () => {
      await shell?.close();
      await Promise.all([dc?.stop(), graph?.stop()]);
      if (statePath !== undefined) rmSync(statePath, { recursive: true });
    });

    const run = (script: string): Promise<ScenarioResult> => shell.run(`${preamble}${script}`);
    const count = async (): Promise<number> =>
      (await dc.ldapSearch(dc.deviceContainerDn, '(objectClass=msDS-Device)', ['cn'])).entries.length;
    const reports = (): readonly string[] =>
      readdirSync(statePath, { recursive: true, encoding: 'utf8' }).filter((name) => /report-.*\.json$/.test(name));

    it('fails the test of an unprepared forest with a remedy, and passes it after Enable', async () => {
      const before = await run('Test-DeviceWritebackPrereq @there -Credential $administrator');
      const missing = rows(before).find((check) => check['Id'] === 'RegistrationService');
      expect(missing).to.include({ $type: 'DeviceWriteback.Check', State: 'Fail' });
      expect(missing?.['Remedy']).to.contain('Enable-DeviceWriteback');
      const enabled = await run(
        'Enable-DeviceWriteback @there -Credential $administrator -AdConnectorAccount svc-sync',
      );
      expect(enabled.terminating).to.equal(null);
      expect(rows(enabled).map((step) => step['State'])).to.deep.equal(Array.from({ length: 5 }, () => 'Done'));
      const after = await run('Test-DeviceWritebackPrereq @there -Credential $sync -Quiet');
      expect(after.output).to.deep.equal([true]);
    });

    it('changes nothing when Enable runs again', async () => {
      const usn = await dc.highestCommittedUsn();
      const again = await run('Enable-DeviceWriteback @there -Credential $administrator -AdConnectorAccount svc-sync');
      expect(new Set(rows(again).map((step) => step['State']))).to.deep.equal(new Set(['Present']));
      expect(await dc.highestCommittedUsn()).to.equal(usn);
    });

    it("writes nothing under the caller's $WhatIfPreference", async () => {
      const usn = await dc.highestCommittedUsn();
      const tried = await run(`
      function Invoke-Nightly { $WhatIfPreference = $true; Sync-DeviceWriteback @there -Credential $sync }
      Invoke-Nightly`);
      expect(tried.terminating).to.equal(null);
      expect(tried.output).to.deep.equal([]);
      expect(tried.host.filter((line) => line.includes('What if:')).length).to.be.greaterThan(300);
      expect(await dc.highestCommittedUsn()).to.equal(usn);
      expect(reports()).to.deep.equal([]);
    });

    it('ends within 2 s of Ctrl+C in the middle of a sync, with a report and a directory that the next sync completes', async () => {
      const stopped = await shell.run({
        script: `${preamble}Sync-DeviceWriteback @there -Credential $sync -PassThru`,
        stopWhen: { stream: 'output', text: 'Applied' },
      });
      expect(stopped.state).to.equal('Stopped');
      expect(stopped.stopMilliseconds).to.be.lessThan(2000);
      const written = await count();
      expect(written).to.be.greaterThan(0);
      expect(reports()).to.have.length(1);
      const report = JSON.parse(readFileSync(path.join(statePath, reports()[0] ?? ''), 'utf8')) as {
        readonly outcome: string;
        readonly counts: { readonly created: number; readonly cancelled: number };
      };
      expect(report.outcome).to.equal('cancelled');
      expect(report.counts.created).to.equal(written);
      expect(report.counts.cancelled).to.be.greaterThan(0);

      const completed = await run('Sync-DeviceWriteback @there -Credential $sync');
      const [done] = rows(completed);
      expect(done).to.include({ $type: 'DeviceWriteback.Run', Outcome: 'Completed', Reading: 'Delta' });
      expect(await count()).to.equal(written + Number(done?.['Created']));
    });

    it('writes nothing in a second sync', async () => {
      const usn = await dc.highestCommittedUsn();
      const again = await run('Sync-DeviceWriteback @there -Credential $sync');
      expect(rows(again)[0]).to.include({ Outcome: 'Completed', Created: 0, Updated: 0, Disabled: 0, Deleted: 0 });
      expect(await dc.highestCommittedUsn()).to.equal(usn);
    });

    it('gives the plan as objects, and the refusal of a plan that removes too much as a terminating error', async () => {
      const removed = [...graph.devices].slice(0, 100);
      for (const device of removed) graph.devices.remove(device.id);
      const planned = await run('Get-DeviceWritebackPlan @there -Credential $sync');
      const disables = rows(planned).filter((change) => change['Action'] === 'Disable');
      expect(disables.length).to.be.greaterThan(40);
      expect(planned.warnings.join('\n')).to.contain('-MaximumRemoval');
      const usn = await dc.highestCommittedUsn();
      const refused = await run("$ErrorActionPreference = 'Stop'; Sync-DeviceWriteback @there -Credential $sync");
      expect(refused.terminating?.id).to.equal('RemovalThreshold,DeviceWriteback.SyncDeviceWritebackCommand');
      expect(refused.terminating).to.include({ category: 'LimitsExceeded' });
      expect(rows(refused)[0]).to.include({ Outcome: 'Refused', Disabled: 0 });
      expect(await dc.highestCommittedUsn()).to.equal(usn);
      const allowed = await run(`Sync-DeviceWriteback @there -Credential $sync -MaximumRemoval ${removed.length}`);
      expect(rows(allowed)[0]).to.include({ Outcome: 'Completed', Disabled: disables.length });
    });

    it('explains devices from the pipeline', async () => {
      const explained = await run(`
      Get-DeviceWritebackPlan @there -Credential $sync | Where-Object Reason -eq NoKey | Get-DeviceWritebackDevice @there -Credential $sync`);
      expect(explained.errors).to.deep.equal([]);
      expect(rows(explained).length).to.be.greaterThan(5);
      for (const device of rows(explained)) expect(device).to.include({ Verdict: 'Held', Reason: 'NoKey' });
    });

    it('says a wrong password in one line with a remedy, and writes nothing', async () => {
      const usn = await dc.highestCommittedUsn();
      const failed = await run(`
      $ErrorActionPreference = 'Stop'
      $wrong = [pscredential]::new($sync.UserName, [Net.NetworkCredential]::new('', 'Not-the-Passw0rd!').SecurePassword)
      Sync-DeviceWriteback @there -Credential $wrong`);
      expect(failed.terminating?.id).to.equal('DirectoryBindRefused,DeviceWriteback.SyncDeviceWritebackCommand');
      expect(failed.terminating?.message).to.not.contain('\n');
      expect(failed.terminating?.message).to.contain('Check the user name and the password.');
      expect(await dc.highestCommittedUsn()).to.equal(usn);
    });

    it('leaves no engine behind when the host is killed in the middle of a sync', async () => {
      for (const device of [...graph.devices].slice(0, 60)) graph.devices.update(device.id, { displayName: 'Renamed' });
      const host = new PowerShell();
      const interrupted = host
        .run(`${preamble}Sync-DeviceWriteback @there -Credential $sync -PassThru -Verbose`)
        .catch(() => null);
      const engine = await childOf(host.pid);
      await host.kill();
      await interrupted;
      const deadline = Date.now() + 4000;
      while (isAlive(engine) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(isAlive(engine)).to.equal(false);
      const completed = await run('Sync-DeviceWriteback @there -Credential $sync');
      expect(rows(completed)[0]).to.include({ Outcome: 'Completed' });
      const again = await run('Sync-DeviceWriteback @there -Credential $sync');
      expect(rows(again)[0]).to.include({ Outcome: 'Completed', Updated: 0 });
    });
  });

/** The first child process of this process, once it has one. */
async function childOf(pid: number): Promise<number> {
  for (;;) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [child] = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ');
      if (child !== undefined && child !== '') return Number(child);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
