/**
 * The main job, as an administrator would type it, against a throwaway domain controller and a local Microsoft Graph.
 * --keep leaves both up and says how to connect.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { selfSignedCertificate } from '../emulator/selfSignedCertificate.ts';
import { newDevice } from '../emulator/newEntities.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { startDomainController, type DomainController } from '../lab/domainController.ts';
import { Session } from './session.ts';

const DEVICES = 500;
const CLIENT_ID = '5f0c7a3e-2b7c-4f4e-9f43-6a4b2f7f1c55';
const SYNC_ACCOUNT = { name: 'svc-writeback', password: 'Throwaway-Passw0rd!' };
/** Longer output is shown without its middle. */
const SHOWN_LINES = 40;

const keep = process.argv.includes('--keep');
const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};

say(
  `Starting a Samba domain controller (schema of Windows Server 2016) and a Microsoft Graph with ${DEVICES} devices …`,
);
const [lab, graph] = await Promise.all([
  startDomainController({ schema: 87 }),
  startGraphEmulator({ synthetic: syntheticDevices(DEVICES, 2026) }),
]);
const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-demo-'));
try {
  await demonstrate(lab, graph, folder);
  if (keep) await stay(lab, graph);
} finally {
  await Promise.all([lab.stop(), graph.stop()]);
  if (keep) rmSync(folder, { recursive: true });
}

async function demonstrate(dc: DomainController, entra: GraphEmulator, temporary: string): Promise<void> {
  const configuration = writeConfiguration(dc, entra, temporary);
  const account = await dc.addUser(SYNC_ACCOUNT.name, SYNC_ACCOUNT.password);
  const session = new Session(dc.administrator, { userName: account.userName, password: SYNC_ACCOUNT.password });
  say(`PowerShell: ${session.name}. $administrator and $syncAccount hold what Get-Credential would ask for.`);
  const type = async (command: string): Promise<void> => {
    say(`\nPS> ${command}`);
    print(await session.type(command));
  };
  const configured = `-ConfigurationPath ${configuration}`;

  await type('Import-Module ./DeviceWriteback.psd1');
  heading('A forest that nobody has prepared');
  await type(`Test-DeviceWritebackPrereq ${configured} -Credential $administrator`);
  await type(
    `Enable-DeviceWriteback ${configured} -Credential $administrator -AdConnectorAccount ${SYNC_ACCOUNT.name}`,
  );
  await type(`Test-DeviceWritebackPrereq ${configured} -Credential $syncAccount`);
  await type(`Test-DeviceWritebackPrereq ${configured} -Credential $syncAccount -Quiet`);

  heading('The first sync, as the account that has the least rights');
  await type(`Sync-DeviceWriteback ${configured} -Credential $syncAccount -WhatIf`);
  await type(`Sync-DeviceWriteback ${configured} -Credential $syncAccount`);
  const usn = await dc.highestCommittedUsn();
  await type(`Sync-DeviceWriteback ${configured} -Credential $syncAccount`);
  say(`The server's highest committed USN was ${usn} before the second sync and is ${await dc.highestCommittedUsn()}.`);

  heading('Changes in Entra');
  changeEntra(entra);
  await type(`Sync-DeviceWriteback ${configured} -Credential $syncAccount -PassThru`);

  heading('One device explained');
  await type(`Get-DeviceWritebackDevice ${keyless(entra)} ${configured} -Credential $syncAccount`);
  await session.close();

  heading("The directory's own count");
  const filter = '(objectClass=msDS-Device)';
  say(`$ ldapsearch -H ${dc.url} -b ${dc.deviceContainerDn} '${filter}' dn`);
  const { entries } = await dc.ldapSearch(dc.deviceContainerDn, filter, ['msDS-IsEnabled']);
  const enabled = entries.filter((entry) => entry.attributes.get('msDS-IsEnabled')?.[0]?.toString() === 'TRUE').length;
  say(`${entries.length} device objects, ${enabled} of them enabled, for ${entra.devices.size} Entra devices.`);
}

