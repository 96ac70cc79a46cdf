import type { Filter } from 'ldapts';
import { parseDistinguishedName } from '../device/distinguishedName.ts';
import { isSidText, sidFromHex, sidToHex } from '../device/sid.ts';
import { WritebackError } from '../errors.ts';
import type { Account, RootDse } from '../ports.ts';
import type { Connection } from './connection.ts';
import { invalid, oneOctets, oneText, requiredText, type Entry } from './entry.ts';
import { LdapRefusal, RESULT } from './failure.ts';
import { domainOf } from './referral.ts';
import { allOf, equal, readObject, searchBelow } from './search.ts';

const ATTRIBUTES = ['objectSid', 'sAMAccountName'];

/** Users, computers and group managed service accounts: the classes of the latter two derive from user. */
const principal = equal('objectClass', 'user');

/**
 * Finds an account of the domain by SID, DN, DOMAIN\name, UPN or sAMAccountName; a computer or gMSA also without the
 * dollar sign at the end of its name.
 * @throws AccountNotFound if the name fits more than one.
 */
export async function findAccount(
  connection: Connection,
  rootDse: RootDse,
  identity: string,
  signal: AbortSignal,
): Promise<Account | null> {
  const domain = await readNetBiosName(connection, rootDse, signal);
  const entry = parseDistinguishedName(identity)
    ? await readByName(connection, identity, signal)
    : await findByFilter(connection, rootDse, identity, domain, signal);
  if (entry === null) return null;
  const sid = sidFromHex(oneOctets(entry, 'objectSid')?.toString('hex') ?? '');
  if (sid === null) throw invalid(entry.distinguishedName, 'objectSid', 'it holds no security identifier');
  const name = requiredText(entry, 'sAMAccountName');
  return { distinguishedName: entry.distinguishedName, sid, name: domain === null ? name : `${domain}\\${name}` };
}

async function readByName(connection: Connection, name: string, signal: AbortSignal): Promise<Entry | null> {
  try {
    return await readObject(connection, { base: name, filter: principal, attributes: ATTRIBUTES }, signal);
  } catch (error) {
    // A name outside of the domain is answered with a referral, one that Active Directory cannot parse with another code.
    const refusal = error instanceof WritebackError ? error.cause : null;
    const { referral, invalidDNSyntax } = RESULT;
    if (refusal instanceof LdapRefusal && (refusal.code === referral || refusal.code === invalidDNSyntax)) return null;
    throw error;
  }
}

async function findByFilter(
  connection: Connection,
  rootDse: RootDse,
  identity: string,
  domain: string | null,
  signal: AbortSignal,
): Promise<Entry | null> {
  const base = rootDse.defaultNamingContext;
  for (const filter of filtersFor(identity, domain, rootDse)) {
    const [found, another] = await searchBelow(connection, base, allOf(principal, filter), ATTRIBUTES, signal);
    if (found !== undefined && another !== undefined) throw ambiguous(identity, found, another);
    if (found !== undefined) return found;
  }
  return null;
}

/** What the identity may mean, the likeliest first. */
function filtersFor(identity: string, domain: string | null, rootDse: RootDse): readonly Filter[] {
  if (isSidText(identity)) return [equal('objectSid', Buffer.from(sidToHex(identity), 'hex'))];
  const [first, second] = identity.split('\\');
  if (first !== undefined && second !== undefined) {
    return domain !== null && first.toLowerCase() === domain.toLowerCase() ? byAccountName(second) : [];
  }
  const at = identity.lastIndexOf('@');
  if (at === -1) return byAccountName(identity);
  // An account without userPrincipalName signs in as sAMAccountName@domain all the same ([MS-ADTS] 5.1.1.1.1).
  const byUpn = equal('userPrincipalName', identity);
  const here = identity.slice(at + 1).toLowerCase() === domainOf(rootDse.defaultNamingContext);
  return here ? [byUpn, ...byAccountName(identity.slice(0, at))] : [byUpn];
}

function byAccountName(name: string): readonly Filter[] {
  return [equal('sAMAccountName', name), equal('sAMAccountName', `${name}$`)];
}

function ambiguous(identity: string, found: Entry, another: Entry): WritebackError {
  const both = `${found.distinguishedName} and ${another.distinguishedName}`;
  return new WritebackError('AccountNotFound', `"${identity}" names more than one account: ${both}.`, {
    target: identity,
    remedy: 'Name the account by its SID or its distinguished name.',
  });
}

async function readNetBiosName(connection: Connection, rootDse: RootDse, signal: AbortSignal): Promise<string | null> {
  const filter = allOf(equal('objectClass', 'crossRef'), equal('nCName', rootDse.defaultNamingContext));
  const partitions = `CN=Partitions,${rootDse.configurationNamingContext}`;
  const [crossRef] = await searchBelow(connection, partitions, filter, ['nETBIOSName'], signal);
  return crossRef === undefined ? null : oneText(crossRef, 'nETBIOSName');
}
