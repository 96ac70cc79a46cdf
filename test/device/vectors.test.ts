import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ATTRIBUTE_NAMES } from '../../src/device/attributes.ts';
import { KINDS } from './vectors.ts';

const TESTS = new URL('../', import.meta.url);

/** The folder whose tests run the vectors of a kind; null where the product holds no code that they speak of. */
const CLAIMED: Readonly<Record<string, string | null>> = {
  'access-mask': 'directory',
  'acl-effect': 'directory',
  'alternative-security-id': 'device',
  'alternative-security-id-parse': 'device',
  'certificate-issuer': 'device',
  'certificate-to-altsecid': 'device',
  'cloud-anchor': 'device',
  'cloud-anchor-connector-space': 'device',
  'directory-add': 'directory',
  'directory-delete': 'directory',
  'directory-modify': 'directory',
  'directory-modifydn': 'directory',
  'directory-search': 'directory',
  'dn-binary': 'directory',
  'drs-object': 'directory',
  filetime: null,
  'graph-device-to-ad': 'device',
  'guid-le': 'device',
  'key-credential': null,
  'key-id': null,
  'physical-ids': 'device',
  'registered-owner': 'device',
  'schema-attributes': 'device',
  'schema-version': 'directory',
  'scp-keywords': 'directory',
  'security-descriptor': 'directory',
  sid: 'device',
  'source-anchor': 'device',
};

describe('the test vectors', () => {
  it('have no kind that nobody has thought of', () => {
    expect(KINDS).to.deep.equal(Object.keys(CLAIMED).toSorted());
  });

  for (const [kind, folder] of Object.entries(CLAIMED)) {
    if (folder === null) continue;
    it(`of kind ${kind} are run by a test in ${folder}`, () => {
      const files = readdirSync(new URL(`${folder}/`, TESTS)).filter((file) => file.endsWith('.test.ts'));
      const claims = files
        .filter((file) => file !== 'vectors.test.ts')
        .filter((file) => {
          const text = readFileSync(new URL(`${folder}/${file}`, TESTS), 'utf8');
          return text.includes(`'${kind}'`);
        });
      expect(claims, `a test file in test/${folder} that names '${kind}'`).to.not.deep.equal([]);
    });
  }

  it('that nobody runs are those of the values of msDS-KeyCredentialLink, which are never read or written', () => {
    const unclaimed = Object.keys(CLAIMED).filter((kind) => CLAIMED[kind] === null);
    expect(unclaimed).to.deep.equal(['filetime', 'key-credential', 'key-id']);
    expect(ATTRIBUTE_NAMES).to.not.include('msDS-KeyCredentialLink');
  });
});
