import type { Credential } from './domain.ts';
import { type LdifEntry, parseLdif } from './ldif.ts';
import { runProgram } from './program.ts';

export type SearchScope = 'base' | 'one' | 'sub';

export interface SearchAnswer {
  /** What the tool printed, unwrapped LDIF. */
  readonly text: string;
  readonly entries: readonly LdifEntry[];
}

/**
 * The OpenLDAP programs over LDAPS with a simple bind: what the directory holds as a second client sees it. Every
 * method rejects with a ProgramError whose exit code is the LDAP result code.
 */
export class LdapTools {
  readonly #url: string;
  readonly #environment: Readonly<Record<string, string>>;

  /** @param caFile the authority to trust; null accepts any certificate */
  constructor(url: string, caFile: string | null) {
    this.#url = url;
    this.#environment =
      caFile === null ? { LDAPTLS_REQCERT: 'never' } : { LDAPTLS_REQCERT: 'demand', LDAPTLS_CACERT: caFile };
  }

  /** ldapsearch. No attribute named means all user attributes. */
  async search(
    base: string,
    filter: string,
    attributes: readonly string[],
    scope: SearchScope,
    credential: Credential,
  ): Promise<SearchAnswer> {
    const parameters = ['-LLL', '-o', 'ldif-wrap=no', '-s', scope, '-b', base, filter, ...attributes];
    const text = await runProgram('ldapsearch', [...this.#session(credential), ...parameters], {
      environment: this.#environment,
    });
    return { text, entries: parseLdif(text) };
  }

  /** ldapadd: entries as content LDIF. */
  async add(ldif: string, credential: Credential): Promise<void> {
    await runProgram('ldapadd', this.#session(credential), { input: ldif, environment: this.#environment });
  }

  /** ldapmodify: change LDIF, any changetype. */
  async modify(ldif: string, credential: Credential): Promise<void> {
    await runProgram('ldapmodify', this.#session(credential), { input: ldif, environment: this.#environment });
  }

  #session(credential: Credential): string[] {
    return ['-x', '-H', this.#url, '-D', credential.userName, '-w', credential.password];
  }
}
