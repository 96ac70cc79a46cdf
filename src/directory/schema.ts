import { ATTRIBUTE_NAMES, MARK_ATTRIBUTE } from '../device/attributes.ts';
import { guidFromHex, type Guid } from '../device/guid.ts';
import type { RootDse, Schema } from '../ports.ts';
import type { Connection } from './connection.ts';
import { invalid, octets, oneInteger, oneText, requiredText, texts } from './entry.ts';
import { TRANSPORT_KEY } from './fromEntry.ts';
import { SERVICE_ATTRIBUTES } from './registrationService.ts';
import { allOf, anyOf, equal, searchBelow } from './search.ts';

/** Classes of device registration. Source: [MS-ADSC] 2.136 to 2.139. */
const CLASSES = [
  'msDS-Device',
  'msDS-DeviceContainer',
  'msDS-DeviceRegistrationService',
  'msDS-DeviceRegistrationServiceContainer',
];

const ATTRIBUTES = [...ATTRIBUTE_NAMES, MARK_ATTRIBUTE, TRANSPORT_KEY, ...SERVICE_ATTRIBUTES];

const PROPERTY_GUIDS = ['schemaIDGUID', 'attributeSecurityGUID'];

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

/**
 * By which GUIDs an access control entry can name each of these attributes: its schemaIDGUID and that of its property
 * set, attributeSecurityGUID ([MS-ADTS] 3.1.1.2.3, 5.1.3.2.1). The values are of mixed endianness ([MS-DTYP] 2.3.4.2).
 */
export async function readPropertyGuids(
  connection: Connection,
  rootDse: RootDse,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlySet<Guid>>> {
  const filter = allOf(
    equal('objectClass', 'attributeSchema'),
    anyOf(names.map((name) => equal('lDAPDisplayName', name))),
  );
  const wanted = ['lDAPDisplayName', ...PROPERTY_GUIDS];
  const entries = await searchBelow(connection, rootDse.schemaNamingContext, filter, wanted, signal);
  return new Map(
    entries.map((entry) => {
      const guids = PROPERTY_GUIDS.flatMap((name) => octets(entry, name)).map((value) =>
        guidFromHex(value.toString('hex')),
      );
      return [requiredText(entry, 'lDAPDisplayName'), new Set(guids.filter((guid) => guid !== null))];
    }),
  );
}
