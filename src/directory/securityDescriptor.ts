/**
 * Security descriptors in their self-relative binary form. Pure. An access control entry is kept as its octets beside
 * what its head says, so that what this program does not know survives unchanged.
 * Sources: [MS-DTYP] 2.4.4 (ACE), 2.4.5 (ACL), 2.4.6 (SECURITY_DESCRIPTOR), 2.5.1 (SDDL); [MS-ADTS] 5.1.3.2 (rights).
 */
import { guidFromHex, guidToHex, type Guid } from '../device/guid.ts';
import { sidFromHex, sidToHex, type Sid } from '../device/sid.ts';

export interface AccessControlEntry {
  readonly octets: Buffer;
  readonly type: number;
  readonly flags: number;
  /** null, as what follows, where the type is not one of allow and deny. */
  readonly mask: number | null;
  readonly objectType: Guid | null;
  readonly inheritedObjectType: Guid | null;
  readonly sid: Sid | null;
}

export interface SecurityDescriptor {
  readonly octets: Buffer;
  readonly control: number;
  /** null where there is no DACL, which lets everybody do everything. */
  readonly dacl: readonly AccessControlEntry[] | null;
}

export const ACE_TYPE = { allow: 0, deny: 1, objectAllow: 5, objectDeny: 6 } as const;

export const ACE_FLAG = { containerInherit: 0x02, inheritOnly: 0x08, inherited: 0x10 } as const;

/** schemaIDGUID of msDS-Device. Source: [MS-ADSC] 2.136. */
export const DEVICE_CLASS_GUID: Guid = '5df2b673-6d41-4774-b3e8-d52e8ee9ff99';

/** In the order in which SDDL writes them. */
const RIGHTS: readonly (readonly [string, number])[] = [
  ['GA', 0x1000_0000],
  ['GR', 0x8000_0000],
  ['GW', 0x4000_0000],
  ['GX', 0x2000_0000],
  ['CC', 0x1],
  ['DC', 0x2],
  ['LC', 0x4],
  ['SW', 0x8],
  ['RP', 0x10],
  ['WP', 0x20],
  ['DT', 0x40],
  ['LO', 0x80],
  ['CR', 0x100],
  ['SD', 0x1_0000],
  ['RC', 0x2_0000],
  ['WD', 0x4_0000],
  ['WO', 0x8_0000],
];

const FLAGS: readonly (readonly [string, number])[] = [
  ['OI', 0x01],
  ['CI', 0x02],
  ['NP', 0x04],
  ['IO', 0x08],
  ['ID', 0x10],
  ['SA', 0x40],
  ['FA', 0x80],
];

const TYPES: Readonly<Record<number, string>> = { 0: 'A', 1: 'D', 5: 'OA', 6: 'OD' };

/** SIDs that are the same everywhere; those of a domain stay in full. */
const SID_ALIASES: Readonly<Record<Sid, string>> = {
  'S-1-1-0': 'WD',
  'S-1-3-0': 'CO',
  'S-1-5-9': 'ED',
  'S-1-5-10': 'PS',
  'S-1-5-11': 'AU',
  'S-1-5-18': 'SY',
  'S-1-5-32-544': 'BA',
  'S-1-5-32-548': 'AO',
  'S-1-5-32-550': 'PO',
  'S-1-5-32-554': 'RU',
};

const DACL_PRESENT = 0x0004;
const DACL_FLAGS: readonly (readonly [string, number])[] = [
  ['P', 0x1000],
  ['AR', 0x0100],
  ['AI', 0x0400],
];
const HEADER = 20;
const ACL_HEADER = 8;
/** ACL_REVISION_DS, which an ACL with object entries must have. */
const REVISION_DS = 4;
const LARGEST_ACL = 0xffff;
const OFFSET_FIELDS = [4, 8, 12, 16];
const DACL_OFFSET_FIELD = 16;

