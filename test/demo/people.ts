/** The two who type: the administrator of the forest and the account that syncs. */
import type { DirectoryUser, DomainController } from '../lab/domainController.ts';
import { KerberosClient } from '../lab/kerberos.ts';
import { Session } from './session.ts';

export interface Person {
  readonly name: string;
  readonly session: Session;
  /** What this person adds to each command to say who binds; nothing where a ticket says it. */
  readonly credential: string;
}

export interface People {
  readonly administrator: Person;
  readonly syncAccount: Person;
  /** How they sign in, for people. */
  readonly ways: string;
  /** A command as one line that does without the session: for a PowerShell, or with Kerberos for a shell that starts one. */
  byHand(command: string): string;
  close(): Promise<void>;
}

/** Both in one PowerShell, each with the password that Get-Credential would ask for. */
export function peopleWithPasswords(dc: DomainController, account: DirectoryUser): People {
  const session = new Session({ administrator: dc.administrator, syncAccount: account });
  const person = (name: string): Person => ({ name, session, credential: `-Credential $${name}` });
  return {
    administrator: person('administrator'),
    syncAccount: person('syncAccount'),
    ways: '$administrator and $syncAccount hold what Get-Credential would ask for. The bind is a simple one under TLS.',
    byHand: (command) => {
      const password = `[Net.NetworkCredential]::new('', '${account.password}').SecurePassword`;
      return `${command} -Credential ([pscredential]::new('${account.userName}', ${password}))`;
    },
    close: () => session.close(),
  };
}

/** Each in a PowerShell of its own with its own Kerberos tickets: those of a process belong to all of it. */
export async function peopleWithTickets(dc: DomainController, account: DirectoryUser): Promise<People> {
  const administrator = await KerberosClient.create(dc, 'administrator');
  const syncAccount = await KerberosClient.create(dc, 'syncAccount');
  await administrator.signIn(dc.administrator);
  await syncAccount.signInByKeytab(account.userName);
  const person = (name: string, { environment }: KerberosClient): Person => ({
    name,
    session: new Session({}, environment),
    credential: '',
  });
  const both = {
    administrator: person('administrator', administrator),
    syncAccount: person('syncAccount', syncAccount),
  };
  return {
    ...both,
    ways:
      'Nobody gives -Credential: the administrator has a ticket from kinit, the sync account one from a keytab, as a group\n' +
      'managed service account has without one. The bind is Kerberos, sealed, on the plain port. This lab has no DNS, so\n' +
      'Server is an address, and every command warns that a name is better.',
    byHand: (command) => {
      const tickets = Object.entries(syncAccount.environment).map(([name, value]) => `${name}=${value}`);
      return `${tickets.join(' ')} pwsh -NoProfile -Command "${command}"`;
    },
    close: async () => {
      for (const { session } of Object.values(both)) await session.close();
    },
  };
}
