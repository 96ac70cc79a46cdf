import os from 'node:os';
import path from 'node:path';
import { existsSync } from 'node:fs';

/** objectVersion of the schema: 69 is Windows Server 2012 R2, 87 is Windows Server 2016. */
export type SchemaVersion = 69 | 87;

/** What a simple bind takes. */
export interface Credential {
  /** A userPrincipalName. */
  readonly userName: string;
  readonly password: string;
}

/** A domain of the lab's forest. Every domain controller of it is a copy of the same: same names, SID and password. */
export interface Domain {
  readonly name: string;
  readonly realm: string;
  readonly netbiosName: string;
  readonly dn: string;
  /** Of its domain controller. */
  readonly hostName: string;
  readonly administrator: Credential;
}

export const COMPUTER_NAME = 'dc1';

function domainOf(name: string, netbiosName: string): Domain {
  const dn = name.split('.').map((label) => `DC=${label}`);
  // A password of the lab only: the directory holds nothing, listens on loopback and is deleted when it stops.
  const administrator = { userName: `Administrator@${name}`, password: 'Lab-Passw0rd!' };
  const hostName = `${COMPUTER_NAME}.${name}`;
  return { name, realm: name.toUpperCase(), netbiosName, dn: dn.join(','), hostName, administrator };
}

/** The root of the forest, where most tests are. */
export const ROOT = domainOf('corp.contoso.test', 'CORP');
/**
 * A child of the root. Its domain controller keeps the forest's configuration and schema, and there is none of the root to
 * replicate with.
 */
export const CHILD = domainOf('emea.corp.contoso.test', 'EMEA');

export const CONFIGURATION_DN = `CN=Configuration,${ROOT.dn}`;

const FOLDER_NAME = `devicewriteback-lab-${process.getuid?.() ?? 0}`;

/** Where the templates and the running domain controllers lie: in memory where the system offers it. */
export const LAB_FOLDER = path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), FOLDER_NAME);

/** Where a domain controller that must survive its own crash lies: a file system with a real fsync. */
export const DURABLE_LAB_FOLDER = path.join(os.tmpdir(), FOLDER_NAME);
