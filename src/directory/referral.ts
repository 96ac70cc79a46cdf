/** Where the server says that the object is: in another domain, or behind a read-only domain controller. */
import { BerReader } from 'ldapts';

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
