import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WritebackError } from '../errors.ts';

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The DER of each certificate in a PEM file, or of the one in a DER file. Throws CertificateUnusable. */
export function readCertificates(path: string): readonly Uint8Array[] {
  try {
    const content = readFileSync(path);
    const blocks = content.toString('latin1').match(PEM_BLOCK);
    return (blocks ?? [content]).map((block) => new X509Certificate(block).raw);
  } catch (thrown) {
    throw new WritebackError('CertificateUnusable', `The certificates in ${path} could not be read.`, {
      target: path,
      remedy: 'Give a PEM file with certificates, or a DER file with one.',
      detail: thrown instanceof Error ? thrown.message : String(thrown),
      cause: thrown,
    });
  }
}
