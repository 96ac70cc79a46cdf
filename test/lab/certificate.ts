import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from './domain.ts';
import { runProgram } from './program.ts';

/**
 * good: valid, names host and address; expired: the same, but its time is over; otherHost: valid, but names another
 * host and address.
 */
export type CertificateKind = 'good' | 'expired' | 'otherHost';

export interface ServerCertificate {
  /** PEM of the certification authority that issued it. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

const OTHER_HOST = { name: 'other.corp.contoso.test', address: '127.0.9.9' };
const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes a certification authority of its own in `folder`, and by it a certificate for the domain controller. */
export async function issueCertificate(
  folder: string,
  address: string,
  kind: CertificateKind,
  name = ROOT.hostName,
): Promise<ServerCertificate> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = (name: string): string => path.join(folder, name);
  const openssl = (command: string): Promise<string> => runProgram('openssl', command.split(' '), { folder });
  const host = kind === 'otherHost' ? OTHER_HOST : { name, address };
  const now = Date.now();
  const [start, end] = kind === 'expired' ? [now - 3 * DAY_MS, now - DAY_MS] : [now - DAY_MS, now + 30 * DAY_MS];
  await writeFile(file('authority.cnf'), AUTHORITY_CONFIGURATION);
  await writeFile(file('server.cnf'), serverConfiguration(host));
  await writeFile(file('issued.txt'), '');
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  await openssl(`req -x509 -config authority.cnf -days 60 ${newKey} -keyout ca.key -out ca.pem`);
  await openssl(`req -new -config server.cnf ${newKey} -keyout server.key -out server.csr`);
  const validity = `-startdate ${generalizedTime(start)} -enddate ${generalizedTime(end)}`;
  await openssl(
    `ca -batch -notext -config authority.cnf -extfile server.cnf ${validity} -in server.csr -out server.pem`,
  );
  await rm(file('ca.key'));
  return { caFile: file('ca.pem'), certificateFile: file('server.pem'), keyFile: file('server.key') };
}

const AUTHORITY_CONFIGURATION = `
[req]
prompt = no
distinguished_name = subject
x509_extensions = authority
[subject]
commonName = Lab Certification Authority
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = lab
[lab]
database = issued.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
`;

function serverConfiguration(host: { readonly name: string; readonly address: string }): string {
  return `
extensions = server
[req]
prompt = no
distinguished_name = subject
[subject]
commonName = ${host.name}
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:${host.name}, IP:${host.address}
authorityKeyIdentifier = keyid
`;
}

/** YYYYMMDDHHMMSSZ, as openssl-ca(1) takes it. */
function generalizedTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}
