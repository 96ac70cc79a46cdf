/** The objects of device registration in the configuration naming context, which the whole forest shares. */
import type { RegistrationService, RootDse } from '../ports.ts';
import type { Connection } from './connection.ts';
import { octets, oneBoolean, oneInteger, oneText, oneTime, texts } from './entry.ts';
import { equal, readObject, searchBelow } from './search.ts';

/** Attributes of msDS-DeviceRegistrationService that are read or written. Source: [MS-ADSC] 2.137. */
export const SERVICE_ATTRIBUTES = [
  'msDS-CloudIsEnabled',
  'msDS-CloudIssuerPublicCertificates',
  'msDS-DeviceLocation',
  'msDS-MaximumRegistrationInactivityPeriod',
  'msDS-RegistrationQuota',
];

/** By class, not by name: there must be exactly one, and a second one anywhere is a fault. */
export async function readRegistrationServices(
  connection: Connection,
  rootDse: RootDse,
  signal: AbortSignal,
): Promise<readonly RegistrationService[]> {
  const entries = await searchBelow(
    connection,
    rootDse.configurationNamingContext,
    equal('objectClass', 'msDS-DeviceRegistrationService'),
    ['whenCreated', 'msDS-IsEnabled', ...SERVICE_ATTRIBUTES],
    signal,
  );
  return entries.map((entry) => ({
    distinguishedName: entry.distinguishedName,
    whenCreated: oneTime(entry, 'whenCreated'),
    deviceLocation: oneText(entry, 'msDS-DeviceLocation'),
    isEnabled: oneBoolean(entry, 'msDS-IsEnabled'),
    inactivityDays: oneInteger(entry, 'msDS-MaximumRegistrationInactivityPeriod'),
    cloudIssuerCertificates: octets(entry, 'msDS-CloudIssuerPublicCertificates')
      .map((certificate) => certificate.toString('hex'))
      .sort(),
  }));
}

/** Source: Microsoft Entra documentation, "Configure hybrid join manually": the well-known name of the object. */
export async function readConnectionPoint(
  connection: Connection,
  rootDse: RootDse,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const base =
    'CN=62a0ff2e-97b9-4513-943f-0d221bd30080,CN=Device Registration Configuration,CN=Services,' +
    rootDse.configurationNamingContext;
  const entry = await readObject(connection, { base, attributes: ['keywords'] }, signal);
  return entry === null ? null : texts(entry, 'keywords').sort();
}
