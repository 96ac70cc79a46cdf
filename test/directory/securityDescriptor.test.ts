import { expect } from 'chai';
import {
  daclText,
  entryText,
  parseSecurityDescriptor,
  rightsMask,
  rightsText,
  withEntries,
  writerEntries,
  type SecurityDescriptor,
} from '../../src/directory/securityDescriptor.ts';
import { sidToHex } from '../../src/device/sid.ts';
import { lower, vectorsOf } from '../device/vectors.ts';

interface DescriptorExpected {
  readonly selfRelativeHex: string;
  readonly controlWord: number;
  readonly aces: readonly {
    readonly sddl: string;
    readonly hex: string;
    readonly type: number;
    readonly flags: number;
    readonly mask: number;
  }[];
}

const descriptors = vectorsOf<{ sddl: string; sid: string }, DescriptorExpected>('security-descriptor');
const masks = vectorsOf<{ sddlRights: string[] }, { masks: number[]; hex: string[] }>('access-mask');

const SYSTEM = 'S-1-5-18';
const WRITER = 'S-1-5-21-1-2-3-1104';
const DENIED = 'S-1-5-21-1-2-3-1105';

function read(octets: Buffer): SecurityDescriptor {
  const descriptor = parseSecurityDescriptor(octets);
  if (descriptor === null) throw new Error(`no security descriptor: ${octets.toString('hex')}`);
  return descriptor;
}

/** A self-relative descriptor of these sections, in the order SACL, DACL, owner, group as some systems write it. */
function descriptorOf(
  control: number,
  sections: { sacl?: Buffer; dacl?: Buffer; owner?: Buffer; group?: Buffer },
): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(1, 0);
  header.writeUInt16LE(control, 2);
  const parts: Buffer[] = [header];
  let offset = header.length;
  const fields = [
    [12, sections.sacl],
    [16, sections.dacl],
    [4, sections.owner],
    [8, sections.group],
  ] as const;
  for (const [field, section] of fields) {
    if (section === undefined) continue;
    header.writeUInt32LE(offset, field);
    parts.push(section);
    offset += section.length;
  }
  return Buffer.concat(parts);
}

function aclOf(revision: number, ...entries: readonly Buffer[]): Buffer {
  const body = Buffer.concat(entries);
  const header = Buffer.alloc(8);
  header.writeUInt8(revision, 0);
  header.writeUInt16LE(8 + body.length, 2);
  header.writeUInt16LE(entries.length, 4);
  return Buffer.concat([header, body]);
}

function entryOf(type: number, flags: number, mask: number, sid: string): Buffer {
  const body = Buffer.from(sidToHex(sid), 'hex');
  const head = Buffer.alloc(8);
  head.writeUInt8(type, 0);
  head.writeUInt8(flags, 1);
  head.writeUInt16LE(8 + body.length, 2);
  head.writeUInt32LE(mask >>> 0, 4);
  return Buffer.concat([head, body]);
}

const sid = (text: string): Buffer => Buffer.from(sidToHex(text), 'hex');

