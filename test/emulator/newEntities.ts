import { createHash, randomUUID } from 'node:crypto';
import type { Entity, StoredDevice, StoredGroup } from './entityTypes.ts';
import { digits } from './guidSequence.ts';

/** Of the users of a synthetic tenant, the first of each so many exists in the cloud only. */
export const CLOUD_ONLY_EVERY = 8;
export const DOMAIN_SID = 'S-1-5-21-3623811015-3361044348-30300820';

/** A good joined device with random ids and key, and what is given over it. */
export function newDevice(properties: Readonly<Record<string, unknown>> = {}): StoredDevice {
  const id = randomUUID();
  return {
    id,
    deviceId: randomUUID(),
    displayName: `DESKTOP-${id.slice(0, 7).toUpperCase()}`,
    accountEnabled: true,
    alternativeSecurityIds: [certificateKey(id)],
    deviceVersion: 2,
    operatingSystem: 'Windows',
    operatingSystemVersion: '10.0.26100.4652',
    physicalIds: [`[HWID]:h:6825${digits(id, 20)}`],
    isManaged: true,
    isCompliant: true,
    trustType: 'AzureAd',
    profileType: 'RegisteredDevice',
    registeredOwners: [],
    ...properties,
  };
}

/** A user synchronized from AD with a random id and a SID of its own, and what is given over it. */
export function newUser(properties: Readonly<Record<string, unknown>> = {}): Entity {
  const id = randomUUID();
  const relativeId = 100_000 + Number.parseInt(id.slice(0, 6), 16);
  return { ...userAt(1, id), onPremisesSecurityIdentifier: `${DOMAIN_SID}-${relativeId}`, ...properties };
}

/** A security group with a random id and no members, and what is given over it. */
export function newGroup(properties: Readonly<Record<string, unknown>> & Partial<StoredGroup> = {}): StoredGroup {
  const id = randomUUID();
  return {
    id,
    displayName: `Group ${id.slice(0, 8)}`,
    securityEnabled: true,
    mailEnabled: false,
    members: [],
    ...properties,
  };
}

/**
 * An entry of alternativeSecurityIds as device registration writes it: thumbprint and public key hash, from a text.
 * Source: [MS-DVRE] 2.3.3, stored as UTF-16LE.
 */
export function certificateKey(text: string): object {
  const thumbprint = createHash('sha1').update(text).digest('hex').toUpperCase();
  const publicKeyHash = createHash('sha256').update(text).digest('base64');
  return keyEntry(`X509:<SHA1-TP-PUBKEY>${thumbprint}${publicKeyHash}`);
}

/** An entry of alternativeSecurityIds whose key is this text. */
export function keyEntry(key: string): object {
  return { type: 2, identityProvider: null, key: Buffer.from(key, 'utf16le').toString('base64') };
}

/** The user at this index of a synthetic tenant; one in eight exists in the cloud only. */
export function userAt(index: number, id: string): Entity {
  const cloudOnly = index % CLOUD_ONLY_EVERY === 0;
  const name = `user${index}`;
  return {
    id,
    displayName: `User ${index}`,
    userPrincipalName: `${name}@contoso.com`,
    mail: `${name}@contoso.com`,
    accountEnabled: true,
    userType: 'Member',
    onPremisesSyncEnabled: cloudOnly ? null : true,
    onPremisesSecurityIdentifier: cloudOnly ? null : `${DOMAIN_SID}-${1104 + index}`,
    onPremisesSamAccountName: cloudOnly ? null : name,
    onPremisesDomainName: cloudOnly ? null : 'contoso.com',
    onPremisesUserPrincipalName: cloudOnly ? null : `${name}@contoso.com`,
    onPremisesDistinguishedName: cloudOnly ? null : `CN=User ${index},CN=Users,DC=contoso,DC=com`,
  };
}
