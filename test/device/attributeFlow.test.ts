import { expect } from 'chai';
import { attributeFlow, type Flow, type Flowed } from '../../src/device/attributeFlow.ts';
import { ATTRIBUTE_NAMES, ATTRIBUTES, canonical, syntaxOf, type AttributeName } from '../../src/device/attributes.ts';
import type { EntraDevice } from '../../src/device/entraDevice.ts';
import { parseDevice } from '../../src/graph/parseDevice.ts';
import { sidTextToAsciiHex } from '../../src/device/sid.ts';
import { ALL, entraDevice, entry, key } from '../plan/samples.ts';
import { lower, vectorsOf } from './vectors.ts';

type ExpectedValue = string | readonly string[] | { readonly hex: string };

interface DeviceInput {
  readonly device: { readonly deviceId: string | null };
  readonly schemaVersion: number;
  readonly options?: { readonly ownerSid: string | null };
}

interface DeviceExpected {
  readonly cn?: string;
  readonly attributes?: Readonly<Record<string, ExpectedValue>>;
  readonly omitted?: readonly AttributeName[];
  readonly missing?: readonly AttributeName[];
}

interface SchemaVector {
  readonly attributes: readonly string[];
}

const ONLY_FROM_2016 = vectorsOf<unknown, SchemaVector>('schema-attributes').flatMap(schemaAttributes);

function schemaAttributes(vector: { readonly input: unknown; readonly expected: unknown }): readonly string[] {
  return JSON.stringify([vector.input, vector.expected]).match(/msDS-[A-Za-z]+/g) ?? [];
}

function availableIn(schemaVersion: number): ReadonlySet<AttributeName> {
  return new Set(ATTRIBUTE_NAMES.filter((name) => schemaVersion >= 87 || !ONLY_FROM_2016.includes(name)));
}

function flowOf({ device, schemaVersion, options }: DeviceInput): Flow {
  const read = parseDevice(device);
  if (read === null) throw new Error('the vector holds no device');
  return attributeFlow({ ...read.device, ownerSid: options?.ownerSid ?? null }, availableIn(schemaVersion));
}

/** The value of a vector in the form in which the engine holds it. */
function held(name: AttributeName, value: ExpectedValue): readonly string[] {
  if (typeof value === 'object' && 'hex' in value) return [lower(value.hex)];
  const texts = typeof value === 'string' ? [value] : value;
  return canonical(syntaxOf(name) === 'octet' ? texts.map((text) => Buffer.from(text).toString('hex')) : texts);
}

const valuesOf = (flowed: Flowed | undefined): readonly string[] | null =>
  flowed === undefined || flowed.kind === 'left' ? null : flowed.values;

const flow = (values: Partial<EntraDevice>): Flow => attributeFlow(entraDevice(1, values), ALL);

const reason = (flowed: Flowed | undefined): string | null => (flowed?.kind === 'left' ? flowed.reason : null);

