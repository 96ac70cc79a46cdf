/** A certificate for a client of the directory, in every form in which its owner may keep it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runProgram } from '../lab/program.ts';

export interface ClientCertificateFiles {
  /** Certificate and key. */
  readonly pem: string;
  /** The same with the key encrypted. */
  readonly encryptedPem: string;
  readonly pfx: string;
  /** Of the encrypted forms. */
  readonly password: string;
  readonly subject: string;
  /** PEM of its authority, which is itself. */
  readonly authority: string;
  remove(): Promise<void>;
}

export async function makeClientCertificate(): Promise<ClientCertificateFiles> {
  const folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-client-'));
  const file = (name: string): string => path.join(folder, name);
  const password = 'Client-Passw0rd!';
  const openssl = (line: string): Promise<string> => runProgram('openssl', line.split(' '), { folder });
  await openssl(
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=svc-sync -addext extendedKeyUsage=clientAuth -keyout key.pem -out cert.pem`,
  );
  await openssl(`pkcs12 -export -inkey key.pem -in cert.pem -out client.pfx -passout pass:${password}`);
  await openssl(`pkcs8 -topk8 -in key.pem -out encrypted-key.pem -passout pass:${password}`);
  const authority = await readFile(file('cert.pem'), 'utf8');
  const joined = async (key: string, to: string): Promise<string> => {
    await runProgram('sh', ['-c', `cat "${key}" cert.pem > "${to}"`], { folder });
    return file(to);
  };
  return {
    pem: await joined('key.pem', 'client.pem'),
    encryptedPem: await joined('encrypted-key.pem', 'encrypted.pem'),
    pfx: file('client.pfx'),
    password,
    subject: 'CN=svc-sync',
    authority,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