/** The access mask of SDDL rights such as "CCDC". @throws RangeError for letters that name no right. */
export function rightsMask(rights: string): number {
  let mask = 0;
  for (const pair of rights.match(/.{1,2}/g) ?? []) {
    const right = RIGHTS.find(([name]) => name === pair);
    if (right === undefined) throw new RangeError(`No access right: ${pair}`);
    mask |= right[1];
  }
  return mask >>> 0;
}

/** The rights of an access mask in SDDL, hexadecimal if a bit has no letters. */
export function rightsText(mask: number): string {
  const named = RIGHTS.filter(([, bit]) => (mask & bit) !== 0);
  const rest = named.reduce((left, [, bit]) => left & ~bit, mask);
  return rest === 0 ? named.map(([name]) => name).join('') : `0x${(mask >>> 0).toString(16)}`;
}

/** null for octets that are no self-relative security descriptor. */
export function parseSecurityDescriptor(octets: Buffer): SecurityDescriptor | null {
  if (octets.length < HEADER || octets[0] !== 1) return null;
  const control = octets.readUInt16LE(2);
  const offset = octets.readUInt32LE(DACL_OFFSET_FIELD);
  if ((control & DACL_PRESENT) === 0 || offset === 0) return { octets, control, dacl: null };
  const acl = aclAt(octets, offset);
  return acl === null ? null : { octets, control, dacl: acl.entries };
}

/**
 * The descriptor with these entries added after every explicit one and before the inherited ones: the canonical order,
 * as the new ones are explicit and allow. All other octets stay as they are.
 * @throws RangeError if there is no DACL or no room in it.
 */
export function withEntries(descriptor: SecurityDescriptor, added: readonly AccessControlEntry[]): Buffer {
  const { octets } = descriptor;
  if (added.length === 0) return octets;
  const offset = octets.readUInt32LE(DACL_OFFSET_FIELD);
  const acl = descriptor.dacl === null ? null : aclAt(octets, offset);
  if (acl === null) throw new RangeError('The security descriptor has no DACL');
  const firstInherited = acl.entries.findIndex(({ flags }) => (flags & ACE_FLAG.inherited) !== 0);
  const at = firstInherited === -1 ? acl.entries.length : firstInherited;
  const before = acl.entries.slice(0, at).reduce((length, entry) => length + entry.octets.length, offset + ACL_HEADER);
  const addition = Buffer.concat(added.map((entry) => entry.octets));
  const size = acl.size + addition.length;
  if (size > LARGEST_ACL) throw new RangeError('The DACL has no room for more entries');

  const result = Buffer.concat([octets.subarray(0, before), addition, octets.subarray(before)]);
  result.writeUInt8(Math.max(octets.readUInt8(offset), REVISION_DS), offset);
  result.writeUInt16LE(size, offset + 2);
  result.writeUInt16LE(acl.entries.length + added.length, offset + 4);
  for (const field of OFFSET_FIELDS) {
    const section = octets.readUInt32LE(field);
    if (section > offset) result.writeUInt32LE(section + addition.length, field);
  }
  return result;
}

/**
 * The least rights of a writer on the container: create and delete device objects, and read and write every property of
 * those in it. Deleting needs no right on the objects themselves, and creating gives none to write ([MS-ADTS] 3.1.1.5).
 */
export function writerEntries(sid: Sid): readonly AccessControlEntry[] {
  return [
    objectAllow(0, rightsMask('CCDC'), DEVICE_CLASS_GUID, null, sid),
    objectAllow(ACE_FLAG.containerInherit | ACE_FLAG.inheritOnly, rightsMask('RPWP'), null, DEVICE_CLASS_GUID, sid),
  ];
}

