/**
 * What the directory must hold for a tenant, computed from Microsoft's documents alone and by none of the engine's code:
 * Entra Connect's table "Device writeback", [MS-DVRE] 2.3.3, [MS-ADA2] 2.269 to 2.441.
 */
import type { StoredDevice } from '../emulator/entityTypes.ts';
import type { Tenant } from '../emulator/tenant.ts';
import type { LdifEntry } from '../lab/ldif.ts';

/** A device object: octets and other values as hexadecimal digits of their bytes, sorted. */
export interface PlainObject {
  readonly deviceId: string;
  readonly values: Readonly<Record<string, readonly string[]>>;
}

const WRITTEN = [
  'adminDescription',
  'altSecurityIdentities',
  'displayName',
  'msDS-CloudAnchor',
  'msDS-DeviceID',
  'msDS-DeviceObjectVersion',
  'msDS-DeviceOSType',
  'msDS-DeviceOSVersion',
  'msDS-DevicePhysicalIDs',
  'msDS-IsCompliant',
  'msDS-IsEnabled',
  'msDS-IsManaged',
  'msDS-RegisteredOwner',
] as const;

/** What an ldapsearch entry holds of what writeback writes; a lacking attribute has no member. */
export function readObject(entry: LdifEntry): PlainObject {
  const values: Record<string, readonly string[]> = {};
  for (const name of WRITTEN) {
    const found = entry.attributes.get(name);
    if (found !== undefined) values[name] = found.map((value) => value.toString('hex')).sort();
  }
  const [id] = entry.attributes.get('msDS-DeviceID') ?? [];
  return { deviceId: guidText(id ?? Buffer.alloc(0)), values };
}

/** The object that a device must have; null for one that can have none: no name, or no certificate key. */
export function desiredObject(device: StoredDevice, tenant: Tenant): PlainObject | null {
  const keys = certificateKeys(device);
  if (typeof device['displayName'] !== 'string' || keys.length === 0) return null;
  const [owner] = device.registeredOwners ?? [];
  const user = owner === undefined ? null : tenant.users.get(owner);
  const values: Record<string, readonly string[]> = {};
  const put = (name: (typeof WRITTEN)[number], given: readonly unknown[]): void => {
    const bytes = given.filter((one) => one !== null && one !== undefined).map(bytesOf);
    if (bytes.length > 0) values[name] = bytes.map((one) => one.toString('hex')).sort();
  };
  put('adminDescription', [`DeviceWriteback ${tenant.tenantId}`]);
  put('altSecurityIdentities', keys);
  put('displayName', [device['displayName']]);
  put('msDS-CloudAnchor', [guidBytes(device.id)]);
  put('msDS-DeviceID', [guidBytes(String(device['deviceId']))]);
  put('msDS-DeviceObjectVersion', [device['deviceVersion']]);
  put('msDS-DeviceOSType', [device['operatingSystem']]);
  put('msDS-DeviceOSVersion', [device['operatingSystemVersion']]);
  put('msDS-DevicePhysicalIDs', device['physicalIds'] as readonly unknown[]);
  put('msDS-IsCompliant', [device['isCompliant']]);
  put('msDS-IsEnabled', [device['accountEnabled']]);
  put('msDS-IsManaged', [device['isManaged']]);
  // The text of the SID in ASCII, not the binary SID.
  put('msDS-RegisteredOwner', [user?.['onPremisesSecurityIdentifier']]);
  return { deviceId: String(device['deviceId']), values };
}

/** One object for each eligible device of the tenant, by device id. */
export function desiredObjects(tenant: Tenant): ReadonlyMap<string, PlainObject> {
  const objects = [...tenant.devices].map((device) => desiredObject(device, tenant)).filter((one) => one !== null);
  return new Map(objects.map((object) => [object.deviceId, object]));
}

/** A GUID's 16 bytes as the directory keeps them: the first three fields little-endian ([MS-DTYP] 2.3.4.2). */
export function guidBytes(text: string): Buffer {
  const [a = '', b = '', c = '', d = '', e = ''] = text.split('-');
  const little = (field: string): string => (field.match(/../g) ?? []).toReversed().join('');
  return Buffer.from(little(a) + little(b) + little(c) + d + e, 'hex');
}

function guidText(bytes: Buffer): string {
  const field = (start: number, end: number): string => bytes.subarray(start, end).toString('hex');
  const little = (start: number, end: number): string =>
    Buffer.from(bytes.subarray(start, end).toReversed()).toString('hex');
  return [little(0, 4), little(4, 6), little(6, 8), field(8, 10), field(10, 16)].join('-');
}

/** Graph gives the text of each key in UTF-16LE, base64; only those with both hashes are known to AD FS. */
export function certificateKeys(device: StoredDevice): readonly string[] {
  const entries = (device['alternativeSecurityIds'] ?? []) as readonly { readonly key: string }[];
  return entries
    .map(({ key }) => Buffer.from(key, 'base64').toString('utf16le'))
    .filter((text) => text.startsWith('X509:<SHA1-TP-PUBKEY>'));
}

function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(typeof value === 'boolean' ? String(value).toUpperCase() : String(value), 'utf8');
}

/** One value, as text, of what was read. */
export function textOf(object: PlainObject | null, attribute: string): string | null {
  const [hex] = object?.values[attribute] ?? [];
  return hex === undefined ? null : Buffer.from(hex, 'hex').toString('utf8');
}
