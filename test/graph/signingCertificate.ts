import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
