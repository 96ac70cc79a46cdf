import { RowIndex } from './rowIndex.ts';
import { DirectoryRows, SourceRows } from './rows.ts';
import { NONE } from './rowTable.ts';

/**
 * How one device, one object, or one of each stand to each other; numbers are rows. Every object and
 * every device in scope is in at least one case, an object in exactly one.
 *
 * | case                 | the directory has                                              | the source has              |
 * |----------------------|----------------------------------------------------------------|-----------------------------|
 * | pair                 | one object, joined by device id or anchor                      | one device                  |
 * | sourceOnly           | nothing, or only its name or its key on another object         | one device                  |
 * | directoryOnly        | one object                                                     | nothing                     |
 * | foreign              | an object of another tenant                                    | one device, or nothing      |
 * | duplicateInDirectory | objects that share device id, anchor or the device they join   | any                         |
 * | duplicateInSource    | one object, or nothing                                         | devices that share device id or object |
 */
export type Case =
  | { readonly kind: 'pair'; readonly device: number; readonly object: number }
  | { readonly kind: 'sourceOnly'; readonly device: number; readonly nameTaken: boolean; readonly keyInUse: boolean }
  | { readonly kind: 'directoryOnly'; readonly object: number }
  | { readonly kind: 'foreign'; readonly object: number; readonly device: number | null }
  | { readonly kind: 'duplicateInDirectory'; readonly object: number; readonly device: number | null }
  | { readonly kind: 'duplicateInSource'; readonly object: number | null; readonly device: number | null };

/**
 * Joins both sides by msDS-DeviceID and anchor. Never guesses: what leads to two is a duplicate, not a choice. Of several
 * devices that lead to one object the one with the least object id is named.
 * @param devicesById what `indexByObjectId` gives of the source
 */
export function* match(source: SourceRows, directory: DirectoryRows, devicesById: RowIndex): Generator<Case> {
  const links = new Links(source, directory, devicesById);
  const paired = new Uint8Array(source.table.count);
  for (let object = 0; object < directory.table.count; object += 1) {
    if (!directory.counts(object)) continue;
    const isForeign = directory.ownership(object) === 'foreign';
    const device = isForeign ? NONE : links.onlyDevice(object);
    if (device === NONE) {
      yield caseOfObject(object, isForeign, links);
    } else {
      paired[device] = 1;
      yield { kind: 'pair', device, object };
    }
  }
  let newcomers = 0;
  for (let device = 0; device < source.table.count; device += 1) {
    if (paired[device] === 1 || !source.isInScope(device)) continue;
    if (links.isDoubledDevice(device)) yield { kind: 'duplicateInSource', object: null, device };
    else if (!links.hasObject(device)) newcomers += 1;
  }
  if (newcomers > 0) yield* newcomersOf(source, directory, links);
}

function caseOfObject(object: number, isForeign: boolean, links: Links): Case {
  const first = links.firstDevice(object);
  const device = first === NONE ? null : first;
  if (isForeign) return { kind: 'foreign', object, device };
  if (links.isDoubledObject(object)) return { kind: 'duplicateInDirectory', object, device };
  if (device === null) return { kind: 'directoryOnly', object };
  return links.hasDoubledDevice(object)
    ? { kind: 'duplicateInSource', object, device: null }
    : { kind: 'pair', device, object };
}

/** The devices that have no object: whether one can be created under their name and with their keys. */
function* newcomersOf(source: SourceRows, directory: DirectoryRows, links: Links): Generator<Case> {
  const isNewcomer = (device: number): boolean =>
    source.isInScope(device) && !links.isDoubledDevice(device) && !links.hasObject(device);
  // Where a name is the object's own device id, the object has that device and the device is no newcomer.
  const names = directory.otherNames.index((object) => directory.counts(object));
  const objectKeys = directory.keys.index((object) => directory.counts(object));
  const deviceKeys = source.keys.index(isNewcomer);
  const isInUse = (key: number): boolean =>
    objectKeys.first(source.keys.table, key, 0) !== NONE ||
    deviceKeys.next(deviceKeys.first(source.keys.table, key, 0)) !== NONE;
  for (let device = 0; device < source.table.count; device += 1) {
    if (!isNewcomer(device)) continue;
    const nameTaken = source.hasDeviceId(device) && names.first(source.table, device, SourceRows.DEVICE_ID) !== NONE;
    yield { kind: 'sourceOnly', device, nameTaken, keyInUse: source.someKey(device, isInUse) };
  }
}

/** Which devices in scope lead to which objects: by device id, or by the anchor that names the device. */
class Links {
  private readonly source: SourceRows;
  private readonly directory: DirectoryRows;
  private readonly devicesById: RowIndex;
  private readonly devicesByDeviceId: RowIndex;
  private readonly objectsByDeviceId: RowIndex;
  private readonly objectsByAnchor: RowIndex;

