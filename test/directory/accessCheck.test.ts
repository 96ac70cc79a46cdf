import { expect } from 'chai';
import { sidToHex } from '../../src/device/sid.ts';
import { allows, missingEntries } from '../../src/directory/accessCheck.ts';
import {
  ACE_FLAG,
  ACE_TYPE,
  DEVICE_CLASS_GUID,
  entryText,
  rightsMask,
  writerEntries,
  type AccessControlEntry,
} from '../../src/directory/securityDescriptor.ts';

const WRITER = 'S-1-5-21-1-2-3-1104';
const GROUP = 'S-1-5-21-1-2-3-1200';
const OTHER_CLASS = 'bf967a86-0de6-11d0-a285-00aa003049e2';
const SIDS = new Set([WRITER, GROUP]);

function entry(rights: string, changes: Partial<AccessControlEntry> = {}): AccessControlEntry {
  return {
    octets: Buffer.from(sidToHex(WRITER), 'hex'),
    type: ACE_TYPE.allow,
    flags: 0,
    mask: rightsMask(rights),
    objectType: null,
    inheritedObjectType: null,
    sid: WRITER,
    ...changes,
  };
}

const inherits = ACE_FLAG.containerInherit | ACE_FLAG.inheritOnly;
const CREATE_DELETE = rightsMask('CCDC');
const WRITE = rightsMask('WP');

describe('accessCheck', () => {
  it('allows what one or several entries together give to the account or its groups', () => {
    expect(allows([entry('CCDC')], SIDS, CREATE_DELETE, 'container')).to.equal(true);
    expect(allows([entry('CC'), entry('DC', { sid: GROUP })], SIDS, CREATE_DELETE, 'container')).to.equal(true);
    expect(allows([entry('CC')], SIDS, CREATE_DELETE, 'container')).to.equal(false);
    expect(allows([entry('CCDC', { sid: 'S-1-5-11' })], SIDS, CREATE_DELETE, 'container')).to.equal(false);
    expect(allows([], SIDS, WRITE, 'device')).to.equal(false);
  });

  it('lets the first entry that speaks of a right decide', () => {
    const deny = entry('DC', { type: ACE_TYPE.deny, sid: GROUP });
    expect(allows([deny, entry('CCDC')], SIDS, CREATE_DELETE, 'container')).to.equal(false);
    expect(allows([entry('CCDC'), deny], SIDS, CREATE_DELETE, 'container')).to.equal(true);
    expect(allows([deny, entry('CCDC')], SIDS, rightsMask('CC'), 'container')).to.equal(true);
    const objectDeny = entry('DC', { type: ACE_TYPE.objectDeny, objectType: DEVICE_CLASS_GUID });
    expect(allows([objectDeny, entry('CCDC')], SIDS, CREATE_DELETE, 'container')).to.equal(false);
  });

  it('tells rights on the container from those that device objects inherit', () => {
    const [onContainer, onDevices] = writerEntries(WRITER);
    expect(allows([onContainer as AccessControlEntry], SIDS, CREATE_DELETE, 'container')).to.equal(true);
    expect(allows([onContainer as AccessControlEntry], SIDS, CREATE_DELETE, 'device')).to.equal(false);
    expect(allows([onDevices as AccessControlEntry], SIDS, WRITE, 'device')).to.equal(true);
    expect(allows([onDevices as AccessControlEntry], SIDS, WRITE, 'container')).to.equal(false);
  });

  it('counts no entry for another class or for one property alone', () => {
    expect(allows([entry('CCDC', { objectType: OTHER_CLASS })], SIDS, CREATE_DELETE, 'container')).to.equal(false);
    const otherChild = entry('WP', { flags: inherits, inheritedObjectType: OTHER_CLASS });
    expect(allows([otherChild], SIDS, WRITE, 'device')).to.equal(false);
    const oneProperty = entry('WP', { flags: inherits, objectType: OTHER_CLASS });
    expect(allows([oneProperty], SIDS, WRITE, 'device')).to.equal(false);
  });

  it('knows what the generic rights stand for', () => {
    const all = entry('GA', { flags: ACE_FLAG.containerInherit });
    expect(allows([all], SIDS, CREATE_DELETE, 'container')).to.equal(true);
    expect(allows([all], SIDS, WRITE, 'device')).to.equal(true);
    const write = entry('GW', { flags: ACE_FLAG.containerInherit });
    expect(allows([write], SIDS, WRITE, 'device')).to.equal(true);
    expect(allows([write], SIDS, CREATE_DELETE, 'container')).to.equal(false);
  });

  it('passes by entries that it cannot read', () => {
    const unknown = entry('CCDC', { type: 9, mask: null, sid: null });
    expect(allows([unknown, entry('CCDC')], SIDS, CREATE_DELETE, 'container')).to.equal(true);
    expect(allows([unknown], SIDS, CREATE_DELETE, 'container')).to.equal(false);
  });

  it('misses both least rights in an empty list and none once they are there', () => {
    expect(missingEntries([], WRITER).map(entryText)).to.deep.equal(writerEntries(WRITER).map(entryText));
    expect(missingEntries(writerEntries(WRITER), WRITER)).to.deep.equal([]);
  });

  it('misses nothing where the account has more than the least rights', () => {
    expect(missingEntries([entry('GA', { flags: ACE_FLAG.containerInherit })], WRITER)).to.deep.equal([]);
  });

  it('misses what only a group has, or what is given in part', () => {
    const ofGroup = entry('GA', { flags: ACE_FLAG.containerInherit, sid: GROUP });
    expect(missingEntries([ofGroup], WRITER)).to.have.lengthOf(2);
    const [onContainer, onDevices] = writerEntries(WRITER);
    expect(missingEntries([entry('CC'), onDevices as AccessControlEntry], WRITER)).to.deep.equal([onContainer]);
  });

  it('does not ask for an entry again that a denial makes useless', () => {
    const deny = entry('CCDCWP', { type: ACE_TYPE.deny, flags: ACE_FLAG.containerInherit });
    expect(missingEntries([deny, ...writerEntries(WRITER)], WRITER)).to.deep.equal([]);
  });
});
