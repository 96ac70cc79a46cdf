/** Certificates with keys in the personal store of an account of our own, as .NET keeps it outside Windows. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runProgram } from '../lab/program.ts';

export interface StoreAccount {
  /** What makes a process this account, as far as the store is concerned. */
  readonly environment: { readonly HOME: string };
  /** Makes a certificate with its key in CurrentUser\My. */
  add(key: 'rsa:2048' | 'ec'): Promise<X509Certificate>;
  remove(): void;
}

export function createStoreAccount(): StoreAccount {
  const home = mkdtempSync(path.join(tmpdir(), 'devicewriteback-home-'));
  const store = path.join(home, '.dotnet/corefx/cryptography/x509stores/my');
  mkdirSync(store, { recursive: true, mode: 0o700 });
  let count = 0;
  return {
    environment: { HOME: home },
    add: async (key) => {
      count += 1;
      const [pem, pfx] = [path.join(home, `${count}.pem`), path.join(store, `${count}.pfx`)];
      const algorithm = key === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : [key];
      const subject = ['-nodes', '-days', '2', '-subj', `/CN=Store certificate ${count}`];
      await runProgram('openssl', ['req', '-x509', '-newkey', ...algorithm, ...subject, '-keyout', pem, '-out', pem]);
      await runProgram('openssl', ['pkcs12', '-export', '-in', pem, '-out', pfx, '-passout', 'pass:']);
      return new X509Certificate(readFileSync(pem));
    },
    remove: () => rmSync(home, { recursive: true }),
  };
}

export function thumbprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint.replaceAll(':', '');
}
