import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { WritebackError, type ErrorCode } from '../errors.ts';

/** What signs in an application: its key, and the certificate's SHA-256 thumbprint, by which Entra knows it. */
export interface SigningCertificate {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** 64 hexadecimal digits. */
  readonly thumbprint: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;
const SHORTEST_KEY = 2048;

/**
 * Reads a PEM file (RFC 7468) that holds a certificate and its private key in any order; of several certificates, such
 * as a chain, the one that the key belongs to is taken.
 * Throws CertificateUnusable for a file that lacks either or whose key is encrypted, too short, not RSA or of another
 * certificate; CertificateExpired for one that is not valid at this time.
 */
export async function readCertificate(path: string, now: Date): Promise<SigningCertificate> {
  const unusable = problem('CertificateUnusable', path);
  const pem = await readPem(path);
  const blocks = [...pem.matchAll(BLOCK)].map(([text, label]) => ({ text, label: label ?? '' }));
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ text }) => parsed(path, text));
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const keyBlock = keys[0];
  if (certificates.length === 0) {
    throw unusable(
      'it holds no certificate in PEM form',
      'Put the certificate and its private key into one PEM file; a PFX becomes one with: openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes',
    );
  }
  if (keyBlock === undefined) {
    throw unusable('it holds no private key', 'Add the private key of the certificate to the file, in PEM form.');
  }
  if (keyBlock.label.startsWith('ENCRYPTED') || keyBlock.text.includes('ENCRYPTED')) {
    throw unusable(
      'its private key is encrypted',
      'Give a file whose key is not encrypted, and let only the account that runs the sync read it.',
    );
  }
  const key = parsedKey(path, keyBlock.text);
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < SHORTEST_KEY) {
    throw unusable(
      `its private key is not an RSA key of ${SHORTEST_KEY} bits or more`,
      'Entra signs in applications with RSA certificates: make a new one and add it to the application.',
    );
  }
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(key));
  if (certificate === undefined) {
    throw unusable(
      'its private key does not belong to the certificate in it',
      'Put the certificate and its own private key into the file.',
    );
  }
  checkValidity(path, certificate, now);
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprint: certificate.fingerprint256.replaceAll(':', ''),
  };
}

function checkValidity(path: string, certificate: X509Certificate, now: Date): void {
  const expired = problem('CertificateExpired', path);
  const subject = `the certificate "${certificate.subject.replaceAll('\n', ', ')}"`;
  if (certificate.validToDate < now) {
    throw expired(
      `${subject} expired on ${certificate.validToDate.toISOString()}`,
      'Make a new certificate, add it to the application in Entra, and give its file.',
    );
  }
  if (certificate.validFromDate > now) {
    throw expired(
      `${subject} is not valid before ${certificate.validFromDate.toISOString()}`,
      'Check the clock of this computer, or wait until the certificate is valid.',
    );
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw problem('CertificateUnusable', path)(
      `it cannot be read: ${words}`,
      'Check the path, and that the account that runs this may read the file.',
      error,
    );
  }
}

function parsed(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw problem('CertificateUnusable', path)(
      'a certificate in it is damaged',
      'Export the certificate again.',
      error,
    );
  }
}

function parsedKey(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw problem('CertificateUnusable', path)('its private key is damaged', 'Export the private key again.');
  }
}

type Problem = (what: string, remedy: string, cause?: unknown) => WritebackError;

function problem(code: ErrorCode, path: string): Problem {
  return (what, remedy, cause) =>
    new WritebackError(code, `The certificate file ${path} cannot be used to sign in: ${what}.`, {
      target: path,
      remedy,
      cause,
    });
}
