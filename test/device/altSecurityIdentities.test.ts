import { createHash, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { keyOf, keysOf, parseKey } from '../../src/device/altSecurityIdentities.ts';
import type { AlternativeSecurityId } from '../../src/device/entraDevice.ts';
import { parseDistinguishedName } from '../../src/device/distinguishedName.ts';
import { vectorsOf } from './vectors.ts';

interface KeyExpected {
  readonly altSecurityIdentities?: string;
  readonly length?: number;
  readonly thumbprintSha1Hex?: string;
  readonly publicKeySha256Base64?: string;
}

interface CertificateExpected extends KeyExpected {
  readonly rsaPublicKeyDerBase64?: string;
  readonly graphKey?: string;
  readonly mustNotEqual?: string;
}

const keys = vectorsOf<AlternativeSecurityId, KeyExpected>('alternative-security-id');

describe('altSecurityIdentities', () => {
  for (const { name, input, expected } of keys.filter((vector) => vector.positive)) {
    it(`reads the key of ${name} and its two parts`, () => {
      const text = keyOf(input);
      expect(text).to.equal(expected.altSecurityIdentities);
      expect(text).to.have.lengthOf(expected.length ?? 0);
      expect(parseKey(text ?? '')).to.deep.equal({
        thumbprint: expected.thumbprintSha1Hex,
        publicKeyHash: expected.publicKeySha256Base64,
      });
    });
  }

  for (const { name, input } of keys.filter((vector) => !vector.positive)) {
    it(`takes ${name} for no certificate key`, () => {
      expect(keyOf(input)).to.equal(null);
      expect(keysOf([input])).to.deep.equal([]);
    });
  }

  it('keeps every known key of a device, each once, in the order of code units', () => {
    const [first, second] = keys.filter((vector) => vector.positive);
    const broken = keys.find((vector) => !vector.positive);
    if (first === undefined || second === undefined || broken === undefined) throw new Error('vectors are missing');
    const expected = [first.expected.altSecurityIdentities, second.expected.altSecurityIdentities].toSorted();
    expect(keysOf([first.input, broken.input, second.input, first.input])).to.deep.equal(expected);
  });

  const parses = vectorsOf<
    { altSecurityIdentities: string },
    { wrongPublicKeyHash: string; rightPublicKeyHash: string }
  >('alternative-security-id-parse');
  for (const { name, input, expected } of parses) {
    it(`cuts a key by length: ${name}`, () => {
      const hash = parseKey(input.altSecurityIdentities)?.publicKeyHash;
      expect(hash).to.equal(expected.rightPublicKeyHash);
      expect(hash).to.not.equal(expected.wrongPublicKeyHash);
    });
  }

  const certificates = vectorsOf<{ certificateDerBase64: string }, CertificateExpected>('certificate-to-altsecid');
  const derOf = (name: string): Buffer => {
    const found = certificates.find((vector) => vector.name === name);
    return Buffer.from(found?.input.certificateDerBase64 ?? '', 'base64');
  };

  for (const { name, expected } of certificates.filter((vector) => vector.positive)) {
    it(`reads thumbprint and hash of RSAPublicKey out of the key of ${name}`, () => {
      const thumbprint = createHash('sha1').update(derOf(name)).digest('hex').toUpperCase();
      const rsaPublicKey = Buffer.from(expected.rsaPublicKeyDerBase64 ?? '', 'base64');
      expect(derOf(name).includes(rsaPublicKey), 'the certificate holds this RSAPublicKey').to.equal(true);
      const text = keyOf({ type: 2, key: expected.graphKey ?? null });
      expect(text).to.equal(expected.altSecurityIdentities);
      expect(parseKey(text ?? '')).to.deep.equal({
        thumbprint,
        publicKeyHash: createHash('sha256').update(rsaPublicKey).digest('base64'),
      });
    });
  }

  it('names the RSAPublicKey that an X.509 parser finds in the certificate', () => {
    const certificate = new X509Certificate(derOf('certificate/dvrj'));
    const rsaPublicKey = certificate.publicKey.export({ type: 'pkcs1', format: 'der' });
    const expected = certificates.find((vector) => vector.name === 'certificate/dvrj')?.expected;
    expect(parseKey(expected?.altSecurityIdentities ?? '')).to.deep.equal({
      thumbprint: certificate.fingerprint.replaceAll(':', ''),
      publicKeyHash: createHash('sha256').update(rsaPublicKey).digest('base64'),
    });
  });

  for (const { name, input, expected } of certificates.filter((vector) => !vector.positive)) {
    it(`does not take the hash of the whole public key information: ${name}`, () => {
      const good = certificates.find((vector) => input.certificateDerBase64.endsWith(` ${vector.name}`));
      const right = parseKey(keyOf({ type: 2, key: good?.expected.graphKey ?? null }) ?? '');
      const wrong = parseKey(expected.mustNotEqual ?? '');
      expect(right?.thumbprint).to.equal(wrong?.thumbprint);
      expect(right?.publicKeyHash).to.not.equal(wrong?.publicKeyHash);
    });
  }

  it('reads the issuer of a device certificate as one name of four parts', () => {
    for (const { input, expected } of vectorsOf<{ certificateDerBase64: string }, { issuer: string }>(
      'certificate-issuer',
    )) {
      const { issuer } = new X509Certificate(derOf(input.certificateDerBase64.replace('see ', '')));
      const [parts, ...others] = parseDistinguishedName(issuer) ?? [];
      expect(others).to.deep.equal([]);
      const expectedTypes = expected.issuer.split(' + ').map((part) => part.split('=')[0]);
      expect(parts?.map(({ type }) => type.toUpperCase())).to.deep.equal(expectedTypes);
      expect(parts?.at(-1)?.value).to.equal(expected.issuer.split('OU=')[1]);
    }
  });
});
