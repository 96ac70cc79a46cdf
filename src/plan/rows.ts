import { parseGuid, type Guid } from '../device/guid.ts';
import { shortDigest } from './digest.ts';
import { RowIndex } from './rowIndex.ts';
import { RowTable } from './rowTable.ts';
import type { ScopeAnswer } from './scope.ts';

/** Whose an object is: it carries this tenant's mark, none, or another tenant's. */
export type Ownership = 'owned' | 'unowned' | 'foreign';

/** What matching needs of one Entra device. */
export interface SourceRow {
  readonly id: Guid;
  readonly scope: ScopeAnswer;
  /** null where Entra gave none that can be used. */
  readonly deviceId: Guid | null;
  /** Of the values its object shall have, 32 hexadecimal digits; null where that depends on the object. */
  readonly fingerprint: string | null;
}

/** What matching needs of one device object. */
export interface DirectoryRow {
  readonly objectGuid: Guid;
  readonly deviceId: Guid;
  readonly anchor: Guid | null;
  readonly ownership: Ownership;
  readonly name: string;
  readonly keys: readonly string[];
  readonly enabled: boolean;
  /** Whether it has a removed mark. */
  readonly removed: boolean;
  /** Disabled, with a removed mark and not to be deleted now: without its device there is nothing to do. */
  readonly waits: boolean;
  /** Of the values it has, 32 hexadecimal digits. */
  readonly fingerprint: string;
}

const FLAG = {
  enabled: 4,
  removed: 8,
  waits: 16,
  replaced: 32,
  fingerprint: 64,
  deviceId: 128,
  anchor: 256,
  whole: 512,
} as const;
const OWNERSHIPS = ['owned', 'unowned', 'foreign'] as const;
const SCOPES = ['in', 'out', 'unread'] as const;
/** The bits of the flags that hold the position in one of these two lists. */
const CHOICE = 3;
const HALF = 2 ** 32;
const NO_BITS = '0'.repeat(32);

/**
 * Digests of texts that rows have: certificate keys, and names. 128 bits of SHA-256 stand for a text: two texts that
 * share them cannot be found.
 */
export class Digests {
  static readonly ROW = 4;
  readonly table = new RowTable(5);

  /** @param digits 32 hexadecimal digits, or a GUID */
  add(row: number, digits: string): void {
    const entry = this.table.append();
    this.table.setBits(entry, 0, digits);
    this.table.setWord(entry, Digests.ROW, row);
  }

  rowOf(entry: number): number {
    return this.table.word(entry, Digests.ROW);
  }

  /** @param has which rows count */
  index(has: (row: number) => boolean): RowIndex {
    return new RowIndex(this.table, 0, (entry) => has(this.rowOf(entry)));
  }
}

/** The Entra devices that were read, one row each: 64 bytes, and 20 for each certificate key. */
export class SourceRows {
  static readonly ID = 0;
  static readonly DEVICE_ID = 4;
  static readonly FINGERPRINT = 8;
  private static readonly FLAGS = 12;
  private static readonly OFFSET = 13;
  private static readonly FIRST_KEY = 15;
  readonly table = new RowTable(16);
  readonly keys = new Digests();

  add(device: SourceRow): number {
    const { table } = this;
    const row = table.append();
    let flags = SCOPES.indexOf(device.scope);
    table.setBits(row, SourceRows.ID, device.id);
    if (device.deviceId !== null) {
      table.setBits(row, SourceRows.DEVICE_ID, device.deviceId);
      flags |= FLAG.deviceId;
    }
    if (device.fingerprint !== null) {
      table.setBits(row, SourceRows.FINGERPRINT, device.fingerprint);
      flags |= FLAG.fingerprint;
    }
    table.setWord(row, SourceRows.FLAGS, flags);
    return row;
  }

  /** The keys of the row that was added last. */
  setKeys(row: number, keys: readonly string[]): void {
    this.table.setWord(row, SourceRows.FIRST_KEY, this.keys.table.count);
    for (const key of keys) this.keys.add(row, shortDigest(key));
  }

  /** @param whole whether all of the device's values wait there */
  setOffset(row: number, offset: number, whole: boolean): void {
    this.table.setWord(row, SourceRows.OFFSET, offset % HALF);
    this.table.setWord(row, SourceRows.OFFSET + 1, Math.floor(offset / HALF));
    if (whole) this.setFlag(row, FLAG.whole);
  }

  isWhole(row: number): boolean {
    return (this.flags(row) & FLAG.whole) !== 0;
  }

  /** The device of this row has another one, which counts. */
  replace(row: number): void {
    this.setFlag(row, FLAG.replaced);
  }

  counts(row: number): boolean {
    return (this.flags(row) & FLAG.replaced) === 0;
  }

  scope(row: number): ScopeAnswer {
    return SCOPES[this.flags(row) & CHOICE] ?? 'in';
  }

  isInScope(row: number): boolean {
    return (this.flags(row) & (CHOICE | FLAG.replaced)) === 0;
  }

  hasDeviceId(row: number): boolean {
    return (this.flags(row) & FLAG.deviceId) !== 0;
  }

