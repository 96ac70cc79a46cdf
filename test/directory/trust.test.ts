import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { expect } from 'chai';
import { trustedCertificates } from '../../src/directory/trust.ts';
import { issueCertificate } from '../lab/certificate.ts';

describe('trust', () => {
  let folder: string;
  let authority: X509Certificate;
  let caFile: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-trust-'));
    ({ caFile } = await issueCertificate(folder, '127.0.0.1', 'good'));
    authority = new X509Certificate(await readFile(caFile));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const write = async (name: string, content: string | Buffer): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, content);
    return file;
  };

  it('trusts the authorities of Node', () => {
    const trusted = new Set(trustedCertificates(null).map((pem) => new X509Certificate(pem).fingerprint256));
    expect(rootCertificates.every((pem) => trusted.has(new X509Certificate(pem).fingerprint256))).to.equal(true);
  });

  it('adds the certificate of a PEM file and of a DER file', async () => {
    for (const file of [caFile, await write('ca.cer', authority.raw)]) {
      expect(trustedCertificates(file)).to.include(authority.toString());
      expect(trustedCertificates(file).length).to.equal(trustedCertificates(null).length + 1);
    }
  });

  it('adds every certificate of a PEM file, whatever stands between them', async () => {
    const second = rootCertificates[0] ?? '';
    const file = await write('both.pem', `Subject: lab\r\n${authority.toString()}\nSubject: other\n${second}\n`);
    expect(trustedCertificates(file)).to.include(authority.toString());
    expect(trustedCertificates(file).length).to.equal(trustedCertificates(null).length + 1);
  });

  it('refuses a file that is not there or holds no certificate', async () => {
    const broken = authority.toString().replace(/\n[A-Za-z0-9+/=]{64}\n/, '\n');
    const files = [
      path.join(folder, 'absent.pem'),
      await write('empty.pem', ''),
      await write('text.pem', 'no certificate'),
      await write('broken.pem', broken),
    ];
    for (const file of files) {
      expect(() => trustedCertificates(file), file)
        .to.throw(`Reading the trusted certificate ${file}`)
        .with.property('code', 'CertificateUnusable');
    }
  });
});
