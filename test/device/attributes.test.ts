import { expect } from 'chai';
import {
  ATTRIBUTE_NAMES,
  ATTRIBUTES,
  canonical,
  MARK_ATTRIBUTE,
  sameValues,
  syntaxOf,
} from '../../src/device/attributes.ts';
import { vectorsOf } from './vectors.ts';

describe('attributes', () => {
  it('are exactly those that Entra Connect documents for device writeback and Graph can give', () => {
    expect([...ATTRIBUTE_NAMES]).to.have.members([
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
    ]);
  });

  it('never name what must not be written or cleared', () => {
    for (const name of [
      'msDS-KeyCredentialLink',
      'msDS-ApproximateLastLogonTimeStamp',
      'msDS-RegisteredUsers',
      'msDS-CloudIsManaged',
      'msDS-DeviceTrustType',
      'msDS-DeviceMDMStatus',
      'msDS-ComputerSID',
    ]) {
      expect(ATTRIBUTE_NAMES).to.not.include(name);
    }
  });

  it('are mandatory as the class msDS-Device says', () => {
    expect(ATTRIBUTE_NAMES.filter((name) => ATTRIBUTES[name].mandatory)).to.have.members([
      'altSecurityIdentities',
      'displayName',
      'msDS-DeviceID',
      'msDS-IsEnabled',
    ]);
  });

  it('are multi-valued as the schema says', () => {
    expect(ATTRIBUTE_NAMES.filter((name) => ATTRIBUTES[name].multiValued)).to.have.members([
      'altSecurityIdentities',
      'msDS-DevicePhysicalIDs',
    ]);
  });

  it('have the ranges of the schema, and a display name is never empty', () => {
    const ranges = ATTRIBUTE_NAMES.flatMap((name) =>
      ATTRIBUTES[name].range === null ? [] : [[name, ATTRIBUTES[name].range]],
    );
    expect(Object.fromEntries(ranges)).to.deep.equal({
      displayName: [1, 256],
      'msDS-DeviceID': [16, 16],
      'msDS-DeviceOSType': [0, 1024],
      'msDS-DeviceOSVersion': [0, 512],
      'msDS-DevicePhysicalIDs': [1, 1024],
    });
  });

  it('take physical ids within the range that was seen', () => {
    for (const { expected } of vectorsOf<unknown, { minLength: number; maxLength: number }>('physical-ids')) {
      expect(ATTRIBUTES['msDS-DevicePhysicalIDs'].range).to.deep.equal([expected.minLength, expected.maxLength]);
    }
  });

  it('stand in the order of the alphabet, ignoring case', () => {
    const sorted = ATTRIBUTE_NAMES.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    expect(ATTRIBUTE_NAMES).to.deep.equal(sorted);
  });

  it('have the syntax of the schema, the mark being text', () => {
    expect(syntaxOf(MARK_ATTRIBUTE)).to.equal('text');
    expect(syntaxOf('msDS-DeviceID')).to.equal('octet');
    expect(syntaxOf('msDS-CloudAnchor')).to.equal('octet');
    expect(syntaxOf('msDS-RegisteredOwner')).to.equal('octet');
    expect(syntaxOf('msDS-DeviceObjectVersion')).to.equal('integer');
    expect(syntaxOf('msDS-IsEnabled')).to.equal('boolean');
    expect(syntaxOf('msDS-DevicePhysicalIDs')).to.equal('text');
  });

  it('have canonical values: sorted by code unit, each once, whatever the order given', () => {
    expect(canonical(['b', 'B', 'ä', 'a', 'b'])).to.deep.equal(['B', 'a', 'b', 'ä']);
    expect(canonical(['ä', 'b', 'a', 'B'])).to.deep.equal(canonical(['B', 'a', 'b', 'ä']));
  });

  it('are equal only if every value is', () => {
    expect(sameValues(['a', 'b'], ['a', 'b'])).to.equal(true);
    expect(sameValues([], [])).to.equal(true);
    expect(sameValues(['a'], ['A'])).to.equal(false);
    expect(sameValues(['a'], ['a', 'b'])).to.equal(false);
    expect(sameValues(['a', 'b'], ['a'])).to.equal(false);
  });
});