describe('attributeFlow', () => {
  for (const { name, positive, input, expected } of vectorsOf<DeviceInput, DeviceExpected>('graph-device-to-ad')) {
    if (positive) {
      it(`writes what the vector ${name} names, byte for byte, and leaves out the rest`, () => {
        const flowed = flowOf(input);
        for (const attribute of ATTRIBUTE_NAMES) {
          const value = expected.attributes?.[attribute];
          if (value !== undefined) expect(valuesOf(flowed[attribute]), attribute).to.deep.equal(held(attribute, value));
        }
        for (const attribute of expected.omitted ?? []) {
          expect(valuesOf(flowed[attribute]) ?? [], attribute).to.deep.equal([]);
        }
        if (expected.cn !== undefined) expect(input.device.deviceId).to.equal(expected.cn);
      });
    } else {
      it(`cannot create the device of the vector ${name}`, () => {
        const flowed = flowOf(input);
        const unusable = ATTRIBUTE_NAMES.filter(
          (attribute) => ATTRIBUTES[attribute].mandatory && flowed[attribute]?.kind === 'left',
        );
        expect(unusable).to.deep.equal(expected.missing);
      });
    }
  }

  for (const { name, positive, input, expected } of vectorsOf<{ sid: string }, { bytesHex: string; length: number }>(
    'registered-owner',
  )) {
    it(`${positive ? 'writes' : 'does not write'} the owner's SID as ${name}`, () => {
      const [value] = valuesOf(flow({ ownerSid: input.sid })['msDS-RegisteredOwner']) ?? [];
      if (positive) {
        expect(value).to.equal(lower(expected.bytesHex));
        expect(value).to.have.lengthOf(2 * expected.length);
        expect(value).to.equal(sidTextToAsciiHex(input.sid));
      } else {
        expect(value).to.not.equal(lower(expected.bytesHex));
      }
    });
  }

  for (const { name, input } of vectorsOf<{ values: readonly string[] }, unknown>('physical-ids')) {
    it(`copies the values of ${name} verbatim`, () => {
      expect(valuesOf(flow({ physicalIds: input.values })['msDS-DevicePhysicalIDs'])).to.deep.equal(
        input.values.toSorted(),
      );
    });
  }

  describe('on null', () => {
    const cleared: readonly (readonly [keyof EntraDevice, AttributeName])[] = [
      ['deviceVersion', 'msDS-DeviceObjectVersion'],
      ['operatingSystem', 'msDS-DeviceOSType'],
      ['operatingSystemVersion', 'msDS-DeviceOSVersion'],
      ['physicalIds', 'msDS-DevicePhysicalIDs'],
      ['isManaged', 'msDS-IsManaged'],
      ['isCompliant', 'msDS-IsCompliant'],
      ['ownerSid', 'msDS-RegisteredOwner'],
    ];
    for (const [property, attribute] of cleared) {
      it(`clears ${attribute}`, () => {
        expect(flow({ [property]: null })[attribute]).to.deep.equal({ kind: 'values', values: [] });
      });
    }

    const kept: readonly (readonly [keyof EntraDevice, AttributeName])[] = [
      ['alternativeSecurityIds', 'altSecurityIdentities'],
      ['displayName', 'displayName'],
      ['deviceId', 'msDS-DeviceID'],
    ];
    for (const [property, attribute] of kept) {
      it(`leaves the mandatory ${attribute} and says Unusable`, () => {
        expect(reason(flow({ [property]: null })[attribute])).to.equal('Unusable');
      });
    }

    it('of accountEnabled gives a new object FALSE and an existing one nothing', () => {
      expect(flow({ accountEnabled: null })['msDS-IsEnabled']).to.deep.equal({ kind: 'initial', values: ['FALSE'] });
    });
  });

  describe('on a property that was not read', () => {
    const properties: readonly (readonly [keyof EntraDevice, AttributeName])[] = [
      ['alternativeSecurityIds', 'altSecurityIdentities'],
      ['displayName', 'displayName'],
      ['deviceId', 'msDS-DeviceID'],
      ['deviceVersion', 'msDS-DeviceObjectVersion'],
      ['operatingSystem', 'msDS-DeviceOSType'],
      ['operatingSystemVersion', 'msDS-DeviceOSVersion'],
      ['physicalIds', 'msDS-DevicePhysicalIDs'],
      ['isCompliant', 'msDS-IsCompliant'],
      ['accountEnabled', 'msDS-IsEnabled'],
      ['isManaged', 'msDS-IsManaged'],
      ['ownerSid', 'msDS-RegisteredOwner'],
    ];
    for (const [property, attribute] of properties) {
      it(`leaves ${attribute} and says Unreadable`, () => {
        expect(reason(flow({ [property]: undefined })[attribute])).to.equal('Unreadable');
      });
    }
  });

  describe('of the certificate keys', () => {
    const unknown = { type: 2, key: 'Y3YxN2E1MWFlYw==' };

    it('says NoKey where the list is empty', () => {
      expect(reason(flow({ alternativeSecurityIds: [] }).altSecurityIdentities)).to.equal('NoKey');
    });

    it('says UnknownKeyForm where entries are there and none has the known form', () => {
      const other = { type: 1, key: entry(key(1)).key };
      expect(reason(flow({ alternativeSecurityIds: [unknown, other] }).altSecurityIdentities)).to.equal(
        'UnknownKeyForm',
      );
    });

    it('takes the known keys beside entries of another form', () => {
      const values = valuesOf(flow({ alternativeSecurityIds: [unknown, entry(key(7))] }).altSecurityIdentities);
      expect(values).to.deep.equal([key(7)]);
    });
  });

  describe('of values that the schema does not take', () => {
    const unusable: readonly (readonly [string, Partial<EntraDevice>, AttributeName])[] = [
      ['a name of 257 characters', { displayName: 'x'.repeat(257) }, 'displayName'],
      ['an empty name', { displayName: '' }, 'displayName'],
      ['a name with a NUL', { displayName: 'PC\0' }, 'displayName'],
      ['a name with half a surrogate pair', { displayName: 'PC\ud83d' }, 'displayName'],
      ['an operating system of 1025 characters', { operatingSystem: 'x'.repeat(1025) }, 'msDS-DeviceOSType'],
      ['a version of 513 characters', { operatingSystemVersion: 'x'.repeat(513) }, 'msDS-DeviceOSVersion'],
      ['an empty physical id', { physicalIds: ['[GID]:g:1', ''] }, 'msDS-DevicePhysicalIDs'],
      ['a physical id of 1025 characters', { physicalIds: ['x'.repeat(1025)] }, 'msDS-DevicePhysicalIDs'],
      ['physical ids equal but for case', { physicalIds: ['[GID]:g:a', '[GID]:g:A'] }, 'msDS-DevicePhysicalIDs'],
      ['a device version past 32 bits', { deviceVersion: 2 ** 31 }, 'msDS-DeviceObjectVersion'],
      ['a fraction as device version', { deviceVersion: 2.5 }, 'msDS-DeviceObjectVersion'],
      ['an owner whose SID is none', { ownerSid: 'CONTOSO\\alice' }, 'msDS-RegisteredOwner'],
    ];
    for (const [what, values, attribute] of unusable) {
      it(`says Unusable for ${what}`, () => {
        expect(reason(flow(values)[attribute])).to.equal('Unusable');
      });
    }

    const usable: readonly (readonly [string, Partial<EntraDevice>, AttributeName, readonly string[]])[] = [
      ['a name of 256 characters', { displayName: 'x'.repeat(256) }, 'displayName', ['x'.repeat(256)]],
      ['a name of any script', { displayName: 'Prüfstand-日本-😀' }, 'displayName', ['Prüfstand-日本-😀']],
      ['a system of 1024 characters', { operatingSystem: 'x'.repeat(1024) }, 'msDS-DeviceOSType', ['x'.repeat(1024)]],
      ['the smallest version', { deviceVersion: -(2 ** 31) }, 'msDS-DeviceObjectVersion', ['-2147483648']],
      ['the version 0', { deviceVersion: 0 }, 'msDS-DeviceObjectVersion', ['0']],
      ['an empty list of physical ids', { physicalIds: [] }, 'msDS-DevicePhysicalIDs', []],
      ['an empty operating system, which is none', { operatingSystem: '' }, 'msDS-DeviceOSType', []],
      ['isManaged false', { isManaged: false }, 'msDS-IsManaged', ['FALSE']],
      ['accountEnabled false', { accountEnabled: false }, 'msDS-IsEnabled', ['FALSE']],
    ];
    for (const [what, values, attribute, expected] of usable) {
      it(`takes ${what}`, () => {
        expect(flow(values)[attribute]).to.deep.equal({ kind: 'values', values: expected });
      });
    }
  });

  it('leaves out what the schema lacks', () => {
    const flowed = attributeFlow(entraDevice(1), availableIn(69));
    expect(Object.keys(flowed)).to.have.members(ATTRIBUTE_NAMES.filter((name) => name !== 'msDS-IsCompliant'));
  });

  it('gives every attribute of the table, and only those, where the schema has all', () => {
    expect(Object.keys(attributeFlow(entraDevice(1), ALL))).to.deep.equal(ATTRIBUTE_NAMES);
  });
});
