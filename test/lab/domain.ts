import os from 'node:os';
import path from 'node:path';
import { existsSync } from 'node:fs';

/** The one domain of the lab. Every domain controller is a copy of the same: same names, SID and password. */
export const REALM = 'CORP.CONTOSO.TEST';
export const DOMAIN_NAME = 'corp.contoso.test';
export const NETBIOS_DOMAIN = 'CORP';
export const COMPUTER_NAME = 'dc1';
export const HOST_NAME = `${COMPUTER_NAME}.${DOMAIN_NAME}`;
export const DOMAIN_DN = 'DC=corp,DC=contoso,DC=test';
export const CONFIGURATION_DN = `CN=Configuration,${DOMAIN_DN}`;

/** objectVersion of the schema: 69 is Windows Server 2012 R2, 87 is Windows Server 2016. */
export type SchemaVersion = 69 | 87;

/** What a simple bind takes. */
export interface Credential {
  /** A userPrincipalName. */
  readonly userName: string;
  readonly password: string;
}

/** A password of the lab only: the directory holds nothing, listens on loopback and is deleted when it stops. */
export const ADMINISTRATOR: Credential = { userName: `Administrator@${DOMAIN_NAME}`, password: 'Lab-Passw0rd!' };

const FOLDER_NAME = `devicewriteback-lab-${process.getuid?.() ?? 0}`;

/** Where the templates and the running domain controllers lie: in memory where the system offers it. */
export const LAB_FOLDER = path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), FOLDER_NAME);

/** Where a domain controller that must survive its own crash lies: a file system with a real fsync. */
export const DURABLE_LAB_FOLDER = path.join(os.tmpdir(), FOLDER_NAME);
