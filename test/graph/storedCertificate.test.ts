import { expect } from 'chai';
import { constants, sign, X509Certificate } from 'node:crypto';
import { WritebackError } from '../../src/errors.ts';
import type { HostServices, SignatureAlgorithm, StoredCertificate } from '../../src/ports.ts';
import { caught } from './caught.ts';
import { fakeClock } from './fakeClock.ts';
import { newCertificate, type CertificateAndKey } from './signingCertificate.ts';
import { CLIENT_ID, startSource, type SourceFixture } from './sourceFixture.ts';

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

/** The certificate store of a computer that has this one certificate. */
function store(
  { certificate, privateKey }: CertificateAndKey,
  makes: readonly SignatureAlgorithm[],
  more: Partial<StoredCertificate> = {},
): HostServices & { readonly asked: SignatureAlgorithm[] } {
  const asked: SignatureAlgorithm[] = [];
  const unused = (): never => {
    throw new Error('not a service of the certificate store');
  };
  return {
    asked,
    negotiate: unused,
    protectSecret: unused,
    unprotectSecret: unused,
    async findCertificate({ thumbprint }) {
      const { raw, fingerprint } = new X509Certificate(certificate);
      if (fingerprint.replaceAll(':', '') !== thumbprint) {
        throw new WritebackError('CertificateUnusable', 'There is none.', { remedy: 'Give one.' });
      }
      return { certificate: raw, storeLocation: 'CurrentUser', hasPrivateKey: true, ...more };
    },
    async sign(_, algorithm, data) {
      asked.push(algorithm);
      if (!makes.includes(algorithm)) return null;
      return sign('sha256', data, algorithm === 'PS256' ? { key: privateKey, ...PSS } : privateKey);
    },
  };
}

describe('graph/storedCertificate', () => {
  let fixture: SourceFixture;
  let own: CertificateAndKey;
  let thumbprint: string;

  before(async () => {
    own = await newCertificate();
    thumbprint = new X509Certificate(own.certificate).fingerprint.replaceAll(':', '');
  });

  beforeEach(async () => {
    fixture = await startSource({ switches: { refuseReplayedAssertion: true } });
    fixture.emulator.apps.register({ clientId: CLIENT_ID, certificates: [own.certificate] });
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  for (const [what, makes, asked] of [
    ['PS256', ['PS256', 'RS256'], ['PS256', 'PS256']],
    ['RS256 where the key makes no PS256', ['RS256'], ['PS256', 'RS256', 'PS256', 'RS256']],
  ] as const) {
    it(`signs in with an assertion that the store signs: ${what}, a new one for each token`, async () => {
      const { emulator, another, clock, signal } = fixture;
      const services = store(own, makes);
      const source = another({ credential: { kind: 'thumbprint', thumbprint } }, {}, clock, services);
      await source.probeDevices(signal);
      emulator.tokens.revoke();
      await source.probeDevices(signal);
      expect(services.asked).to.deep.equal(asked);
    });
  }

  it('says what is wrong with a certificate before anything is sent', async () => {
    const { another, emulator, signal } = fixture;
    const short = await newCertificate(['rsa:1024']);
    const later = fakeClock(new Date(Date.now() + 60 * 86_400_000));
    const [noKey, noAlgorithm] = [store(own, ['PS256'], { hasPrivateKey: false }), store(own, [])];
    const cases = [
      [noKey, fixture.clock, own, 'CertificateUnusable', 'it has no private key in the store'],
      [noAlgorithm, fixture.clock, own, 'CertificateUnusable', 'neither PS256 nor RS256'],
      [store(short, ['PS256']), fixture.clock, short, 'CertificateUnusable', 'RSA key of 2048 bits'],
      [store(own, ['PS256']), later, own, 'CertificateExpired', 'expired on'],
      [store(own, ['PS256']), fixture.clock, short, 'CertificateUnusable', 'There is none.'],
    ] as const;
    for (const [services, clock, { certificate }, code, words] of cases) {
      const asked = new X509Certificate(certificate).fingerprint.replaceAll(':', '');
      const source = another({ credential: { kind: 'thumbprint', thumbprint: asked } }, {}, clock, services);
      const error = await caught(() => source.signIn(signal));
      expect(error.code).to.equal(code);
      expect(error.message).to.contain(words);
    }
    expect(emulator.requests.count()).to.equal(0);
  });

  it('needs .NET', async () => {
    const source = fixture.another({ credential: { kind: 'thumbprint', thumbprint } });
    const error = await caught(() => source.signIn(fixture.signal));
    expect(error).to.include({ code: 'HostServiceUnavailable', target: thumbprint });
    expect(error.remedy).to.contain('PEM or PFX');
  });
});
