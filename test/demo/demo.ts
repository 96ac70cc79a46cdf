/**
 * The main job, as an administrator would type it, against a throwaway domain controller and a local Microsoft Graph.
 * --kerberos binds by Kerberos tickets instead of passwords. --keep leaves both up and says how to connect.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { openWiretap, readableOn, type Wiretap } from '../directory/wiretap.ts';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { selfSignedCertificate } from '../emulator/selfSignedCertificate.ts';
import { newDevice } from '../emulator/newEntities.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { startDomainController, type DomainController } from '../lab/domainController.ts';
import { peopleWithPasswords, peopleWithTickets, type Person } from './people.ts';

const DEVICES = 500;
const CLIENT_ID = '5f0c7a3e-2b7c-4f4e-9f43-6a4b2f7f1c55';
const SYNC_ACCOUNT = { name: 'svc-writeback', password: 'Throwaway-Passw0rd!' };
/** Longer output is shown without its middle. */
const SHOWN_LINES = 40;

const keep = process.argv.includes('--keep');
const byKerberos = process.argv.includes('--kerberos');
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
const tap = await openWiretap(lab.address, byKerberos ? lab.port : lab.securePort);
const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-demo-'));
try {
  const line = await demonstrate(lab, graph, tap, folder);
  if (keep) await stay(lab, graph, line);
} finally {
  await tap.stop();
  await Promise.all([lab.stop(), graph.stop()]);
  rmSync(folder, { recursive: true });
}

/** Gives the line that a person may go on with. */
async function demonstrate(
  dc: DomainController,
  entra: GraphEmulator,
  wire: Wiretap,
  temporary: string,
): Promise<string> {
  const configured = `-ConfigurationPath ${writeConfiguration(dc, entra, wire, temporary)}`;
  const account = await dc.addUser(SYNC_ACCOUNT.name, SYNC_ACCOUNT.password);
  const { administrator, syncAccount, ways, byHand, close } = byKerberos
    ? await peopleWithTickets(dc, account)
    : peopleWithPasswords(dc, account);
  say(`\nPowerShell: ${administrator.session.name}.\n${ways}`);
  const type = async ({ name, session, credential }: Person, command: string, more = ''): Promise<void> => {
    const typed = [command, configured, credential, more].filter((part) => part !== '').join(' ');
    say(`\n${byKerberos ? `${name} ` : ''}PS> ${typed}`);
    print(await session.type(typed));
  };
  for (const { session } of new Set([administrator, syncAccount])) {
    await session.type('Import-Module ./DeviceWriteback.psd1');
  }
  say('\nPS> Import-Module ./DeviceWriteback.psd1');

  heading('A forest that nobody has prepared');
  await type(administrator, 'Test-DeviceWritebackPrereq');
  await type(administrator, 'Enable-DeviceWriteback', `-AdConnectorAccount ${SYNC_ACCOUNT.name}`);
  await type(syncAccount, 'Test-DeviceWritebackPrereq');
  await type(syncAccount, 'Test-DeviceWritebackPrereq', '-Quiet');

  heading('The first sync, as the account that has the least rights');
  await type(syncAccount, 'Sync-DeviceWriteback', '-WhatIf');
  await type(syncAccount, 'Sync-DeviceWriteback');
  const usn = await dc.highestCommittedUsn();
  await type(syncAccount, 'Sync-DeviceWriteback');
  say(`The server's highest committed USN was ${usn} before the second sync and is ${await dc.highestCommittedUsn()}.`);

  heading('Changes in Entra');
  changeEntra(entra);
  await type(syncAccount, 'Sync-DeviceWriteback', '-PassThru');

  heading('One device explained');
  await type(syncAccount, `Get-DeviceWritebackDevice ${keyless(entra)}`);
  await close();

  heading("The directory's own count");
  const filter = '(objectClass=msDS-Device)';
  say(`$ ldapsearch -H ${dc.url} -b ${dc.deviceContainerDn} '${filter}' dn`);
  const { entries } = await dc.ldapSearch(dc.deviceContainerDn, filter, ['msDS-IsEnabled', 'displayName']);
  const enabled = entries.filter((entry) => entry.attributes.get('msDS-IsEnabled')?.[0]?.toString() === 'TRUE').length;
  say(`${entries.length} device objects, ${enabled} of them enabled, for ${entra.devices.size} Entra devices.`);

  heading('What could be read on the wire');
  const names = entries.flatMap(({ attributes }) => attributes.get('displayName')?.map(String) ?? []);
  sayWhatWasReadable(dc, wire, names);
  return byHand(`Import-Module ./DeviceWriteback.psd1; Sync-DeviceWriteback ${configured}`);
}

/** An app registration with a certificate, and the configuration file that an administrator would write. */
function writeConfiguration(dc: DomainController, entra: GraphEmulator, wire: Wiretap, temporary: string): string {
  const { certificate, privateKey } = selfSignedCertificate('DeviceWriteback');
  entra.apps.register({ clientId: CLIENT_ID, certificates: [certificate] });
  writeFileSync(path.join(temporary, 'app.pem'), `${certificate}${privateKey}`, { mode: 0o600 });
  const file = path.join(temporary, 'contoso.json');
  const settings = {
    TenantId: entra.tenantId,
    ClientId: CLIENT_ID,
    CertificatePath: 'app.pem',
    Environment: { graph: entra.graphUrl, login: entra.loginUrl },
    Server: `${wire.host}:${wire.port}`,
    ...(byKerberos ? {} : { TrustedCertificate: dc.caFile }),
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

/** A name of few octets would be found by chance. A distinguished name always ends with that of the domain. */
function sayWhatWasReadable(dc: DomainController, wire: Wiretap, names: readonly string[]): void {
  const distinguishedNames = [
    dc.domainDn,
    dc.domainDn.toLowerCase(),
    dc.domainDn.toUpperCase(),
    'CN=RegisteredDevices',
  ];
  const sought = new Set([...names.filter((name) => Buffer.byteLength(name) > 5), ...distinguishedNames]);
  const kilobytes = Math.round((wire.octets('toServer').length + wire.octets('toClient').length) / 1000);
  const found = readableOn(wire, sought);
  say(`A proxy kept the ${kilobytes} kB between the engine and the domain controller and was searched for`);
  say(`${sought.size - distinguishedNames.length} device names and for distinguished names.`);
  say(`Readable on the wire: ${found.length === 0 ? 'nothing' : found.join(', ')}`);
  if (found.length > 0) process.exitCode = 1;
}

async function stay(dc: DomainController, entra: GraphEmulator, line: string): Promise<void> {
  // Listens before it says so, lest a Ctrl+C between the two leave the servers behind.
  const stopped = once(process, 'SIGINT');
  heading('Both servers stay up until Ctrl+C');
  say(
    byKerberos ? `another sync, from a shell here:\n$ ${line}` : `another sync, from a PowerShell here:\nPS> ${line}`,
  );
  const { userName, password } = dc.administrator;
  say(
    `ldapsearch: LDAPTLS_CACERT=${dc.caFile} ldapsearch -LLL -H ${dc.url} -D ${userName} -w '${password}' -b ${dc.deviceContainerDn}`,
  );
  say(`sync account: ${SYNC_ACCOUNT.name}@${dc.domainName}, password ${SYNC_ACCOUNT.password} (throwaway)`);
  say(
    `Graph: ${entra.graphUrl}/v1.0/devices, sign-in ${entra.loginUrl}/${entra.tenantId}/oauth2/v2.0/token, application ${CLIENT_ID}`,
  );
  say('Ctrl+C ends both and removes what they left.');
  await stopped;
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
