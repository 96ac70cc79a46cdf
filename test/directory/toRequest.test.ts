import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import { toRequest, type Request } from '../../src/directory/toRequest.ts';
import type { Change } from '../../src/plan/change.ts';
import { changeOf, creation, deletion, deviceId, MARK, sampleValues } from './sample.ts';

const CONTAINER = 'CN=RegisteredDevices,DC=corp,DC=contoso,DC=test';
const REMOVED = `${MARK} removed 2026-11-22T14:23:12Z`;

const object: DeviceObject = {
  objectGuid: '11111111-2222-3333-4444-555555555555',
  distinguishedName: `CN=${deviceId(1)},${CONTAINER}`,
  name: deviceId(1),
  attributes: sampleValues(1),
  adminDescription: [MARK],
  hasTransportKey: false,
  whenCreated: new Date(0),
};

/** The modifications as lines, values as text. */
function lines(change: Change): readonly string[] {
  const request = toRequest(change);
  if (request.operation !== 'modify') throw new Error(`a modify was expected, not ${request.operation}`);
  return request.modifications.map(({ operation, name, values }) =>
    [operation, name, ...values.map((value) => value.toString())].join(' '),
  );
}

function attributesOf(request: Request): Readonly<Record<string, readonly string[]>> {
  if (request.operation !== 'add') throw new Error(`an add was expected, not ${request.operation}`);
  return Object.fromEntries(
    request.attributes.map(({ name, values }) => [name, values.map((value) => value.toString())]),
  );
}

describe('toRequest', () => {
  it('creates with one add of the class, the mark and every attribute that has a value', () => {
    const request = toRequest(creation(1, CONTAINER, { displayName: ['Büro 😀'], 'msDS-RegisteredOwner': [] }));
    expect(request.name).to.equal(`CN=${deviceId(1)},${CONTAINER}`);
    const attributes = attributesOf(request);
    expect(attributes).to.include.keys('objectClass', 'adminDescription', 'altSecurityIdentities', 'msDS-IsEnabled');
    expect(attributes).to.not.have.property('msDS-RegisteredOwner');
    expect(attributes['objectClass']).to.deep.equal(['msDS-Device']);
    expect(attributes['displayName']).to.deep.equal(['Büro 😀']);
  });

  it('writes octet attributes as their octets', () => {
    const request = toRequest(creation(1, CONTAINER));
    const id = request.operation === 'add' && request.attributes.find(({ name }) => name === 'msDS-DeviceID');
    expect(id && id.values.map((value) => value.toString('hex'))).to.deep.equal([
      sampleValues(1)['msDS-DeviceID']?.[0],
    ]);
  });

  it('modifies the object by its GUID, whatever its name is by then', () => {
    for (const action of ['update', 'disable', 'enable'] as const) {
      const request = toRequest(changeOf(object, { 'msDS-IsEnabled': ['FALSE'] }, action));
      expect(request).to.include({ operation: 'modify', name: `<GUID=${object.objectGuid}>` });
    }
  });

  it('names the mark as deleted and added again when the change leaves it', () => {
    expect(lines(changeOf(object, { displayName: ['New'] }))).to.deep.equal([
      `delete adminDescription ${MARK}`,
      `add adminDescription ${MARK}`,
      'delete displayName Device 1',
      'add displayName New',
    ]);
  });

  it('names the mark once when the change replaces it', () => {
    const change = changeOf(object, { 'msDS-IsEnabled': ['FALSE'], adminDescription: [REMOVED] }, 'disable');
    expect(lines(change)).to.deep.equal([
      `delete adminDescription ${MARK}`,
      `add adminDescription ${REMOVED}`,
      'delete msDS-IsEnabled TRUE',
      'add msDS-IsEnabled FALSE',
    ]);
  });

  it('names the mark also when it stands unchanged among the attributes', () => {
    const change = changeOf(object, { displayName: ['New'], adminDescription: [MARK] });
    expect(lines(change).slice(0, 2)).to.deep.equal([
      `delete adminDescription ${MARK}`,
      `add adminDescription ${MARK}`,
    ]);
    expect(lines(change)).to.have.lengthOf(4);
  });

  it('adds a mark where there is none, so that one set meanwhile fails the operation', () => {
    const unowned = { ...object, adminDescription: [] };
    expect(lines(changeOf(unowned, { adminDescription: [MARK] }))).to.deep.equal([`add adminDescription ${MARK}`]);
  });

  it('names only the values of a set that go and come', () => {
    const change = changeOf(object, { 'msDS-DevicePhysicalIDs': ['[GID]:g:1', '[ZTDID]:z'] });
    expect(lines(change).slice(2)).to.deep.equal([
      'delete msDS-DevicePhysicalIDs [HWID]:h:1',
      'add msDS-DevicePhysicalIDs [ZTDID]:z',
    ]);
  });

  it('clears and fills an attribute with one modification each', () => {
    expect(lines(changeOf(object, { 'msDS-IsManaged': [] })).slice(2)).to.deep.equal(['delete msDS-IsManaged FALSE']);
    expect(lines(changeOf(object, { 'msDS-IsCompliant': ['TRUE'] })).slice(2)).to.deep.equal([
      'add msDS-IsCompliant TRUE',
    ]);
  });

  it('deletes before it adds, and never replaces', () => {
    const change = changeOf(object, { displayName: ['B'], 'msDS-DeviceOSType': ['C'], 'msDS-IsManaged': ['TRUE'] });
    const request = toRequest(change);
    const operations = request.operation === 'modify' ? request.modifications.map(({ operation }) => operation) : [];
    expect(operations).to.deep.equal(['delete', 'add', 'delete', 'add', 'delete', 'add', 'delete', 'add']);
  });

  it('deletes by GUID', () => {
    expect(toRequest(deletion(object))).to.deep.equal({ operation: 'delete', name: `<GUID=${object.objectGuid}>` });
  });

  it('refuses a change that names neither its object nor a mark', () => {
    const change = changeOf(object, { displayName: ['New'] });
    expect(() => toRequest({ ...change, objectGuid: null }))
      .to.throw(/does not name its object/)
      .with.property('code', 'EngineFault');
    expect(() => toRequest({ ...change, mark: null }))
      .to.throw(/does not name the mark/)
      .with.property('code', 'EngineFault');
  });

  it('deletes by name where the change was made before the object had a GUID', () => {
    expect(toRequest({ ...deletion(object), objectGuid: null })).to.deep.equal({
      operation: 'delete',
      name: object.distinguishedName,
    });
  });
});
