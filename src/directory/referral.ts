/** Where the server says that the object is: in another domain, or behind a read-only domain controller. */
import { BerReader } from 'ldapts';
import { comparableName, parseDistinguishedName } from '../device/distinguishedName.ts';
import { WritebackError } from '../errors.ts';
import type { RootDse } from '../ports.ts';

/** Tags of RFC 4511 4.1.9: LDAPResult's referral. */
const REFERRAL = 0xa3;

/**
 * The URLs of the result in this message, which ldapts leaves out.
 * @param element One whole LDAP message whose operation is an LDAPResult.
 */
export function referralsOf(element: Buffer): readonly string[] {
  const reader = new BerReader(element);
  reader.readSequence();
  reader.readInt();
  reader.readSequence();
  reader.readEnumeration();
  reader.readString();
  reader.readString();
  if (reader.peek() !== REFERRAL) return [];
  reader.readSequence();
  const end = reader.offset + reader.length;
  const urls: string[] = [];
  while (reader.offset < end) urls.push(reader.readString() ?? '');
  return urls.filter((url) => url !== '');
}

/** The host of an LDAP URL (RFC 4516), null if it names none. Active Directory names a domain by its DNS name here. */
export function hostOf(url: string): string | null {
  const host = /^ldaps?:\/\/([^/?]*)/i.exec(url)?.[1] ?? '';
  return host === '' ? null : host;
}

/** The DNS name of the domain in a distinguished name, lower case; empty if there is none in it. */
export function domainOf(distinguishedName: string): string {
  const parts = parseDistinguishedName(distinguishedName) ?? [];
  return parts
    .map(([pair]) => pair)
    .filter((pair) => pair?.type.toLowerCase() === 'dc')
    .map((pair) => pair?.value ?? '')
    .join('.')
    .toLowerCase();
}

/**
 * Active Directory answers a read of an object in another domain with a referral, other servers say that there is no such
 * object; so a name is looked at before its absence is believed. The configuration is kept by every domain controller.
 * @throws DirectoryFailed for a name in a domain that this server does not keep.
 */
export function refuseElsewhere(distinguishedName: string, root: RootDse, server: string): void {
  const domain = domainOf(distinguishedName);
  const own = domainOf(root.defaultNamingContext);
  const name = comparableName(distinguishedName);
  const configuration = comparableName(root.configurationNamingContext);
  if (domain === '' || domain === own || name === configuration || name.endsWith(`,${configuration}`)) return;
  throw new WritebackError(
    'DirectoryFailed',
    `Reading ${distinguishedName}: it is in the domain ${domain}, and ${server} keeps ${own}.`,
    {
      target: distinguishedName,
      remedy: `Give -Server a domain controller of ${domain}, or -DomainName ${domain}.`,
    },
  );
}
