import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { expect } from 'chai';
import { type DirectoryUser, type DomainController, startDomainController } from './domainController.ts';
import { LdapTools } from './ldapTools.ts';
import { textValues } from './ldif.ts';
import { ProgramError } from './program.ts';
import { CONNECTION_POINT_DN, REGISTRATION_SERVICE_DN } from './registrationService.ts';

const DEVICE_RDN = 'CN=9d53c6fa-b38e-4509-8fb1-51dedb421aac';
const DEVICE_ATTRIBUTES = `objectClass: msDS-Device
altSecurityIdentities: X509:<SHA1-TP-PUBKEY>D09A73223D16855752C5E820A70540BA6450103EfAEQj2hW5Ox+vjZP9wx5rOLbJypnn7SVJ8aw+GVD42Y=
displayName: MyPC
msDS-DeviceID:: +sZTnY6zCUWPsVHe20IarA==
msDS-IsEnabled: TRUE
msDS-IsManaged: TRUE
msDS-CloudAnchor:: ncJJ4I+MFkC5WZjz/M1mjA==
msDS-DeviceObjectVersion: 2
msDS-DeviceOSType: Windows
msDS-DeviceOSVersion: 10.0.17134.0
msDS-DevicePhysicalIDs: [GID]:g:6825773979753362
msDS-DevicePhysicalIDs: [HWID]:h:6755410885010397
msDS-RegisteredOwner: S-1-5-21-685966194-1071688910-211446493-3729
`;

/** LDAP result codes (RFC 4511, appendix A). */
const STRONGER_AUTH_REQUIRED = 8;
const NO_SUCH_ATTRIBUTE = 16;
const INSUFFICIENT_ACCESS_RIGHTS = 50;