  /** Whether the object has all the values that the device asks for. */
  hasFingerprintOf(row: number, directory: DirectoryRows, object: number): boolean {
    const { FINGERPRINT } = DirectoryRows;
    return (
      (this.flags(row) & FLAG.fingerprint) !== 0 &&
      this.table.sameBits(row, SourceRows.FINGERPRINT, directory.table, object, FINGERPRINT)
    );
  }

  /** Where the device's values wait, a number of the caller's. */
  offset(row: number): number {
    return this.table.word(row, SourceRows.OFFSET) + HALF * this.table.word(row, SourceRows.OFFSET + 1);
  }

  id(row: number): Guid {
    return this.table.guid(row, SourceRows.ID);
  }

  /** Whether one of the entries of `keys` that are this row's is so. */
  someKey(row: number, is: (key: number) => boolean): boolean {
    let key = this.table.word(row, SourceRows.FIRST_KEY);
    for (; key < this.keys.table.count && this.keys.rowOf(key) === row; key += 1) if (is(key)) return true;
    return false;
  }

  private flags(row: number): number {
    return this.table.word(row, SourceRows.FLAGS);
  }

  private setFlag(row: number, flag: number): void {
    this.table.setWord(row, SourceRows.FLAGS, this.flags(row) | flag);
  }
}

/** The device objects that were read, one row each: 68 bytes, and 20 for each certificate key. */
export class DirectoryRows {
  static readonly OBJECT_GUID = 0;
  static readonly ANCHOR = 4;
  static readonly DEVICE_ID = 8;
  static readonly FINGERPRINT = 12;
  static readonly FLAGS = 16;
  readonly table = new RowTable(17);
  readonly keys = new Digests();
  /** Names that are another device id than the object's own. */
  readonly otherNames = new Digests();
  private readonly compared = new RowTable(17);

  add(object: DirectoryRow): number {
    const row = this.table.append();
    setObject(this.table, row, object);
    for (const key of object.keys) this.keys.add(row, shortDigest(key));
    const name = object.name === object.deviceId ? null : parseGuid(object.name);
    if (name !== null && name !== object.deviceId) this.otherNames.add(row, name);
    return row;
  }

  /** Whether the row says of the object what this one says. Names are left aside: a create meets them. */
  isAt(row: number, object: DirectoryRow): boolean {
    if (this.compared.count === 0) this.compared.append();
    setObject(this.compared, 0, object);
    return this.table.sameRow(row, this.compared, 0);
  }

  /** The object of this row is gone or has a row of its own as it is now. */
  replace(row: number): void {
    this.table.setWord(row, DirectoryRows.FLAGS, this.flags(row) | FLAG.replaced);
  }

  counts(row: number): boolean {
    return (this.flags(row) & FLAG.replaced) === 0;
  }

  ownership(row: number): Ownership {
    return OWNERSHIPS[this.flags(row) & CHOICE] ?? 'foreign';
  }

  isEnabled(row: number): boolean {
    return (this.flags(row) & FLAG.enabled) !== 0;
  }

  isRemoved(row: number): boolean {
    return (this.flags(row) & FLAG.removed) !== 0;
  }

  waits(row: number): boolean {
    return (this.flags(row) & FLAG.waits) !== 0;
  }

  hasAnchor(row: number): boolean {
    return (this.flags(row) & FLAG.anchor) !== 0;
  }

  objectGuid(row: number): Guid {
    return this.table.guid(row, DirectoryRows.OBJECT_GUID);
  }

  anchor(row: number): Guid | null {
    return this.hasAnchor(row) ? this.table.guid(row, DirectoryRows.ANCHOR) : null;
  }

  private flags(row: number): number {
    return this.table.word(row, DirectoryRows.FLAGS);
  }
}

function setObject(table: RowTable, row: number, object: DirectoryRow): void {
  let flags = OWNERSHIPS.indexOf(object.ownership);
  if (object.enabled) flags |= FLAG.enabled;
  if (object.removed) flags |= FLAG.removed;
  if (object.waits) flags |= FLAG.waits;
  if (object.anchor !== null) flags |= FLAG.anchor;
  const isGuid = parseGuid(object.deviceId) !== null;
  table.setBits(row, DirectoryRows.OBJECT_GUID, object.objectGuid);
  table.setBits(row, DirectoryRows.ANCHOR, object.anchor ?? NO_BITS);
  table.setBits(row, DirectoryRows.DEVICE_ID, isGuid ? object.deviceId : shortDigest(object.deviceId));
  table.setBits(row, DirectoryRows.FINGERPRINT, object.fingerprint);
  table.setWord(row, DirectoryRows.FLAGS, flags);
}

/** The rows of the devices by object id. A device that comes again counts as it came last, and its rows before do not. */
export function indexByObjectId(source: SourceRows): RowIndex {
  const { table } = source;
  const index = new RowIndex(table, SourceRows.ID, undefined, () => true);
  for (let row = 0; index.hasShared && row < table.count; row += 1) {
    if (index.shares(row) && index.first(table, row, SourceRows.ID) !== row) source.replace(row);
  }
  return index;
}
