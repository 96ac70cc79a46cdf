/** Whatever a security descriptor holds, reading it and adding to its DACL leaves every other octet as it was. */
import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import { guidToHex } from '../../src/device/guid.ts';
import { sidToHex } from '../../src/device/sid.ts';
import { octets as octetsOf } from '../../src/directory/entry.ts';
import { anything } from '../../src/directory/search.ts';
import {
  ACE_FLAG,
  parseSecurityDescriptor,
  withEntries,
  writerEntries,
  type AccessControlEntry,
  type SecurityDescriptor,
} from '../../src/directory/securityDescriptor.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { randomNumbers } from '../plan/generator.ts';
import { connectTo, NEVER } from './sample.ts';

const ROUNDS = 1000;
const SEED = Number(process.env['SEED'] ?? randomInt(1_000_000));
const WRITER = 'S-1-5-21-1-2-3-1104';
const DACL_OFFSET_FIELD = 16;

describe(`a security descriptor (SEED=${SEED})`, () => {
  it(`comes back octet for octet in each of ${ROUNDS} random forms, in canonical order`, () => {
    const random = randomNumbers(SEED);
    for (let round = 0; round < ROUNDS; round += 1) {
      const octets = randomDescriptor(random);
      const descriptor = check(octets, `round ${round}`);
      const entries = descriptor.dacl ?? [];
      expect(entries.map(orderOf)).to.deep.equal(entries.map(orderOf).toSorted());
    }
  });

  it('comes back octet for octet from every object of a fresh directory', async function () {
    this.timeout(120_000);
    const domainController: DomainController = await startDomainController({ schema: 87, prepared: true });
    const connection = connectTo(domainController);
    let objects = 0;
    try {
      for (const base of [domainController.domainDn, domainController.configurationDn]) {
        const query = { base, scope: 'sub', filter: anything, attributes: ['nTSecurityDescriptor'] } as const;
        const entries = await connection.search(query, NEVER);
        for (const entry of entries) {
          const [octets] = octetsOf(entry, 'nTSecurityDescriptor');
          if (octets === undefined) throw new Error(`${entry.distinguishedName} has no security descriptor`);
          check(octets, entry.distinguishedName);
          objects += 1;
        }
      }
    } finally {
      await connection.close();
      await domainController.stop();
    }
    expect(objects).to.be.greaterThan(1500);
  });
});

/** Reads the descriptor, encodes it again from what was read, and adds entries that can be taken out again. */
function check(octets: Buffer, name: string): SecurityDescriptor {
  const descriptor = parseSecurityDescriptor(octets);
  if (descriptor === null || descriptor.dacl === null)
    throw new Error(`${name} cannot be read: ${octets.toString('hex')}`);
  const hex = octets.toString('hex');
  expect(withEntries(descriptor, []).toString('hex'), name).to.equal(hex);
  const encoded = descriptor.dacl.map((entry) => encode(entry).toString('hex'));
  expect(encoded, name).to.deep.equal(descriptor.dacl.map((entry) => entry.octets.toString('hex')));
  const start = octets.readUInt32LE(DACL_OFFSET_FIELD) + 8;
  expect(hex.startsWith(encoded.join(''), 2 * start), `${name}: its entries one after the other`).to.equal(true);

  const added = writerEntries(WRITER);
  const grown = withEntries(descriptor, added);
  expect(withoutAddition(grown, added, octets).toString('hex'), name).to.equal(hex);
  const after = parseSecurityDescriptor(grown)?.dacl ?? [];
  const firstInherited = after.findIndex(({ flags }) => (flags & ACE_FLAG.inherited) !== 0);
  const place = after.findIndex((entry) => entry.octets.equals(added[0]?.octets ?? Buffer.alloc(0)));
  if (firstInherited !== -1) expect(place, name).to.equal(firstInherited - added.length);
  else expect(place, name).to.equal(after.length - added.length);
  return descriptor;
}

/** Cuts the added entries out where they stand, and sets sizes, count, revision and offsets back. */
function withoutAddition(grown: Buffer, added: readonly AccessControlEntry[], before: Buffer): Buffer {
  const addition = Buffer.concat(added.map((entry) => entry.octets));
  const at = grown.indexOf(addition);
  const cut = Buffer.concat([grown.subarray(0, at), grown.subarray(at + addition.length)]);
  const dacl = cut.readUInt32LE(DACL_OFFSET_FIELD);
  cut.writeUInt16LE(cut.readUInt16LE(dacl + 2) - addition.length, dacl + 2);
  cut.writeUInt16LE(cut.readUInt16LE(dacl + 4) - added.length, dacl + 4);
  expect(cut.readUInt8(dacl)).to.be.within(before.readUInt8(dacl), 4);
  cut.writeUInt8(before.readUInt8(dacl), dacl);
  for (const field of [4, 8, 12]) {
    const section = cut.readUInt32LE(field);
    if (section > dacl) cut.writeUInt32LE(section - addition.length, field);
  }
  return cut;
}

