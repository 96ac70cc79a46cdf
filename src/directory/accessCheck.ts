/** What the entries of a DACL let an account do. Pure. Source: [MS-ADTS] 5.1.3.3 (checking access). */
import type { Guid } from '../device/guid.ts';
import type { Sid } from '../device/sid.ts';
import {
  ACE_FLAG,
  ACE_TYPE,
  DEVICE_CLASS_GUID,
  rightsMask,
  writerEntries,
  type AccessControlEntry,
} from './securityDescriptor.ts';

/** The container itself, where its children's class is asked about, or a device object that will be created in it. */
export type AccessTarget = 'container' | 'device';

/** What the generic rights stand for. Source: [MS-ADTS] 5.1.3.2. */
const GENERIC: readonly (readonly [number, number])[] = [
  [rightsMask('GA'), rightsMask('CCDCLCSWRPWPDTLOCRSDRCWDWO')],
  [rightsMask('GR'), rightsMask('LCRPLORC')],
  [rightsMask('GW'), rightsMask('SWWPRC')],
  [rightsMask('GX'), rightsMask('LCRC')],
];

const WHOLE_OBJECT: ReadonlySet<Guid> = new Set();

/**
 * Whether the entries, in their order, give all of the rights to an account with these SIDs.
 * @param properties The schemaIDGUID of the one attribute that is asked about and the GUID of its property set; without
 * them, rights to one property or property set alone count neither way.
 */
export function allows(
  dacl: readonly AccessControlEntry[],
  sids: ReadonlySet<Sid>,
  rights: number,
  target: AccessTarget,
  properties: ReadonlySet<Guid> = WHOLE_OBJECT,
): boolean {
  let wanted = rights;
  for (const entry of dacl) {
    if (entry.sid === null || entry.mask === null || !sids.has(entry.sid)) continue;
    if (!applies(entry, target, properties)) continue;
    const bits = withoutGeneric(entry.mask);
    if (!denies(entry)) wanted &= ~bits;
    else if ((bits & wanted) !== 0) return false;
    if (wanted === 0) return true;
  }
  return false;
}

/**
 * The entries of the least rights (`writerEntries`) that no entry for the account itself already contains. Entries that
 * deny are left aside: adding the same again would not change what they do.
 */
export function missingEntries(dacl: readonly AccessControlEntry[], sid: Sid): readonly AccessControlEntry[] {
  const [onContainer, onDevices] = writerEntries(sid);
  const own = new Set([sid]);
  const allowing = dacl.filter((entry) => !denies(entry));
  const missing = (entry: AccessControlEntry | undefined, target: AccessTarget): readonly AccessControlEntry[] =>
    entry === undefined || entry.mask === null || allows(allowing, own, entry.mask, target) ? [] : [entry];
  return [...missing(onContainer, 'container'), ...missing(onDevices, 'device')];
}

function denies({ type }: AccessControlEntry): boolean {
  return type === ACE_TYPE.deny || type === ACE_TYPE.objectDeny;
}

function applies(entry: AccessControlEntry, target: AccessTarget, properties: ReadonlySet<Guid>): boolean {
  if (target === 'container') {
    const here = (entry.flags & ACE_FLAG.inheritOnly) === 0;
    return here && (entry.objectType === null || entry.objectType === DEVICE_CLASS_GUID);
  }
  const inherited = (entry.flags & ACE_FLAG.containerInherit) !== 0;
  const meant = entry.objectType === null || properties.has(entry.objectType);
  return inherited && meant && (entry.inheritedObjectType === null || entry.inheritedObjectType === DEVICE_CLASS_GUID);
}

function withoutGeneric(mask: number): number {
  return GENERIC.reduce((bits, [generic, rights]) => ((mask & generic) === 0 ? bits : bits | rights), mask);
}
