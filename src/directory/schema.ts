import { ATTRIBUTE_NAMES, MARK_ATTRIBUTE } from '../device/attributes.ts';
import type { RootDse, Schema } from '../ports.ts';
import type { Connection } from './connection.ts';
import { invalid, oneInteger, oneText, texts } from './entry.ts';
import { TRANSPORT_KEY } from './fromEntry.ts';
import { SERVICE_ATTRIBUTES } from './registrationService.ts';
import { anyOf, equal, searchBelow } from './search.ts';

/** Classes of device registration. Source: [MS-ADSC] 2.136 to 2.139. */
const CLASSES = [
  'msDS-Device',
  'msDS-DeviceContainer',
  'msDS-DeviceRegistrationService',
  'msDS-DeviceRegistrationServiceContainer',
];

const ATTRIBUTES = [...ATTRIBUTE_NAMES, MARK_ATTRIBUTE, TRANSPORT_KEY, ...SERVICE_ATTRIBUTES];

/**
 * Each class and attribute is looked up by its lDAPDisplayName: objectVersion tells the schema's age, not what it holds
 * ([MS-ADTS] 3.1.1.2). One search answers both, since the schema container itself carries objectVersion.
 */
export async function readSchema(connection: Connection, rootDse: RootDse, signal: AbortSignal): Promise<Schema> {
  const base = rootDse.schemaNamingContext;
  const names = [...CLASSES, ...ATTRIBUTES].map((name) => equal('lDAPDisplayName', name));
  const filter = anyOf([equal('objectClass', 'dMD'), ...names]);
  const wanted = ['lDAPDisplayName', 'objectClass', 'objectVersion', 'isDefunct'];
  const entries = await searchBelow(connection, base, filter, wanted, signal);
  let objectVersion: number | null = null;
  const classes = new Set<string>();
  const attributes = new Set<string>();
  for (const entry of entries) {
    const kinds = texts(entry, 'objectClass');
    const name = oneText(entry, 'lDAPDisplayName');
    if (kinds.includes('dMD')) objectVersion = oneInteger(entry, 'objectVersion');
    // A defunct definition counts as absent ([MS-ADTS] 3.1.1.2.3.3).
    else if (name === null || oneText(entry, 'isDefunct') === 'TRUE') continue;
    else if (kinds.includes('classSchema')) classes.add(name);
    else if (kinds.includes('attributeSchema')) attributes.add(name);
  }
  if (objectVersion === null) throw invalid(base, 'objectVersion', 'it has no value that this account can read');
  return { objectVersion, classes, attributes };
}
