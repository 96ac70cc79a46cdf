import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT, type Credential } from './domain.ts';
import type { DomainController } from './domainController.ts';
import { runProgram } from './program.ts';

/** The service principal name of the LDAP service of every domain controller of the lab. */
export const LDAP_PRINCIPAL = `ldap/${ROOT.hostName}`;

/**
 * A Kerberos client of one domain controller of the lab: its own configuration and its own tickets. A process uses them
 * that is started with `environment`; names are not resolved, so that no hosts entry is needed.
 */
export class KerberosClient {
  readonly environment: Readonly<Record<'KRB5_CONFIG' | 'KRB5CCNAME', string>>;
  readonly #domainController: DomainController;

  private constructor(domainController: DomainController, configurationFile: string, cacheFile: string) {
    this.#domainController = domainController;
    this.environment = { KRB5_CONFIG: configurationFile, KRB5CCNAME: `FILE:${cacheFile}` };
  }

  /** The files lie in the domain controller's folder and go with it; `name` tells clients of the same one apart. */
  static async create(domainController: DomainController, name: string): Promise<KerberosClient> {
    const file = (suffix: string): string => path.join(domainController.folder, `${name}.${suffix}`);
    await writeFile(file('krb5.conf'), configuration(domainController.address));
    return new KerberosClient(domainController, file('krb5.conf'), file('ticket'));
  }

  /** Gets a ticket with the password, as kinit does. */
  async signIn({ userName, password }: Credential): Promise<void> {
    await runProgram('kinit', [principalOf(userName)], { input: `${password}\n`, environment: this.environment });
  }

  /** Gets a ticket by a keytab, as a service does that has no password at hand. */
  async signInByKeytab(userName: string): Promise<void> {
    const { folder } = this.#domainController;
    const principal = principalOf(userName);
    const keytab = path.join(folder, `${principal.split('@')[0] ?? ''}.keytab`);
    const directory = ['-s', path.join(folder, 'smb.conf')];
    await runProgram('samba-tool', ['domain', 'exportkeytab', ...directory, `--principal=${principal}`, keytab]);
    await runProgram('kinit', ['-k', '-t', keytab, principal], { environment: this.environment });
  }

  /** Forgets the tickets. */
  async signOut(): Promise<void> {
    await runProgram('kdestroy', ['-q'], { environment: this.environment });
  }
}

/** Kerberos spells a realm in capitals, where a user principal name has the domain as DNS spells it. */
function principalOf(userName: string): string {
  const [name = '', domain = ROOT.name] = userName.split('@');
  return `${name}@${domain.toUpperCase()}`;
}

function configuration(address: string): string {
  return `[libdefaults]
 default_realm = ${ROOT.realm}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 ${ROOT.realm} = {
  kdc = ${address}
 }
[domain_realm]
 .${ROOT.name} = ${ROOT.realm}
 ${ROOT.name} = ${ROOT.realm}
`;
}
