import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { holdAddress } from './address.ts';
import { type CertificateKind, issueCertificate, type ServerCertificate } from './certificate.ts';
import {
  COMPUTER_NAME,
  CONFIGURATION_DN,
  type Credential,
  type Domain,
  DURABLE_LAB_FOLDER,
  LAB_FOLDER,
  ROOT,
  type SchemaVersion,
} from './domain.ts';
import type { Hold } from './hold.ts';
import { LdapTools, type SearchAnswer, type SearchScope } from './ldapTools.ts';
import { type LdifEntry, parseLdif, textValues } from './ldif.ts';
import { runProgram } from './program.ts';
import { deviceContainerDn, leastRightsSddl, preparationLdif, type Tenant } from './registrationService.ts';
import { SambaProcess } from './sambaProcess.ts';
import { copyTemplate } from './template.ts';

export interface DomainControllerOptions {
  readonly schema: SchemaVersion;
  /** Default the root of the forest. */
  readonly domain?: Domain;
  /** A loopback address; default a free one of 127.0.1.10 to 127.0.1.249. */
  readonly address?: string;
  /** Default good. */
  readonly certificate?: CertificateKind;
  /** True keeps the database on disk with fsync, so that a kill or a full disk tells something; default in memory. */
  readonly durable?: boolean;
  /** True makes the container and the registration service right after the start; a tenant is named by it. */
  readonly prepared?: boolean | Tenant;
}

/** A user of the lab, as `addUser` made it. */
export interface DirectoryUser extends Credential {
  readonly dn: string;
  readonly sid: string;
}

/**
 * Starts a real Samba domain controller on a loopback address of its own, with a fresh directory and certificate. It
 * ends at the latest with this process, in whatever way that ends.
 */