/** The entry from its fields; one of an unknown type is its own octets. */
function encode({ octets, type, flags, mask, objectType, inheritedObjectType, sid }: AccessControlEntry): Buffer {
  if (mask === null || sid === null) return octets;
  const isObject = type === 5 || type === 6;
  const guids = [objectType, inheritedObjectType].filter((guid) => guid !== null);
  const body = Buffer.from(guids.map(guidToHex).join('') + sidToHex(sid), 'hex');
  const head = Buffer.alloc(isObject ? 12 : 8);
  head.writeUInt8(type, 0);
  head.writeUInt8(flags, 1);
  head.writeUInt16LE(head.length + body.length, 2);
  head.writeUInt32LE(mask, 4);
  if (isObject) head.writeUInt32LE((objectType === null ? 0 : 1) | (inheritedObjectType === null ? 0 : 2), 8);
  return Buffer.concat([head, body]);
}

/** Explicit before inherited, denied before allowed. */
function orderOf({ type, flags }: AccessControlEntry): number {
  return ((flags & ACE_FLAG.inherited) === 0 ? 0 : 2) + (type === 1 || type === 6 ? 0 : 1);
}

function randomDescriptor(random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const octets = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)));
  const sid = (): Buffer => {
    const count = 1 + below(5);
    return Buffer.concat([Buffer.from([1, count, 0, 0, 0, 0, 0, 1 + below(5)]), octets(4 * count)]);
  };
  const entry = (type: number, flags: number): Buffer => {
    const known = [0, 1, 5, 6].includes(type);
    const present = type === 5 || type === 6 ? below(4) : 0;
    const guids = octets(16 * ((present & 1) + (present >> 1)));
    const fields = type === 5 || type === 6 ? Buffer.from([present, 0, 0, 0]) : Buffer.alloc(0);
    const body = known ? Buffer.concat([octets(4), fields, guids, sid()]) : octets(4 * (2 + below(12)));
    const head = Buffer.alloc(4);
    head.writeUInt8(type, 0);
    head.writeUInt8(flags, 1);
    head.writeUInt16LE(4 + body.length, 2);
    return Buffer.concat([head, body]);
  };
  const flags = (): number => [0, 0x02, 0x0a, 0x0b][below(4)] ?? 0;
  const some = (most: number, make: () => Buffer): readonly Buffer[] => Array.from({ length: below(most + 1) }, make);
  const list = (entries: readonly Buffer[]): Buffer => {
    const slack = octets(below(3) === 0 ? 4 * below(5) : 0);
    const head = Buffer.alloc(8);
    const body = Buffer.concat([...entries, slack]);
    head.writeUInt8(below(2) === 0 ? 2 : 4, 0);
    head.writeUInt16LE(8 + body.length, 2);
    head.writeUInt16LE(entries.length, 4);
    return Buffer.concat([head, body]);
  };
  const deny = (): number => (below(2) === 0 ? 1 : 6);
  const allow = (): number => [0, 5, 9, 11][below(4)] ?? 0;
  const dacl = list([
    ...some(3, () => entry(deny(), flags())),
    ...some(8, () => entry(allow(), flags())),
    ...some(3, () => entry(deny(), flags() | ACE_FLAG.inherited)),
    ...some(8, () => entry(allow(), flags() | ACE_FLAG.inherited)),
  ]);
  const sacl = list(some(3, () => entry([2, 7][below(2)] ?? 2, 0xc0)));
  const sections: { readonly field: number; readonly octets: Buffer }[] = [
    { field: DACL_OFFSET_FIELD, octets: dacl },
    { field: 4, octets: sid() },
    { field: 8, octets: sid() },
    ...(below(2) === 0 ? [{ field: 12, octets: sacl }] : []),
  ];
  const header = Buffer.alloc(20);
  header.writeUInt8(1, 0);
  header.writeUInt16LE(0x8004 | (below(2) * 0x0400) | (below(2) * 0x1000) | (sections.length === 4 ? 0x10 : 0), 2);
  let offset = header.length;
  const parts: Buffer[] = [header];
  for (const section of sections.map((one) => ({ ...one, key: random() })).sort((a, b) => a.key - b.key)) {
    header.writeUInt32LE(offset, section.field);
    parts.push(section.octets);
    offset += section.octets.length;
  }
  return Buffer.concat(parts);
}