  constructor(source: SourceRows, directory: DirectoryRows, devicesById: RowIndex) {
    this.source = source;
    this.directory = directory;
    this.devicesById = devicesById;
    this.devicesByDeviceId = new RowIndex(
      source.table,
      SourceRows.DEVICE_ID,
      (row) => source.isInScope(row) && source.hasDeviceId(row),
      (row, first) => source.table.compareBits(row, SourceRows.ID, first) < 0,
    );
    this.objectsByDeviceId = new RowIndex(directory.table, DirectoryRows.DEVICE_ID, (row) => directory.counts(row));
    this.objectsByAnchor = new RowIndex(
      directory.table,
      DirectoryRows.ANCHOR,
      (row) => directory.counts(row) && directory.hasAnchor(row),
    );
  }

  /**
   * The device that leads to this object by device id and by anchor, where neither shares an id with another: all that
   * there is to most pairs. NONE is no answer.
   */
  onlyDevice(object: number): number {
    if (this.objectsByDeviceId.shares(object) || this.objectsByAnchor.shares(object)) return NONE;
    const device = this.deviceOfDeviceId(object);
    if (device === NONE || this.devicesByDeviceId.shares(device)) return NONE;
    return device === this.deviceOfAnchor(object) ? device : NONE;
  }

  hasObject(device: number): boolean {
    return this.objectOfDeviceId(device) !== NONE || this.objectOfAnchor(device) !== NONE;
  }

  /** Of the devices that lead to the object the one with the least object id, or NONE. */
  firstDevice(object: number): number {
    const byDeviceId = this.deviceOfDeviceId(object);
    const byAnchor = this.deviceOfAnchor(object);
    if (byDeviceId === NONE || byAnchor === NONE) return Math.max(byDeviceId, byAnchor);
    return this.source.table.compareBits(byAnchor, SourceRows.ID, byDeviceId) < 0 ? byAnchor : byDeviceId;
  }

  /** Whether the object shares its device id, its anchor or a device that leads to it with another object. */
  isDoubledObject(object: number): boolean {
    const { table } = this.directory;
    if (this.objectsByDeviceId.isShared(table, object, DirectoryRows.DEVICE_ID)) return true;
    if (this.directory.hasAnchor(object) && this.objectsByAnchor.isShared(table, object, DirectoryRows.ANCHOR)) {
      return true;
    }
    return this.someDevice(object, (device) => this.leadsToTwo(device));
  }

  /** Whether a device that leads to the object is doubled. */
  hasDoubledDevice(object: number): boolean {
    return this.someDevice(object, (device) => this.isDoubledDevice(device));
  }

  /** Whether the device shares its device id or an object with another device. */
  isDoubledDevice(device: number): boolean {
    const { table } = this.source;
    if (this.source.hasDeviceId(device) && this.devicesByDeviceId.isShared(table, device, SourceRows.DEVICE_ID)) {
      return true;
    }
    return this.someObject(device, (object) => this.comesFromTwo(object));
  }

  private leadsToTwo(device: number): boolean {
    const byDeviceId = this.objectOfDeviceId(device);
    const byAnchor = this.objectOfAnchor(device);
    if (byDeviceId !== NONE && byAnchor !== NONE && byDeviceId !== byAnchor) return true;
    return this.objectsByDeviceId.next(byDeviceId) !== NONE || this.objectsByAnchor.next(byAnchor) !== NONE;
  }

  private comesFromTwo(object: number): boolean {
    const byDeviceId = this.deviceOfDeviceId(object);
    const byAnchor = this.deviceOfAnchor(object);
    if (byDeviceId !== NONE && byAnchor !== NONE && byDeviceId !== byAnchor) return true;
    return this.devicesByDeviceId.next(byDeviceId) !== NONE;
  }

  private someDevice(object: number, is: (device: number) => boolean): boolean {
    const byAnchor = this.deviceOfAnchor(object);
    if (byAnchor !== NONE && is(byAnchor)) return true;
    for (let device = this.deviceOfDeviceId(object); device !== NONE; device = this.devicesByDeviceId.next(device)) {
      if (is(device)) return true;
    }
    return false;
  }

  private someObject(device: number, is: (object: number) => boolean): boolean {
    for (let one = this.objectOfDeviceId(device); one !== NONE; one = this.objectsByDeviceId.next(one)) {
      if (is(one)) return true;
    }
    for (let one = this.objectOfAnchor(device); one !== NONE; one = this.objectsByAnchor.next(one)) {
      if (is(one)) return true;
    }
    return false;
  }

  /** The first of the objects with the device's device id. */
  private objectOfDeviceId(device: number): number {
    if (!this.source.hasDeviceId(device)) return NONE;
    return this.objectsByDeviceId.first(this.source.table, device, SourceRows.DEVICE_ID);
  }

  /** The first of the objects whose anchor names the device. */
  private objectOfAnchor(device: number): number {
    return this.objectsByAnchor.first(this.source.table, device, SourceRows.ID);
  }

  /** The first of the devices with the object's device id. */
  private deviceOfDeviceId(object: number): number {
    return this.devicesByDeviceId.first(this.directory.table, object, DirectoryRows.DEVICE_ID);
  }

  /** The device in scope that the object's anchor names. */
  private deviceOfAnchor(object: number): number {
    if (!this.directory.hasAnchor(object)) return NONE;
    const device = this.devicesById.first(this.directory.table, object, DirectoryRows.ANCHOR);
    return device !== NONE && this.source.isInScope(device) ? device : NONE;
  }
}
