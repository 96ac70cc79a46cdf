import { keysOf } from '../device/altSecurityIdentities.ts';
import { readAnchor } from '../device/anchor.ts';
import { attributeFlow } from '../device/attributeFlow.ts';
import type { AttributeName } from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { showsSecondWriter } from './census.ts';
import type { Census } from './change.ts';
import { deviceIdOf, isEnabled, markOf, ownershipOfMark } from './decide.ts';
import { fingerprintsOver, type Fingerprints } from './fingerprint.ts';
import { match, type Case } from './match.ts';
import { deletesAtOnce, retentionOver, type Policy } from './policy.ts';
import { RowIndex } from './rowIndex.ts';
import { DirectoryRows, indexByObjectId, SourceRows, type DirectoryRow } from './rows.ts';
import { NONE } from './rowTable.ts';
import type { ScopeAnswer } from './scope.ts';

export interface MatcherFacts {
  readonly tenantId: Guid;
  /** Attributes of the flow that the directory's schema has. */
  readonly available: ReadonlySet<AttributeName>;
  /** The domain controller's clock. */
  readonly directoryTime: Date;
  readonly policy: Policy;
}

/**
 * Both sides of a plan as rows of fixed size, without their values: what a million devices need of memory does not depend
 * on how long their values are. First every object and every device is added, then they are matched.
 */
export class Matcher {
  readonly source = new SourceRows();
  readonly directory = new DirectoryRows();
  /** Whether an object that was added shows that another program writes here. */
  secondWriter = false;
  private readonly facts: MatcherFacts;
  private readonly fingerprints: Fingerprints;
  private objectIds: { readonly index: RowIndex; readonly rows: number } | null = null;
  private deviceIds: { readonly index: RowIndex; readonly rows: number } | null = null;

  constructor(facts: MatcherFacts) {
    this.facts = facts;
    this.fingerprints = fingerprintsOver(facts.available);
  }

  /**
   * A device that was added before counts as it is now.
   * @param keep puts values by and gives the offset at which they wait. Of a device out of scope none are kept; of one
   * that equals an object added before only those that a duplicate is held or disabled by: nothing else can come of it.
   */
  addDevice(device: EntraDevice, scope: ScopeAnswer, keep: (values: EntraDevice) => number): void {
    const { source } = this;
    if (scope !== 'in') {
      const unread = source.add({ id: device.id, scope, deviceId: null, fingerprint: null });
      if (scope === 'unread') source.setOffset(unread, keep(device), true);
      return;
    }
    const flow = attributeFlow(device, this.facts.available);
    const row = source.add({
      id: device.id,
      scope,
      deviceId: device.deviceId ?? null,
      fingerprint: this.fingerprints.desired(flow),
    });
    const object = this.objectsByDeviceId().first(source.table, row, SourceRows.DEVICE_ID);
    const equal = object !== NONE && this.isEqual(row, object);
    source.setOffset(row, keep(equal ? identityOf(device) : device), !equal);
    // Whether a key is in use is asked of devices without an object only.
    const flowed = flow.altSecurityIdentities;
    const keys = flowed?.kind === 'values' ? flowed.values : keysOf(device.alternativeSecurityIds ?? []);
    source.setKeys(row, equal ? [] : keys);
  }

  addObject(object: DeviceObject): void {
    this.secondWriter ||= showsSecondWriter(object, this.facts.tenantId, this.facts.directoryTime);
    this.directory.add(this.rowOf(object));
  }

  /** Whether the object is as its row says; null: it is gone. */
  isAsRead(row: number, object: DeviceObject | null): boolean {
    return object !== null && this.directory.isAt(row, this.rowOf(object));
  }

  /** Takes the object of a row as it is now; null: it is gone. */
  refresh(row: number, object: DeviceObject | null): void {
    this.directory.replace(row);
    if (object !== null) this.addObject(object);
  }

  match(): Generator<Case> {
    this.deviceIds = null;
    return match(this.source, this.directory, this.devicesById());
  }

  /** The row of the Entra device with this object id, or null. */
  deviceOf(objectId: Guid): number | null {
    const row = this.devicesById().find(objectId);
    return row === NONE ? null : row;
  }

  /**
   * What a case comes to without a look at the values: null where it needs one. unchanged: the object equals its device.
   * nothing: the case changes nothing and holds nothing.
   */
  settled(situation: Case): 'unchanged' | 'nothing' | null {
    const { directory } = this;
    switch (situation.kind) {
      case 'pair':
        return this.isEqual(situation.device, situation.object) ? 'unchanged' : null;
      case 'directoryOnly':
        return directory.ownership(situation.object) !== 'owned' || directory.waits(situation.object)
          ? 'nothing'
          : null;
      case 'foreign':
        return situation.device === null ? 'nothing' : null;
      case 'sourceOnly':
      case 'duplicateInDirectory':
      case 'duplicateInSource':
        return null;
    }
  }

