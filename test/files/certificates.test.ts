import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import { readCertificates } from '../../src/files/certificates.ts';
import { newCertificate } from '../graph/signingCertificate.ts';
import { temporaryFolders } from './samples.ts';

describe('certificates', () => {
  const folder = temporaryFolders();
  const written = (content: string | Uint8Array): string => {
    const path = join(folder(), 'certificates.pem');
    writeFileSync(path, content);
    return path;
  };
  const derOf = (pem: string): Buffer => new X509Certificate(pem).raw;

  it('gives the DER of each certificate of a PEM file in its order, with text and keys between them', async () => {
    const [one, two] = [await newCertificate(), await newCertificate()];
    const path = written(`subject: one\n${one.certificate}${one.privateKey}\r\n${two.certificate}`);
    expect(readCertificates(path).map((der) => Buffer.from(der))).to.deep.equal([
      derOf(one.certificate),
      derOf(two.certificate),
    ]);
  });

  it('gives the one certificate of a DER file', async () => {
    const { certificate } = await newCertificate();
    expect(readCertificates(written(derOf(certificate))).map((der) => Buffer.from(der))).to.deep.equal([
      derOf(certificate),
    ]);
  });

  it('refuses a file that is missing, empty, holds a key alone, or a damaged certificate, naming it', async () => {
    const { certificate, privateKey } = await newCertificate();
    const damaged = certificate.split('\n').toSpliced(1, 2).join('\n');
    for (const path of [join(folder(), 'none.pem'), written(''), written(privateKey), written(damaged)]) {
      expect(() => readCertificates(path))
        .to.throw(WritebackError, path)
        .with.property('code', 'CertificateUnusable');
    }
  });

  it('shows no part of a private key in its error', async () => {
    const { privateKey } = await newCertificate();
    const secret = privateKey.split('\n')[1] ?? '';
    try {
      readCertificates(written(privateKey));
      expect.fail('the key was taken for a certificate');
    } catch (thrown) {
      expect(thrown).to.be.instanceOf(WritebackError);
      expect(JSON.stringify(thrown)).not.to.include(secret);
    }
  });
});