/** One entry in SDDL; one of a type that this program does not know shows its type and flags only. */
export function entryText(entry: AccessControlEntry): string {
  const flags = FLAGS.filter(([, bit]) => (entry.flags & bit) !== 0)
    .map(([name]) => name)
    .join('');
  const type = TYPES[entry.type] ?? `0x${entry.type.toString(16).padStart(2, '0')}`;
  if (entry.mask === null || entry.sid === null) return `(${type};${flags};;;;)`;
  const fields = [type, flags, rightsText(entry.mask), entry.objectType ?? '', entry.inheritedObjectType ?? ''];
  return `(${[...fields, SID_ALIASES[entry.sid] ?? entry.sid].join(';')})`;
}

/** The DACL in SDDL. */
export function daclText(descriptor: SecurityDescriptor): string {
  const flags = DACL_FLAGS.filter(([, bit]) => (descriptor.control & bit) !== 0)
    .map(([name]) => name)
    .join('');
  if (descriptor.dacl === null) return `D:${flags}NO_ACCESS_CONTROL`;
  return `D:${flags}${descriptor.dacl.map(entryText).join('')}`;
}

interface Acl {
  readonly size: number;
  readonly entries: readonly AccessControlEntry[];
}

function aclAt(octets: Buffer, offset: number): Acl | null {
  if (offset < HEADER || offset + ACL_HEADER > octets.length) return null;
  const size = octets.readUInt16LE(offset + 2);
  const count = octets.readUInt16LE(offset + 4);
  const end = offset + size;
  if (size < ACL_HEADER || end > octets.length) return null;
  const entries: AccessControlEntry[] = [];
  let position = offset + ACL_HEADER;
  for (let index = 0; index < count; index += 1) {
    if (position + 4 > end) return null;
    const length = octets.readUInt16LE(position + 2);
    if (length < 4 || position + length > end) return null;
    const entry = parseEntry(octets.subarray(position, position + length));
    if (entry === null) return null;
    entries.push(entry);
    position += length;
  }
  return { size, entries };
}

function parseEntry(octets: Buffer): AccessControlEntry | null {
  const head = { octets, type: octets.readUInt8(0), flags: octets.readUInt8(1) };
  const unknown = { ...head, mask: null, objectType: null, inheritedObjectType: null, sid: null };
  const { allow, deny, objectAllow: objectAllowed, objectDeny } = ACE_TYPE;
  const plain = head.type === allow || head.type === deny;
  if (!plain && head.type !== objectAllowed && head.type !== objectDeny) return unknown;
  if (octets.length < (plain ? 8 : 12)) return null;
  const mask = octets.readUInt32LE(4);
  const present = plain ? 0 : octets.readUInt32LE(8);
  let position = plain ? 8 : 12;
  const nextGuid = (bit: number): Guid | null => {
    if ((present & bit) === 0) return null;
    position += 16;
    return guidFromHex(octets.toString('hex', position - 16, position));
  };
  const objectType = nextGuid(1);
  const inheritedObjectType = nextGuid(2);
  const sidLength = 8 + 4 * (octets[position + 1] ?? 0);
  const sid = sidFromHex(octets.toString('hex', position, position + sidLength));
  return sid === null ? null : { ...head, mask, objectType, inheritedObjectType, sid };
}

function objectAllow(
  flags: number,
  mask: number,
  objectType: Guid | null,
  inheritedObjectType: Guid | null,
  sid: Sid,
): AccessControlEntry {
  const guids = [objectType, inheritedObjectType].filter((guid) => guid !== null);
  const tail = Buffer.from(guids.map(guidToHex).join('') + sidToHex(sid), 'hex');
  const octets = Buffer.concat([Buffer.alloc(12), tail]);
  octets.writeUInt8(ACE_TYPE.objectAllow, 0);
  octets.writeUInt8(flags, 1);
  octets.writeUInt16LE(octets.length, 2);
  octets.writeUInt32LE(mask, 4);
  octets.writeUInt32LE((objectType === null ? 0 : 1) | (inheritedObjectType === null ? 0 : 2), 8);
  return { octets, type: ACE_TYPE.objectAllow, flags, mask, objectType, inheritedObjectType, sid };
}
