import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { WritebackError, type ErrorCode } from '../errors.ts';
import { PfxFailure, readPfx } from './pfx.ts';

/** What signs in an application: its key, and the certificate's SHA-256 thumbprint, by which Entra knows it. */
export interface SigningCertificate {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** 64 hexadecimal digits. */
  readonly thumbprint: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;
const SHORTEST_KEY = 2048;

/** An ASN.1 SEQUENCE, with which every PFX begins; PEM is text. */
const SEQUENCE = 0x30;

/**
 * Reads a file that holds a certificate and its private key in any order, PEM (RFC 7468) or PFX; of several certificates,
 * such as a chain, the one that the key belongs to is taken. The password opens a PFX or an encrypted private key.
 * Throws CertificateUnusable for a file that lacks either or whose key cannot be opened, is too short, not RSA or of
 * another certificate; CertificateExpired for one that is not valid at this time.
 */
export async function readCertificate(path: string, password: string | null, now: Date): Promise<SigningCertificate> {
  const unusable = certificateProblem('CertificateUnusable', `file ${path}`, path);
  const bytes = await readBytes(path);
  const { certificates, keys } = bytes[0] === SEQUENCE ? await fromPfx(path, bytes, password) : fromPem(bytes);
  const [keyText] = keys;
  if (certificates.length === 0) {
    throw unusable('it holds no certificate', 'Put the certificate and its private key into one file, PEM or PFX.');
  }
  if (keyText === undefined) {
    throw unusable('it holds no private key', 'Export the certificate again with its private key.');
  }
  const key = parsedKey(path, keyText, password);
  if (!isSigningKey(key)) throw unusable(...NO_SIGNING_KEY);
  const certificate = certificates
    .map((text) => parsed(path, text))
    .find((candidate) => candidate.checkPrivateKey(key));
  if (certificate === undefined) {
    throw unusable(
      'its private key does not belong to the certificate in it',
      'Put the certificate and its own private key into the file.',
    );
  }
  checkValidity(`file ${path}`, path, certificate, now);
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprint: certificate.fingerprint256.replaceAll(':', ''),
  };
}

interface Blocks {
  /** Each PEM. */
  readonly certificates: readonly string[];
  readonly keys: readonly string[];
}

function fromPem(bytes: Buffer): Blocks {
  const blocks = [...bytes.toString('latin1').matchAll(BLOCK)].map(([text, label]) => ({ text, label: label ?? '' }));
  return {
    certificates: blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ text }) => text),
    keys: blocks.filter(({ label }) => label.endsWith('PRIVATE KEY')).map(({ text }) => text),
  };
}

async function fromPfx(path: string, bytes: Buffer, password: string | null): Promise<Blocks> {
  try {
    const { certificates, privateKeys } = await readPfx(bytes, password);
    return { certificates, keys: privateKeys };
  } catch (error) {
    if (!(error instanceof PfxFailure)) throw error;
    const unusable = certificateProblem('CertificateUnusable', `file ${path}`, path);
    if (!error.ofPassword)
      throw unusable(error.message, 'Export the certificate again as PFX or PEM, with its private key.');
    throw password === null
      ? unusable('it needs a password', 'Give the password with which the file was exported.')
      : unusable(error.message, 'Give the password with which the file was exported.');
  }
}

/** Throws CertificateExpired for a certificate that is not valid at this time; for the name, see certificateProblem. */
export function checkValidity(name: string, target: string, certificate: X509Certificate, now: Date): void {
  const expired = certificateProblem('CertificateExpired', name, target);
  const subject = `the certificate "${certificate.subject.replaceAll('\n', ', ')}"`;
  if (certificate.validToDate < now) {
    throw expired(
      `${subject} expired on ${certificate.validToDate.toISOString()}`,
      'Make a new certificate, add it to the application in Entra, and give that one.',
    );
  }
  if (certificate.validFromDate > now) {
    throw expired(
      `${subject} is not valid before ${certificate.validFromDate.toISOString()}`,
      'Check the clock of this computer, or wait until the certificate is valid.',
    );
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw certificateProblem('CertificateUnusable', `file ${path}`, path)(
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
    throw certificateProblem('CertificateUnusable', `file ${path}`, path)(
      'a certificate in it is damaged',
      'Export the certificate again.',
      error,
    );
  }
}

function parsedKey(path: string, text: string, password: string | null): KeyObject {
  const unusable = certificateProblem('CertificateUnusable', `file ${path}`, path);
  const encrypted = text.includes('ENCRYPTED');
  if (encrypted && password === null) {
    throw unusable('its private key is encrypted', 'Give the password of the private key.');
  }
  try {
    return createPrivateKey(encrypted ? { key: text, passphrase: password ?? '' } : text);
  } catch {
    throw encrypted
      ? unusable('the password does not open its private key', 'Give the password with which the key was encrypted.')
      : unusable('its private key is damaged', 'Export the private key again.');
  }
}

type Problem = (what: string, remedy: string, cause?: unknown) => WritebackError;

/** Makes errors about one certificate. The name follows "The certificate", such as "file /etc/app.pem". */
export function certificateProblem(code: ErrorCode, name: string, target: string): Problem {
  return (what, remedy, cause) =>
    new WritebackError(code, `The certificate ${name} cannot be used to sign in: ${what}.`, { target, remedy, cause });
}

/** Whether Entra takes signatures of this key. */
export function isSigningKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= SHORTEST_KEY;
}

/** The error of a key for which that does not hold. */
export const NO_SIGNING_KEY = [
  `its private key is not an RSA key of ${SHORTEST_KEY} bits or more`,
  'Entra signs in applications with RSA certificates: make a new one and add it to the application.',
] as const;
