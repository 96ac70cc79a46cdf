/** The certificate by which this side of a TLS connection says who it is. */
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { WritebackError } from '../errors.ts';

/** The certificate with its private key, as TLS takes them. */
export type ClientCertificate = Pick<SecureContextOptions, 'cert' | 'key' | 'pfx' | 'passphrase'>;

const ARMOR = '-----BEGIN ';

/**
 * Reads a PEM file with certificate, private key and, if need be, the authorities in between, or a PFX; OpenSSL takes both
 * as they are.
 * @param password Of the PFX or of an encrypted key in the PEM file; null if there is none.
 * @throws CertificateUnusable
 */
export function readClientCertificate(path: string, password: string | null): ClientCertificate {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw unusable(
      path,
      error instanceof Error ? error.message : String(error),
      'Check the path, and that the account that runs this may read the file.',
      error,
    );
  }
  const isPem = content.includes(ARMOR);
  const certificate = {
    ...(isPem ? { cert: content, key: content } : { pfx: content }),
    ...(password === null ? {} : { passphrase: password }),
  };
  try {
    createSecureContext(certificate);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw unusable(path, why, REMEDY, error);
  }
  return certificate;
}

const REMEDY =
  'Give a PEM file with the certificate and its private key, or a PFX, and the password if there is one as that of -Credential. A PFX in an old encryption becomes a new one with: openssl pkcs12 -legacy -in OLD.pfx -nodes | openssl pkcs12 -export -out NEW.pfx';

function unusable(path: string, why: string, remedy: string, cause: unknown): WritebackError {
  return new WritebackError(
    'CertificateUnusable',
    `The certificate file ${path} cannot be used to sign in to the directory: ${why}.`,
    { target: path, remedy, detail: why, cause },
  );
}