describe('lab: a domain controller', () => {
  let server2012: DomainController;
  let server2016: DomainController;
  let user: DirectoryUser;
  let deviceDn: string;

  before(async () => {
    [server2012, server2016] = await Promise.all([
      startDomainController({ schema: 69, prepared: true }),
      startDomainController({ schema: 87, prepared: true }),
    ]);
    user = await server2016.addUser('svc-writer', 'Svc-Passw0rd!');
    deviceDn = `${DEVICE_RDN},${server2016.deviceContainerDn}`;
  });

  after(async () => {
    await Promise.all([server2012?.stop(), server2016?.stop()]);
  });

  it('has the schema that was asked for', async () => {
    expect(await schemaVersion(server2012)).to.equal('69');
    expect(await schemaVersion(server2016)).to.equal('87');
    expect(await schemaAttributes(server2012)).to.deep.equal(['msDS-IsManaged']);
    expect(await schemaAttributes(server2016)).to.deep.equal(['msDS-IsCompliant', 'msDS-IsManaged']);
  });

  it('runs beside others on an address of its own', () => {
    expect(server2012.address).to.match(/^127\.0\.1\.\d+$/);
    expect(server2016.address)
      .to.match(/^127\.0\.1\.\d+$/)
      .and.not.equal(server2012.address);
    expect(server2016.folder).to.not.equal(server2012.folder);
  });

  it('refuses an address that another one has', async () => {
    const attempt = startDomainController({ schema: 87, address: server2016.address });
    expect((await rejection(attempt)).message).to.contain(`${server2016.address} is in use`);
  });

  it('shows a certificate of its authority that names its address and host', async () => {
    const certificate = await connectTls(server2016);
    expect(certificate.subjectaltname?.split(', ')).to.have.members([
      `DNS:${server2016.hostName}`,
      `IP Address:${server2016.address}`,
    ]);
  });

  it('shows a certificate that its authority does not make trusted elsewhere', async () => {
    const error = await rejection(connectTls(server2016, server2012.caFile));
    expect(error)
      .to.have.property('code')
      .that.matches(/^(UNABLE_TO_|CERT_SIGNATURE_FAILURE)/);
  });

  it('shows an expired certificate, or one of another host, when told to', async () => {
    const [expired, otherHost] = await Promise.all([
      startDomainController({ schema: 87, certificate: 'expired' }),
      startDomainController({ schema: 87, certificate: 'otherHost', prepared: true }),
    ]);
    try {
      expect(await rejection(connectTls(expired))).to.have.property('code', 'CERT_HAS_EXPIRED');
      expect(await rejection(connectTls(otherHost))).to.have.property('code', 'ERR_TLS_CERT_ALTNAME_INVALID');
      expect((await otherHost.ldapSearch(otherHost.deviceContainerDn)).entries).to.have.length(1);
    } finally {
      await Promise.all([expired.stop(), otherHost.stop()]);
    }
  });

  it('refuses a password without TLS', async () => {
    const plain = new LdapTools(server2016.plainUrl, server2016.caFile);
    const error = await rejection(
      plain.search(server2016.domainDn, '(objectClass=*)', [], 'base', server2016.administrator),
    );
    expect(exitCode(error)).to.equal(STRONGER_AUTH_REQUIRED);
  });

  it('holds the objects of a prepared forest', async () => {
    const { entries } = await server2016.ldapSearch(REGISTRATION_SERVICE_DN, '(objectClass=*)', [], 'base');
    const [service] = entries;
    expect(service && textValues(service, 'msDS-DeviceLocation')).to.deep.equal([server2016.deviceContainerDn]);
    const point = await server2016.ldapSearch(CONNECTION_POINT_DN, '(objectClass=*)', ['keywords'], 'base');
    expect(point.text).to.contain('azureADId:72f988bf-86f1-41af-91ab-2d7cd011db47');
  });

  it('has no such objects when not prepared', async () => {
    const bare = await startDomainController({ schema: 69 });
    try {
      const found = await bare.ldapSearch(bare.configurationDn, '(objectClass=msDS-DeviceRegistrationService)');
      expect(found.entries).to.deep.equal([]);
      expect((await bare.ldapSearch(bare.domainDn, '(objectClass=msDS-DeviceContainer)')).entries).to.deep.equal([]);
    } finally {
      await bare.stop();
    }
  });

  it('lets a user write device objects only with the least rights', async () => {
    const ldif = `dn: ${deviceDn}\n${DEVICE_ATTRIBUTES}msDS-IsCompliant: TRUE\n`;
    const disable = `dn: ${deviceDn}\nchangetype: modify\nreplace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE\n`;
    expect(exitCode(await rejection(server2016.ldapAdd(ldif, user)))).to.equal(INSUFFICIENT_ACCESS_RIGHTS);

    await server2016.grantLeastRights(user.sid);
    const before = await server2016.highestCommittedUsn();
    await server2016.ldapAdd(ldif, user);
    await server2016.ldapModify(disable, user);
    expect(await server2016.highestCommittedUsn()).to.be.greaterThan(before);

    const { entries } = await server2016.ldapSearch(deviceDn, '(objectClass=*)', [], 'base', user);
    const attributes = entries[0]?.attributes;
    expect(attributes?.get('msDS-DeviceID')?.map((value) => value.toString('hex'))).to.deep.equal([
      'fac6539d8eb309458fb151dedb421aac',
    ]);
    expect(attributes?.get('msDS-IsEnabled')?.map(String)).to.deep.equal(['FALSE']);
    expect(attributes?.get('msDS-DevicePhysicalIDs')).to.have.length(2);
  });

  it('does not count a search as a write', async () => {
    const before = await server2016.highestCommittedUsn();
    await server2016.ldapSearch(server2016.deviceContainerDn);
    expect(await server2016.highestCommittedUsn()).to.equal(before);
  });

  it('stores a device key that points at its own object on the 2016 schema', async () => {
    const value = `B:8:00020000:${deviceDn}`;
    const change = `dn: ${deviceDn}\nchangetype: modify\nadd: msDS-KeyCredentialLink\nmsDS-KeyCredentialLink: ${value}\n`;
    await server2016.ldapModify(change);
    const { entries } = await server2016.ldapSearch(deviceDn, '(objectClass=*)', ['msDS-KeyCredentialLink'], 'base');
    expect(entries[0] && textValues(entries[0], 'msDS-KeyCredentialLink')).to.deep.equal([value]);
  });

  it('knows no compliance on the 2012 R2 schema', async () => {
    const dn = `${DEVICE_RDN},${server2012.deviceContainerDn}`;
    const refused = server2012.ldapAdd(`dn: ${dn}\n${DEVICE_ATTRIBUTES}msDS-IsCompliant: TRUE\n`);
    expect(exitCode(await rejection(refused))).to.equal(NO_SUCH_ATTRIBUTE);
    await server2012.ldapAdd(`dn: ${dn}\n${DEVICE_ATTRIBUTES}`);
  });

  it('has the Kerberos principal of its LDAP service', async () => {
    const [account] = await server2016.ldbSearch('(sAMAccountName=DC1$)', ['servicePrincipalName']);
    expect(account && textValues(account, 'servicePrincipalName')).to.include(`ldap/${server2016.hostName}`);
  });

  it('keeps what was written over kill -9 and restart, on the same address', async () => {
    const durable = await startDomainController({ schema: 87, durable: true });
    try {
      const written = await durable.addUser('kept', 'Kept-Passw0rd!');
      const { address, pid } = durable;
      await durable.kill();
      expect(processesIn(durable.folder)).to.deep.equal([]);
      await durable.restart();
      expect(durable.address).to.equal(address);
      expect(durable.pid).to.not.equal(pid);
      expect((await durable.ldapSearch(written.dn, '(objectClass=*)', ['cn'], 'base', written)).entries).to.have.length(
        1,
      );
    } finally {
      await durable.stop();
    }
  });

  it('leaves no process, no folder and a free address when stopped', async () => {
    const first = await startDomainController({ schema: 87 });
    expect(processesIn(first.folder)).to.include(first.pid).and.to.have.length.greaterThan(4);
    await first.stop();
    expect(processesIn(first.folder)).to.deep.equal([]);
    expect(existsSync(first.folder)).to.equal(false);
    const second = await startDomainController({ schema: 87, address: first.address });
    await second.stop();
    await second.stop();
  });

  it('ends with the process that started it, also when that is killed', async () => {
    const lab = JSON.stringify(new URL('domainController.ts', import.meta.url).href);
    const program = `
      const { startDomainController } = await import(${lab});
      const { address, folder } = await startDomainController({ schema: 87 });
      console.log(JSON.stringify({ address, folder }));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { address, folder } = await firstLine(child.stdout);
    expect(address).to.not.be.oneOf([server2012.address, server2016.address]);
    expect(processesIn(folder)).to.have.length.greaterThan(4);

    child.kill('SIGKILL');
    const limit = performance.now() + 5000;
    while (processesIn(folder).length > 0 && performance.now() < limit) await delay(20);
    expect(processesIn(folder)).to.deep.equal([]);

    const next = await startDomainController({ schema: 87, address });
    await next.stop();
    expect(existsSync(folder), 'the folder of the killed process').to.equal(false);
  });
});

async function schemaVersion(server: DomainController): Promise<string | undefined> {
  const schemaDn = `CN=Schema,${server.configurationDn}`;
  const { entries } = await server.ldapSearch(schemaDn, '(objectClass=*)', ['objectVersion'], 'base');
  return entries[0] && textValues(entries[0], 'objectVersion')[0];
}

async function schemaAttributes(server: DomainController): Promise<string[]> {
  const filter = '(|(lDAPDisplayName=msDS-IsManaged)(lDAPDisplayName=msDS-IsCompliant))';
  const found = await server.ldapSearch(`CN=Schema,${server.configurationDn}`, filter, ['lDAPDisplayName'], 'one');
  return found.entries.flatMap((entry) => textValues(entry, 'lDAPDisplayName')).toSorted();
}

/** Connects with full verification, and gives the server's certificate. */
async function connectTls(server: DomainController, caFile = server.caFile): Promise<tls.PeerCertificate> {
  const ca = await readFile(caFile);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: server.address, port: server.securePort, ca }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => new Error('It did not fail.'),
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new TypeError('It failed with something that is no Error.');
}

function exitCode(error: Error): number | null | undefined {
  return error instanceof ProgramError ? error.exitCode : undefined;
}

/** The living processes whose working folder is this one: another sign than the process group by which they are ended. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readlinkSync(`/proc/${name}/cwd`).startsWith(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<{ address: string; folder: string }> {
  for await (const line of createInterface({ input: stream })) {
    const started: unknown = JSON.parse(line);
    if (typeof started === 'object' && started !== null && 'address' in started && 'folder' in started) {
      return { address: String(started.address), folder: String(started.folder) };
    }
  }
  throw new Error('The process ended before its domain controller had started.');
}