export async function startDomainController(options: DomainControllerOptions): Promise<DomainController> {
  const parent = path.join(options.durable ? DURABLE_LAB_FOLDER : LAB_FOLDER, 'running');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await removeAbandoned(parent);
  const { domain = ROOT, durable = false } = options;
  const held = await holdAddress(options.address);
  const folder = await mkdtemp(path.join(parent, `${process.pid}-`));
  try {
    const certificate = await issueCertificate(
      path.join(folder, 'tls'),
      held.address,
      options.certificate ?? 'good',
      domain.hostName,
    );
    await copyTemplate(options.schema, domain, folder);
    const configurationFile = path.join(folder, 'smb.conf');
    await writeFile(configurationFile, sambaConfiguration(folder, domain, held.address, certificate, durable));
    const samba = await SambaProcess.start(folder, configurationFile, held.address);
    const domainController = new DomainController(options, domain, folder, held.address, certificate, held, samba);
    try {
      if (options.prepared) await domainController.prepare(options.prepared === true ? undefined : options.prepared);
      return domainController;
    } catch (error) {
      await domainController.stop();
      throw error;
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    await held.release();
    throw error;
  }
}

/** A running domain controller. Its directory holds what provisioning gives and what tests add. */
export class DomainController {
  readonly schema: SchemaVersion;
  readonly address: string;
  /** Plain LDAP with StartTLS or Kerberos, and LDAPS. */
  readonly port = 389;
  readonly securePort = 636;
  readonly hostName: string;
  readonly domainName: string;
  readonly realm: string;
  readonly domainDn: string;
  readonly configurationDn = CONFIGURATION_DN;
  readonly deviceContainerDn: string;
  readonly administrator: Credential;
  /** PEM of the authority that issued the server's certificate. */
  readonly caFile: string;
  /** ldaps://address:636 */
  readonly url: string;
  /** ldap://address:389 */
  readonly plainUrl: string;
  /** Everything of this domain controller lies here; `stop` deletes it. */
  readonly folder: string;
  readonly #configurationFile: string;
  readonly #databaseFile: string;
  readonly #tools: LdapTools;
  readonly #hold: Hold;
  #samba: SambaProcess;

  constructor(
    options: DomainControllerOptions,
    domain: Domain,
    folder: string,
    address: string,
    certificate: ServerCertificate,
    hold: Hold,
    samba: SambaProcess,
  ) {
    this.schema = options.schema;
    this.hostName = domain.hostName;
    this.domainName = domain.name;
    this.realm = domain.realm;
    this.domainDn = domain.dn;
    this.deviceContainerDn = deviceContainerDn(domain.dn);
    this.administrator = domain.administrator;
    this.address = address;
    this.caFile = certificate.caFile;
    this.url = `ldaps://${address}:${this.securePort}`;
    this.plainUrl = `ldap://${address}:${this.port}`;
    this.folder = folder;
    this.#configurationFile = path.join(folder, 'smb.conf');
    this.#databaseFile = path.join(folder, 'private', 'sam.ldb');
    this.#tools = new LdapTools(this.url, (options.certificate ?? 'good') === 'good' ? certificate.caFile : null);
    this.#hold = hold;
    this.#samba = samba;
  }

  /** The leader of the process group that all processes of this domain controller belong to. */
  get pid(): number {
    return this.#samba.pid;
  }

  /** Ends it in order, deletes its folder and frees its address. After `kill` too; a second call does nothing. */
  async stop(): Promise<void> {
    await this.#samba.stop();
    await rm(this.folder, { recursive: true, force: true });
    await this.#hold.release();
  }

  /** kill -9 of all its processes. Folder and address stay, for `restart` or `stop`. */
  async kill(): Promise<void> {
    await this.#samba.kill();
  }

  /** Starts it again on the same directory and address; ends it in order first if it runs. */
  async restart(): Promise<void> {
    await this.#samba.stop();
    this.#samba = await SambaProcess.start(this.folder, this.#configurationFile, this.address);
  }

  /** Makes the container of the device objects, the registration service and the service connection point. */
  async prepare(tenant?: Tenant): Promise<void> {
    await this.ldapAdd(preparationLdif(tenant, this.deviceContainerDn));
  }

  /** Adds an enabled user without any right of its own to CN=Users. */
  async addUser(name: string, password: string): Promise<DirectoryUser> {
    const dn = `CN=${name},CN=Users,${this.domainDn}`;
    const userName = `${name}@${this.domainName}`;
    // unicodePwd takes the quoted password in UTF-16LE (MS-ADTS 3.1.1.3.1.5.1); 512 is a normal enabled account.
    const unicodePassword = Buffer.from(`"${password}"`, 'utf16le').toString('base64');
    await this.ldapAdd(`dn: ${dn}
objectClass: user
sAMAccountName: ${name}
userPrincipalName: ${userName}
userAccountControl: 512
unicodePwd:: ${unicodePassword}
`);
    // The local tool prints a SID as text, where LDAP gives its bytes.
    const [entry] = await this.ldbSearch('(objectClass=user)', ['objectSid'], dn, 'base');
    const [sid] = entry ? textValues(entry, 'objectSid') : [];
    if (sid === undefined) throw new Error(`The user ${dn} was added, but has no objectSid.`);
    return { dn, sid, userName, password };
  }

  /** Gives the account the least rights to write device objects on the container, by samba-tool dsacl. */
  async grantLeastRights(sid: string, containerDn: string = this.deviceContainerDn): Promise<void> {
    await this.addAccess(containerDn, leastRightsSddl(sid));
  }

  /** Adds access control entries (SDDL) to an object, by samba-tool dsacl. */
  async addAccess(dn: string, sddl: string): Promise<void> {
    const database = ['-s', this.#configurationFile, '-H', this.#databaseFile];
    await runProgram('samba-tool', ['dsacl', 'set', ...database, `--objectdn=${dn}`, `--sddl=${sddl}`]);
  }

  /** ldapsearch over LDAPS. Rejects with a ProgramError whose exit code is the LDAP result code. */
  ldapSearch(
    base: string,
    filter = '(objectClass=*)',
    attributes: readonly string[] = [],
    scope: SearchScope = 'sub',
    credential: Credential = this.administrator,
  ): Promise<SearchAnswer> {
    return this.#tools.search(base, filter, attributes, scope, credential);
  }

  /** ldapadd over LDAPS, content LDIF. Rejects with a ProgramError whose exit code is the LDAP result code. */
  ldapAdd(ldif: string, credential: Credential = this.administrator): Promise<void> {
    return this.#tools.add(ldif, credential);
  }

  /** ldapmodify over LDAPS, change LDIF. Rejects with a ProgramError whose exit code is the LDAP result code. */
  ldapModify(ldif: string, credential: Credential = this.administrator): Promise<void> {
    return this.#tools.modify(ldif, credential);
  }

  /** Searches the database file itself as SYSTEM, past the LDAP server and its access checks. */
  async ldbSearch(
    filter: string,
    attributes: readonly string[] = [],
    base: string = this.domainDn,
    scope: SearchScope = 'sub',
  ): Promise<LdifEntry[]> {
    const parameters = ['-H', this.#databaseFile, `--configfile=${this.#configurationFile}`, '-b', base];
    return parseLdif(await runProgram('ldbsearch', [...parameters, `--scope=${scope}`, filter, ...attributes]));
  }

  /** Adds to the database file itself as SYSTEM, though what a value names is not there. */
  async ldbAdd(ldif: string): Promise<void> {
    const parameters = ['-H', this.#databaseFile, `--configfile=${this.#configurationFile}`, '--relax'];
    await runProgram('ldbadd', parameters, { input: ldif });
  }

  /** highestCommittedUSN of the rootDSE (MS-ADTS 3.1.1.3.2): it grows with every write, whoever does it. */
  async highestCommittedUsn(): Promise<number> {
    const { entries } = await this.ldapSearch('', '(objectClass=*)', ['highestCommittedUSN'], 'base');
    const [usn] = entries[0] ? textValues(entries[0], 'highestCommittedUSN') : [];
    if (usn === undefined) throw new Error(`The rootDSE of ${this.url} has no highestCommittedUSN.`);
    return Number(usn);
  }
}

/** A folder is named after the process that made it; one whose process ended without `stop` is nobody's. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = Number(name.split('-')[0]);
    if (!processExists(owner)) await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function sambaConfiguration(
  folder: string,
  domain: Domain,
  address: string,
  certificate: ServerCertificate,
  durable: boolean,
): string {
  return `[global]
netbios name = ${COMPUTER_NAME.toUpperCase()}
workgroup = ${domain.netbiosName}
realm = ${domain.realm}
server role = active directory domain controller
server services = ldap, kdc
interfaces = ${address}/8
bind interfaces only = yes
prefork children = 2
private dir = ${folder}/private
state directory = ${folder}/state
cache directory = ${folder}/cache
lock directory = ${folder}/lock
binddns dir = ${folder}/bind-dns
pid directory = ${folder}/run
ncalrpc dir = ${folder}/ncalrpc
ntp signd socket directory = ${folder}/ntp
log file = ${folder}/samba.log
tls certfile = ${certificate.certificateFile}
tls keyfile = ${certificate.keyFile}
tls cafile = ${certificate.caFile}
${durable ? '' : 'ldb:nosync = true\n'}`;
}
