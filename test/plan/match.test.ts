import { expect } from 'chai';
import { match as matchRows, type Case } from '../../src/plan/match.ts';
import { DirectoryRows, indexByObjectId, SourceRows, type DirectoryRow, type SourceRow } from '../../src/plan/rows.ts';
import { deviceId, key, objectGuid, objectId } from './samples.ts';

interface Device extends SourceRow {
  readonly keys: readonly string[];
}

const source = (number: number, row: Partial<Device> = {}): Device => ({
  id: objectId(number),
  deviceId: deviceId(number),
  keys: [key(number)],
  scope: 'in',
  fingerprint: null,
  ...row,
});

const object = (number: number, row: Partial<DirectoryRow> = {}): DirectoryRow => ({
  objectGuid: objectGuid(number),
  deviceId: deviceId(number),
  anchor: objectId(number),
  ownership: 'owned',
  name: deviceId(number),
  keys: [key(number)],
  enabled: true,
  removed: false,
  waits: false,
  fingerprint: '0'.repeat(32),
  ...row,
});

function match(devices: readonly Device[], objects: readonly DirectoryRow[]): readonly Case[] {
  const [sourceRows, directoryRows] = [new SourceRows(), new DirectoryRows()];
  devices.forEach((row) => sourceRows.setKeys(sourceRows.add(row), row.keys));
  objects.forEach((row) => directoryRows.add(row));
  return [...matchRows(sourceRows, directoryRows, indexByObjectId(sourceRows))];
}

const kinds = (cases: readonly Case[]): string[] => cases.map((one) => one.kind).toSorted();

describe('match', () => {
  it('finds nothing on two empty sides', () => {
    expect(match([], [])).to.deep.equal([]);
  });

  it('joins by device id and anchor alike, and gives positions', () => {
    expect(match([source(1), source(2)], [object(2), object(1)])).to.deep.equal([
      { kind: 'pair', device: 1, object: 0 },
      { kind: 'pair', device: 0, object: 1 },
    ]);
  });

  it('joins by device id alone where the anchor is missing or another', () => {
    for (const anchor of [null, objectId(9)]) {
      expect(match([source(1)], [object(1, { anchor })])).to.deep.equal([{ kind: 'pair', device: 0, object: 0 }]);
    }
  });

  it('joins by anchor alone where the device id is another or missing in Entra', () => {
    for (const id of [null, deviceId(9)]) {
      expect(match([source(1, { deviceId: id })], [object(1)])).to.deep.equal([{ kind: 'pair', device: 0, object: 0 }]);
    }
  });

  it('never joins by name or by key', () => {
    const cases = match([source(1)], [object(2, { name: deviceId(1), keys: [key(1)] })]);
    expect(cases).to.deep.equal([
      { kind: 'directoryOnly', object: 0 },
      { kind: 'sourceOnly', device: 0, nameTaken: true, keyInUse: true },
    ]);
  });

  it('does not confuse a device id with an object id of the same text', () => {
    const same = objectId(1);
    expect(kinds(match([source(1)], [object(2, { deviceId: same, anchor: null })]))).to.deep.equal([
      'directoryOnly',
      'sourceOnly',
    ]);
  });

  it('does not join two devices or two objects that lack an id', () => {
    const devices = [source(1, { deviceId: null }), source(2, { deviceId: null })];
    const objects = [object(3, { anchor: null }), object(4, { anchor: null })];
    expect(kinds(match(devices, objects))).to.deep.equal([
      'directoryOnly',
      'directoryOnly',
      'sourceOnly',
      'sourceOnly',
    ]);
  });

  it('says keyInUse of new devices only, not of a pair that shares a key with another object', () => {
    const cases = match([source(1)], [object(1), object(2, { keys: [key(1)] })]);
    expect(cases).to.deep.include({ kind: 'pair', device: 0, object: 0 });
  });

  it('takes two objects of one device id, two of one anchor, and two that a device joins for duplicates', () => {
    const doubled: readonly (readonly DirectoryRow[])[] = [
      [object(1), object(2, { deviceId: deviceId(1) })],
      [object(1), object(2, { anchor: objectId(1) })],
      [object(1, { anchor: null }), object(2, { anchor: objectId(1) })],
    ];
    for (const objects of doubled) {
      expect(kinds(match([source(1)], objects))).to.deep.equal(['duplicateInDirectory', 'duplicateInDirectory']);
    }
  });

  it('takes the objects for duplicates without a device too', () => {
    expect(kinds(match([], [object(1), object(2, { deviceId: deviceId(1) })]))).to.deep.equal([
      'duplicateInDirectory',
      'duplicateInDirectory',
    ]);
  });

  it('takes two devices of one device id, and two that lead to one object, for duplicates', () => {
    expect(kinds(match([source(1), source(2, { deviceId: deviceId(1) })], []))).to.deep.equal([
      'duplicateInSource',
      'duplicateInSource',
    ]);
    const led = match([source(1), source(2)], [object(1, { anchor: objectId(2) })]);
    expect(kinds(led)).to.deep.equal(['duplicateInSource', 'duplicateInSource', 'duplicateInSource']);
  });

  it('counts a device that comes again as it came last', () => {
    expect(match([source(1, { deviceId: deviceId(2) }), source(1)], [object(2, { anchor: null })])).to.deep.equal([
      { kind: 'directoryOnly', object: 0 },
      { kind: 'sourceOnly', device: 1, nameTaken: false, keyInUse: false },
    ]);
  });

  it('matches no device that is out of scope or of which that is not known', () => {
    for (const scope of ['out', 'unread'] as const) {
      expect(match([source(1, { scope })], [object(1)])).to.deep.equal([{ kind: 'directoryOnly', object: 0 }]);
    }
  });

  it('keeps a foreign object foreign, whatever else it is', () => {
    const foreign = object(1, { ownership: 'foreign' });
    expect(kinds(match([], [foreign]))).to.deep.equal(['foreign']);
    expect(match([source(1)], [foreign])).to.deep.equal([{ kind: 'foreign', object: 0, device: 0 }]);
    expect(kinds(match([source(1)], [foreign, object(2, { deviceId: deviceId(1) })]))).to.deep.equal([
      'duplicateInDirectory',
      'foreign',
    ]);
  });
});