describe('securityDescriptor', () => {
  for (const { name, input, expected } of descriptors) {
    it(`makes and reads ${name} octet for octet`, () => {
      expect(writerEntries(input.sid).map((entry) => entry.octets.toString('hex'))).to.deep.equal(
        expected.aces.map(({ hex }) => lower(hex)),
      );
      const empty = read(descriptorOf(expected.controlWord, { dacl: aclOf(4) }));
      expect(withEntries(empty, writerEntries(input.sid)).toString('hex')).to.equal(lower(expected.selfRelativeHex));
      const descriptor = read(Buffer.from(expected.selfRelativeHex, 'hex'));
      expect(descriptor.control).to.equal(expected.controlWord);
      expect(daclText(descriptor)).to.equal(input.sddl);
      for (const [index, ace] of expected.aces.entries()) {
        const entry = descriptor.dacl?.[index];
        expect(entry).to.include({ type: ace.type, flags: ace.flags, mask: ace.mask, sid: input.sid });
        expect(entry && entryText(entry)).to.equal(ace.sddl);
      }
    });
  }

  for (const { name, input, expected } of masks) {
    it(`knows the rights of ${name}`, () => {
      expect(input.sddlRights.map(rightsMask)).to.deep.equal(expected.masks);
      for (const mask of expected.masks) expect(rightsMask(rightsText(mask))).to.equal(mask);
    });
  }

  it('shows a mask with a bit that has no letters in hexadecimal digits', () => {
    expect(rightsText(0x2000030)).to.equal('0x2000030');
    expect(rightsText(0x80000000)).to.equal('GR');
    expect(() => rightsMask('XX')).to.throw(RangeError);
  });

  it('puts new entries after the explicit and before the inherited ones', () => {
    const dacl = aclOf(
      2,
      entryOf(1, 0, 0x20, DENIED),
      entryOf(0, 0, 0xf01ff, SYSTEM),
      entryOf(1, 0x12, 0x10, DENIED),
      entryOf(0, 0x12, 0x20094, 'S-1-5-11'),
    );
    const before = read(descriptorOf(0x8404, { dacl }));
    const after = read(withEntries(before, writerEntries(WRITER)));
    expect(after.dacl?.map(({ octets }) => octets.toString('hex'))).to.deep.equal([
      ...(before.dacl ?? []).slice(0, 2).map(({ octets }) => octets.toString('hex')),
      ...writerEntries(WRITER).map(({ octets }) => octets.toString('hex')),
      ...(before.dacl ?? []).slice(2).map(({ octets }) => octets.toString('hex')),
    ]);
    expect(daclText(after)).to.match(/^D:AI\(D;;WP;;;/);
  });

  it('leaves owner, group, SACL, control bits and unknown entries as they are, octet for octet', () => {
    const callback = Buffer.concat([entryOf(9, 0, 0x20, SYSTEM), Buffer.from('61727478deadbeef', 'hex')]);
    callback.writeUInt16LE(callback.length, 2);
    const sections = {
      sacl: aclOf(2, entryOf(2, 0xc0, 0x20, 'S-1-1-0')),
      owner: sid('S-1-5-32-544'),
      group: sid('S-1-5-32-548'),
    };
    const octets = descriptorOf(0x9c14, { ...sections, dacl: aclOf(2, callback, entryOf(0, 0, 0x10, SYSTEM)) });
    const before = read(octets);
    expect(before.octets).to.equal(octets);
    expect(daclText(before)).to.equal('D:PAI(0x09;;;;;)(A;;RP;;;SY)');

    const after = withEntries(before, writerEntries(WRITER));
    const entries = writerEntries(WRITER).map((entry) => entry.octets);
    const expected = descriptorOf(0x9c14, {
      ...sections,
      dacl: aclOf(4, callback, entryOf(0, 0, 0x10, SYSTEM), ...entries),
    });
    expect(after.toString('hex')).to.equal(expected.toString('hex'));
  });

  it('keeps what stands behind the last entry of the list', () => {
    const dacl = aclOf(4, entryOf(0, 0, 0x10, SYSTEM));
    const roomy = Buffer.concat([dacl, Buffer.from('00112233', 'hex')]);
    roomy.writeUInt16LE(roomy.length, 2);
    const after = withEntries(read(descriptorOf(0x8004, { dacl: roomy })), writerEntries(WRITER));
    expect(after.subarray(-4).toString('hex')).to.equal('00112233');
    expect(read(after).dacl).to.have.lengthOf(3);
  });

  it('tells a descriptor without a DACL, which lets everybody in, from one with an empty DACL', () => {
    const without = read(descriptorOf(0x8000, { owner: sid(SYSTEM) }));
    expect(without.dacl).to.equal(null);
    expect(daclText(without)).to.equal('D:NO_ACCESS_CONTROL');
    expect(() => withEntries(without, writerEntries(WRITER))).to.throw(RangeError);
    const empty = read(descriptorOf(0x8004, { dacl: aclOf(2) }));
    expect(empty.dacl).to.deep.equal([]);
    expect(daclText(empty)).to.equal('D:');
  });

  it('adds nothing to a list that has no room', () => {
    const entries = Array.from({ length: 3272 }, () => entryOf(0, 0, 0x10, SYSTEM));
    const full = read(descriptorOf(0x8004, { dacl: aclOf(2, ...entries) }));
    expect(() => withEntries(full, writerEntries(WRITER))).to.throw(RangeError);
  });

  it('refuses octets that are no security descriptor', () => {
    const good = Buffer.from(descriptors[0]?.expected.selfRelativeHex ?? '', 'hex');
    expect(parseSecurityDescriptor(Buffer.alloc(0))).to.equal(null);
    for (const end of [19, 24, 40, good.length - 1]) {
      expect(parseSecurityDescriptor(good.subarray(0, end)), `cut at ${end}`).to.equal(null);
    }
    const damaged = (offset: number, value: number): SecurityDescriptor | null => {
      const octets = Buffer.from(good);
      octets.writeUInt8(value, offset);
      return parseSecurityDescriptor(octets);
    };
    expect(damaged(0, 2), 'revision').to.equal(null);
    expect(damaged(16, 10), 'DACL inside the header').to.equal(null);
    expect(damaged(24, 9), 'more entries than there are').to.equal(null);
    expect(damaged(30, 3), 'an entry shorter than its head').to.equal(null);
    expect(damaged(28 + 29, 9), 'a SID longer than the entry').to.equal(null);
  });
});
