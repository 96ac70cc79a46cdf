import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** A self-signed certificate, valid for 30 days, and its private key, both PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Made by openssl; the subject alternative names are localhost and 127.0.0.1. */
export async function newCertificate(newKey: readonly string[] = ['rsa:2048']): Promise<CertificateAndKey> {
  const folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-certificate-'));
  try {
    const names = ['-subj', '/CN=Device Writeback', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const files = ['-keyout', 'key.pem', '-out', 'certificate.pem'];
    const request = ['req', '-x509', '-days', '30', '-nodes', '-newkey', ...newKey, ...names, ...files];
    await promisify(execFile)('openssl', request, { cwd: folder });
    return {
      certificate: await readFile(path.join(folder, 'certificate.pem'), 'utf8'),
      privateKey: await readFile(path.join(folder, 'key.pem'), 'utf8'),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The password of PFX files and encrypted keys. */
export const PASSWORD = 'Throw~Away.Wort-7ü';

/** A certificate with a key of RSA that another key, made and used so, has signed. */
export async function newIssuedCertificate(
  issuerKey: readonly string[],
  signing: readonly string[],
): Promise<CertificateAndKey> {
  const folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-certificate-'));
  const openssl = (...options: string[]) => promisify(execFile)('openssl', options, { cwd: folder });
  try {
    const issuer = ['-nodes', '-newkey', ...issuerKey, '-keyout', 'issuer.key', '-out', 'issuer.pem'];
    await openssl('req', '-x509', '-days', '30', '-subj', '/CN=Issuer', ...issuer);
    const request = ['-nodes', '-newkey', 'rsa:2048', '-keyout', 'key.pem', '-out', 'request.pem'];
    await openssl('req', '-subj', '/CN=Device Writeback', ...request);
    const files = ['-CA', 'issuer.pem', '-CAkey', 'issuer.key', '-CAcreateserial', '-out', 'certificate.pem'];
    await openssl('x509', '-req', '-in', 'request.pem', '-days', '30', ...files, ...signing);
    return {
      certificate: await readFile(path.join(folder, 'certificate.pem'), 'utf8'),
      privateKey: await readFile(path.join(folder, 'key.pem'), 'utf8'),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Writes a PFX file into this folder, by openssl; gives its path. */
export async function pfx(
  folder: string,
  { certificate, privateKey }: CertificateAndKey,
  more: { readonly options?: readonly string[]; readonly chain?: readonly string[]; readonly password?: string } = {},
): Promise<string> {
  const file = path.join(folder, 'application.pfx');
  await writeFile(path.join(folder, 'pair.pem'), [certificate, privateKey, ...(more.chain ?? [])].join('\n'));
  const options = ['-in', 'pair.pem', '-out', file, '-passout', `pass:${more.password ?? PASSWORD}`];
  await promisify(execFile)('openssl', ['pkcs12', '-export', ...options, ...(more.options ?? [])], { cwd: folder });
  return file;
}