/** An app registration with a certificate, and the configuration file that an administrator would write. */
function writeConfiguration(dc: DomainController, entra: GraphEmulator, temporary: string): string {
  const { certificate, privateKey } = selfSignedCertificate('DeviceWriteback');
  entra.apps.register({ clientId: CLIENT_ID, certificates: [certificate] });
  writeFileSync(path.join(temporary, 'app.pem'), `${certificate}${privateKey}`, { mode: 0o600 });
  const file = path.join(temporary, 'contoso.json');
  const settings = {
    TenantId: entra.tenantId,
    ClientId: CLIENT_ID,
    CertificatePath: 'app.pem',
    Environment: { graph: entra.graphUrl, login: entra.loginUrl },
    Server: dc.address,
    TrustedCertificate: dc.caFile,
    StatePath: 'state',
  };
  writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`);
  say(`\n${file}:\n${JSON.stringify(settings, null, 2)}`);
  return file;
}

/** What happens in a tenant in a week. */
function changeEntra(entra: GraphEmulator): void {
  const writable = [...entra.devices].filter((device) => {
    const { displayName, accountEnabled, alternativeSecurityIds } = device;
    return (
      displayName !== null && accountEnabled === true && JSON.stringify(alternativeSecurityIds).includes('WAA1ADAAOQ')
    );
  });
  const [renamed, disabled, deleted] = writable;
  if (renamed === undefined || disabled === undefined || deleted === undefined) throw new Error('Too few devices.');
  entra.devices.update(renamed.id, { displayName: 'Renamed-Laptop', operatingSystemVersion: '10.0.26200.1' });
  entra.devices.update(disabled.id, { accountEnabled: false });
  entra.devices.remove(deleted.id);
  const created = entra.devices.add(newDevice({ displayName: 'New-Surface' }));
  say(`renamed and upgraded: ${String(renamed.displayName)} -> Renamed-Laptop`);
  say(`disabled:             ${String(disabled.displayName)}`);
  say(`deleted:              ${String(deleted.displayName)}`);
  say(`registered:           ${String(created.displayName)}`);
}

/** The device id of an Entra device without a certificate key. */
function keyless(entra: GraphEmulator): string {
  const device = [...entra.devices].find(
    ({ alternativeSecurityIds }) => JSON.stringify(alternativeSecurityIds) === '[]',
  );
  if (device === undefined) throw new Error('Every device has a key.');
  return String(device.deviceId);
}

async function stay(dc: DomainController, entra: GraphEmulator): Promise<void> {
  heading('Both servers stay up until Ctrl+C');
  const { userName, password } = dc.administrator;
  say(
    `ldapsearch: LDAPTLS_CACERT=${dc.caFile} ldapsearch -LLL -H ${dc.url} -D ${userName} -w '${password}' -b ${dc.deviceContainerDn}`,
  );
  say(`sync account: ${SYNC_ACCOUNT.name}@${dc.domainName}, password ${SYNC_ACCOUNT.password} (throwaway)`);
  say(
    `Graph: ${entra.graphUrl}/v1.0/devices, sign-in ${entra.loginUrl}/${entra.tenantId}/oauth2/v2.0/token, application ${CLIENT_ID}`,
  );
  await once(process, 'SIGINT');
}

function heading(text: string): void {
  say(`\n${'='.repeat(8)} ${text} ${'='.repeat(Math.max(0, 100 - text.length))}`);
}

function print(lines: readonly string[]): void {
  if (lines.length <= SHOWN_LINES) return lines.forEach((line) => say(line));
  const ends = SHOWN_LINES / 4;
  lines.slice(0, ends).forEach((line) => say(line));
  say(`… ${lines.length - 2 * ends} lines like these …`);
  lines.slice(-ends).forEach((line) => say(line));
}