  /**
   * The anchors whose Entra devices must be asked for by id before a full plan can say that they are gone: those of owned
   * objects of which nothing is known and that a removal could touch.
   */
  absencesToProve(): readonly Guid[] {
    const { directory } = this;
    const devices = this.devicesById();
    const anchors = new Set<Guid>();
    for (let row = 0; row < directory.table.count; row += 1) {
      if (!directory.counts(row) || directory.ownership(row) !== 'owned' || directory.waits(row)) continue;
      if (!directory.hasAnchor(row) || devices.first(directory.table, row, DirectoryRows.ANCHOR) !== NONE) continue;
      anchors.add(directory.anchor(row) ?? '');
    }
    return [...anchors].toSorted();
  }

  /** objectGUID of every object that one of the devices leads to. */
  objectsOf(devices: readonly EntraDevice[]): readonly Guid[] {
    if (devices.length === 0) return [];
    const { table } = this.directory;
    const counts = (row: number): boolean => this.directory.counts(row);
    const byDeviceId = new RowIndex(table, DirectoryRows.DEVICE_ID, counts);
    const byAnchor = new RowIndex(table, DirectoryRows.ANCHOR, (row) => counts(row) && this.directory.hasAnchor(row));
    const rows = new Set<number>();
    for (const { id, deviceId } of devices) {
      const first = typeof deviceId === 'string' ? byDeviceId.find(deviceId) : NONE;
      for (let row = first; row !== NONE; row = byDeviceId.next(row)) rows.add(row);
      for (let row = byAnchor.find(id); row !== NONE; row = byAnchor.next(row)) rows.add(row);
    }
    return [...rows].map((row) => this.directory.objectGuid(row));
  }

  /** Counts the objects. */
  census(): Census {
    const { directory } = this;
    const counts = { objects: 0, owned: 0, unowned: 0, foreign: 0, ownedEnabled: 0 };
    for (let row = 0; row < directory.table.count; row += 1) {
      if (!directory.counts(row)) continue;
      const ownership = directory.ownership(row);
      counts.objects += 1;
      counts[ownership] += 1;
      if (ownership === 'owned' && directory.isEnabled(row)) counts.ownedEnabled += 1;
    }
    return counts;
  }

  /** Counts the devices: all, and those in scope. */
  devices(): { readonly all: number; readonly inScope: number } {
    this.devicesById();
    let [all, inScope] = [0, 0];
    for (let row = 0; row < this.source.table.count; row += 1) {
      if (this.source.counts(row)) all += 1;
      if (this.source.isInScope(row)) inScope += 1;
    }
    return { all, inScope };
  }

  private devicesById(): RowIndex {
    const rows = this.source.table.count;
    if (this.objectIds?.rows !== rows) this.objectIds = { index: indexByObjectId(this.source), rows };
    return this.objectIds.index;
  }

  private objectsByDeviceId(): RowIndex {
    const { table } = this.directory;
    const rows = table.count;
    if (this.deviceIds?.rows !== rows) this.deviceIds = { index: new RowIndex(table, DirectoryRows.DEVICE_ID), rows };
    return this.deviceIds.index;
  }

  /** Whether the object is owned and has all the values that the device asks for, and no other. */
  private isEqual(device: number, object: number): boolean {
    const { source, directory } = this;
    return (
      directory.counts(object) &&
      directory.ownership(object) === 'owned' &&
      !directory.isRemoved(object) &&
      source.hasFingerprintOf(device, directory, object)
    );
  }

  private rowOf(object: DeviceObject): DirectoryRow {
    const { tenantId, directoryTime, policy } = this.facts;
    const mark = markOf(object);
    const removed = mark?.removed ?? null;
    const enabled = isEnabled(object);
    const due = deletesAtOnce(policy) || (removed !== null && retentionOver(removed, directoryTime, policy));
    return {
      objectGuid: object.objectGuid,
      deviceId: deviceIdOf(object),
      anchor: readAnchor(object.attributes['msDS-CloudAnchor']),
      ownership: ownershipOfMark(mark, tenantId),
      name: object.name,
      keys: object.attributes.altSecurityIdentities ?? [],
      enabled,
      removed: removed !== null,
      waits: removed !== null && !enabled && !due,
      fingerprint: this.fingerprints.current(object.attributes),
    };
  }
}

/** What a duplicate is held or disabled by; the rest counts as not read. */
function identityOf({ id, deviceId, displayName, accountEnabled }: EntraDevice): EntraDevice {
  return {
    id,
    deviceId,
    displayName,
    accountEnabled,
    alternativeSecurityIds: undefined,
    deviceVersion: undefined,
    operatingSystem: undefined,
    operatingSystemVersion: undefined,
    physicalIds: undefined,
    isManaged: undefined,
    isCompliant: undefined,
    trustType: undefined,
    ownerSid: undefined,
  };
}
