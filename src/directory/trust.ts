/** Which certificate authorities a domain controller's certificate may come from. */
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import { WritebackError } from '../errors.ts';

const ARMOR = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The certificates that are trusted, PEM each: those that come with Node, those of the machine, and those of the file.
 * @throws CertificateUnusable if the file cannot be read or holds no certificate.
 */
export function trustedCertificates(path: string | null): readonly string[] {
  const own = path === null ? [] : certificatesOfFile(path);
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ...own])];
}

function certificatesOfFile(path: string): readonly string[] {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error), error);
  }
  const armored = content.toString('latin1').match(ARMOR);
  try {
    return (armored ?? [content]).map((certificate) => new X509Certificate(certificate).toString());
  } catch (error) {
    throw unusable(path, 'it holds no X.509 certificate that can be read', error);
  }
}

function unusable(path: string, why: string, cause: unknown): WritebackError {
  return new WritebackError('CertificateUnusable', `Reading the trusted certificate ${path}: ${why}.`, {
    target: path,
    remedy:
      'Give -TrustedCertificate a PEM or DER file with the certificate of the authority that issued the one of the domain controller.',
    detail: why,
    cause,
  });
}
