import { expect } from 'chai';
import type { Schema } from '../../src/ports.ts';
import { readRootDse } from '../../src/directory/rootDse.ts';
import { readSchema } from '../../src/directory/schema.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { vectorsOf } from '../device/vectors.ts';
import { connectTo, NEVER } from './sample.ts';

const CLASSES = [
  'msDS-Device',
  'msDS-DeviceContainer',
  'msDS-DeviceRegistrationService',
  'msDS-DeviceRegistrationServiceContainer',
];

async function schemaOf(domainController: DomainController): Promise<Schema> {
  const connection = connectTo(domainController);
  try {
    return await readSchema(connection, await readRootDse(connection, NEVER), NEVER);
  } finally {
    await connection.close();
  }
}

describe('schema', () => {
  const schemas = new Map<number, Schema>();

  before(async () => {
    for (const version of [69, 87] as const) {
      const domainController = await startDomainController({ schema: version });
      try {
        schemas.set(version, await schemaOf(domainController));
      } finally {
        await domainController.stop();
      }
    }
  });

  for (const { name, input, expected } of vectorsOf<
    { objectVersions: number[] },
    { deviceClasses: boolean[]; attributesOf2016: (boolean | string)[] }
  >('schema-version')) {
    it(`finds the version and what it holds as ${name} says`, () => {
      for (const [version, schema] of schemas) {
        const index = input.objectVersions.indexOf(version);
        expect(schema.objectVersion).to.equal(version);
        expect([...schema.classes].sort()).to.deep.equal(expected.deviceClasses[index] === true ? CLASSES : []);
        expect(schema.attributes.has('msDS-IsCompliant')).to.equal(expected.attributesOf2016[index] === 'yes');
      }
    });
  }

  for (const { name, input, expected } of vectorsOf<{ from: number; to: number }, { added: string[] }>(
    'schema-attributes',
  )) {
    it(`finds each attribute by its own name: ${name}`, () => {
      const [from, to] = [schemas.get(input.from), schemas.get(input.to)];
      const added = [...(to?.attributes ?? [])].filter((attribute) => from?.attributes.has(attribute) === false);
      expect(added.sort()).to.deep.equal(['msDS-IsCompliant', 'msDS-KeyCredentialLink']);
      expect(expected.added).to.include.members(added);
    });
  }

  it('finds the attributes of the registration service', () => {
    for (const schema of schemas.values()) {
      expect([...schema.attributes]).to.include.members([
        'msDS-CloudIsEnabled',
        'msDS-CloudIssuerPublicCertificates',
        'msDS-DeviceLocation',
        'msDS-MaximumRegistrationInactivityPeriod',
        'msDS-RegistrationQuota',
      ]);
    }
  });
});
