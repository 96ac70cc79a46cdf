import { expect } from 'chai';
import { attributeFlow } from '../../src/device/attributeFlow.ts';
import type { AttributeName, AttributeValues } from '../../src/device/attributes.ts';
import { fingerprintsOver } from '../../src/plan/fingerprint.ts';
import { ALL, deviceObject, entraDevice } from './samples.ts';

describe('a fingerprint', () => {
  const { current, desired } = fingerprintsOver(ALL);
  const desiredOf = (values: Parameters<typeof entraDevice>[1]): string | null =>
    desired(attributeFlow(entraDevice(1, values), ALL));

  it('is the same for a device and the object that was written from it', () => {
    expect(desired(attributeFlow(entraDevice(1), ALL))).to.equal(current(deviceObject(1).attributes));
  });

  it('is another when any value is another, was added or is missing', () => {
    const { attributes } = deviceObject(1);
    const others = Object.keys(attributes).flatMap((name): AttributeValues[] => [
      { ...attributes, [name]: [] },
      { ...attributes, [name]: ['another'] },
      { ...attributes, [name]: [...(attributes[name as AttributeName] ?? []), 'another'] },
    ]);
    const all = [attributes, ...others].map(current);
    expect(new Set(all).size).to.equal(all.length);
  });

  it('tells values apart that only look alike when joined', () => {
    const lists: AttributeValues[] = [
      { 'msDS-DevicePhysicalIDs': ['a', 'b'] },
      { 'msDS-DevicePhysicalIDs': ['a,b'] },
      { 'msDS-DevicePhysicalIDs': ['a","b'] },
      { displayName: ['a'], 'msDS-DeviceOSType': ['b'] },
      { displayName: ['a', 'b'] },
      { 'msDS-DeviceOSType': ['a'], 'msDS-DeviceOSVersion': ['b'] },
    ];
    expect(new Set(lists.map(current)).size).to.equal(lists.length);
  });

  it('does not see attributes that the schema lacks', () => {
    const some = fingerprintsOver(new Set<AttributeName>(['displayName']));
    const { attributes } = deviceObject(1);
    expect(some.current({ ...attributes, 'msDS-IsManaged': [] })).to.equal(some.current(attributes));
  });

  it('is none for a device of which a value is left or is for a new object only', () => {
    expect(desiredOf({ accountEnabled: null })).to.equal(null);
    expect(desiredOf({ displayName: undefined })).to.equal(null);
    expect(desiredOf({ alternativeSecurityIds: [] })).to.equal(null);
    expect(desiredOf({ deviceId: null })).to.equal(null);
    expect(desiredOf({ isManaged: null })).to.be.a('string');
  });
});
