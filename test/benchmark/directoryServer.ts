/** The directory that a writeback of `graphServer` has left: a program for `startProgram`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ATTRIBUTE_NAMES, MARK_ATTRIBUTE } from '../../src/device/attributes.ts';
import { guidToHex } from '../../src/device/guid.ts';
import { startStreamingDirectory, type StreamedEntry } from '../emulator/streamingDirectory.ts';
import { issueCertificate } from '../lab/certificate.ts';
import { CONFIGURATION_DN, ROOT } from '../lab/domain.ts';
import {
  CONNECTION_POINT_DN,
  DEVICE_CONTAINER_DN,
  LAB_TENANT,
  REGISTRATION_SERVICE_DN,
} from '../lab/registrationService.ts';
import { say } from './streamedServers.ts';
import { writableTenant, writtenDevices } from './writableTenant.ts';

const SCHEMA_DN = `CN=Schema,${CONFIGURATION_DN}`;
const CLASSES = [
  'msDS-Device',
  'msDS-DeviceContainer',
  'msDS-DeviceRegistrationService',
  'msDS-DeviceRegistrationServiceContainer',
];

const { devices, staleEvery } = JSON.parse(process.argv[2] ?? '{}') as { devices: number; staleEvery: number | null };
const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bench-'));
const { caFile, certificateFile, keyFile } = await issueCertificate(folder, '127.0.0.1', 'good');
const { tenantId } = LAB_TENANT;
const directory = await startStreamingDirectory({
  certificateFile,
  keyFile,
  container: DEVICE_CONTAINER_DN,
  entries: [rootDse(), ...schema(), registrationService(), connectionPoint(), container()],
  devices: writtenDevices(writableTenant(devices), tenantId, DEVICE_CONTAINER_DN, staleEvery),
});
say({ server: directory.server, caFile });
process.stdin.resume().on('end', () => {
  rmSync(folder, { recursive: true });
  process.exit(0);
});

function rootDse(): StreamedEntry {
  return {
    distinguishedName: '',
    attributes: {
      dnsHostName: [ROOT.hostName],
      defaultNamingContext: [ROOT.dn],
      configurationNamingContext: [CONFIGURATION_DN],
      schemaNamingContext: [SCHEMA_DN],
      rootDomainNamingContext: [ROOT.dn],
      currentTime: [`${new Date().toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}.0Z`],
      highestCommittedUSN: ['12345'],
      supportedControl: ['1.2.840.113556.1.4.319'],
    },
  };
}

function schema(): readonly StreamedEntry[] {
  const definition = (kind: string, name: string): StreamedEntry => ({
    distinguishedName: `CN=${name},${SCHEMA_DN}`,
    attributes: { lDAPDisplayName: [name], objectClass: ['top', kind] },
  });
  return [
    { distinguishedName: SCHEMA_DN, attributes: { objectClass: ['top', 'dMD'], objectVersion: ['87'] } },
    ...CLASSES.map((name) => definition('classSchema', name)),
    ...[...ATTRIBUTE_NAMES, MARK_ATTRIBUTE].map((name) => definition('attributeSchema', name)),
  ];
}

function registrationService(): StreamedEntry {
  return {
    distinguishedName: REGISTRATION_SERVICE_DN,
    attributes: {
      objectClass: ['top', 'msDS-DeviceRegistrationService'],
      whenCreated: ['20260101000000.0Z'],
      'msDS-IsEnabled': ['TRUE'],
      'msDS-DeviceLocation': [DEVICE_CONTAINER_DN],
    },
  };
}

function connectionPoint(): StreamedEntry {
  const keywords = [`azureADId:${tenantId}`, `azureADName:${LAB_TENANT.tenantName}`];
  return { distinguishedName: CONNECTION_POINT_DN, attributes: { keywords } };
}

function container(): StreamedEntry {
  return {
    distinguishedName: DEVICE_CONTAINER_DN,
    attributes: {
      objectClass: ['top', 'msDS-DeviceContainer'],
      objectGUID: [Buffer.from(guidToHex('6f3a0c1e-58d2-4d0b-9c57-2b1f9a7e4d10'), 'hex')],
    },
  };
}
