/** Finds the one domain controller that all runs use when none is named: the PDC emulator of the domain. */
import { Resolver } from 'node:dns/promises';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import { ownDomain, thisMachine, type Machine } from './ownDomain.ts';

/** What is asked of the DNS. */
export type ServiceNames = Pick<Resolver, 'resolveSrv'>;

const QUERY_LIMIT = { timeout: 3000, tries: 2 };
const DOMAIN = /^(?=.{1,200}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** The DNS answers that say that there is no such name. */
const ABSENT = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * The host name of the PDC emulator, of which a domain has exactly one. Source: [MS-ADTS] 6.3.2.3, SRV record
 * `_ldap._tcp.pdc._msdcs.<domain>`. Its port is not used: it is that of LDAP without TLS. Should DNS name several, as it
 * may after the role has moved, then one of them is taken by a fixed order, so that every run takes the same.
 *
 * @param domainName null for the domain of this computer
 * @throws ParameterMissing if that is not clear, ParameterInvalid for a text that is no domain name, DirectoryUnreachable
 *   if DNS does not name the domain controller; nothing else is asked for then.
 */
export async function findServer(
  domainName: string | null,
  log: Log,
  names: ServiceNames = new Resolver(QUERY_LIMIT),
  machine: Machine = thisMachine(),
): Promise<string> {
  const domain = domainOf(domainName, machine);
  const asked = `_ldap._tcp.pdc._msdcs.${domain}`;
  const records = await names.resolveSrv(asked).catch((error: unknown) => {
    throw unanswered(asked, error);
  });
  const hosts = records
    .filter(({ name }) => name !== '')
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name.replace(/\.$/, '').toLowerCase());
  const [host, ...others] = [...new Set(hosts)];
  if (host === undefined) throw notNamed(asked, 'its answer names no host', false);
  if (others.length > 0) {
    log.warning(
      `DNS names more than one PDC emulator for ${domain}: ${[host, ...others].join(', ')}. ${host} is used; delete the records of ${asked} that are out of date.`,
    );
  }
  log.verbose(`The PDC emulator of ${domain} is ${host} (DNS, ${asked}).`);
  return host;
}

function domainOf(domainName: string | null, machine: Machine): string {
  const domain = domainName === null ? ownDomain(machine) : domainName.trim().replace(/\.$/, '').toLowerCase();
  if (domain === null) {
    throw new WritebackError(
      'ParameterMissing',
      'Server and DomainName are missing, and it is not clear to which domain this computer belongs.',
      {
        target: 'Server',
        remedy:
          'Give -Server with a domain controller, or -DomainName with the DNS name of the domain; either may stand in the file that -ConfigurationPath names.',
      },
    );
  }
  if (DOMAIN.test(domain)) return domain;
  throw new WritebackError('ParameterInvalid', `"${domain}" is no DNS name of a domain.`, {
    target: domain,
    remedy: 'Give -DomainName the DNS name of the domain, such as corp.contoso.com.',
  });
}

function unanswered(asked: string, error: unknown): WritebackError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const absent = ABSENT.has(code);
  return notNamed(asked, absent ? `there is no such name (${code})` : `DNS did not answer (${code})`, !absent, error);
}

function notNamed(asked: string, why: string, retryable: boolean, cause?: unknown): WritebackError {
  return new WritebackError('DirectoryUnreachable', `Looking for the PDC emulator by the DNS name ${asked}: ${why}.`, {
    target: asked,
    remedy:
      'Give -Server with a domain controller or -DomainName with the DNS name of the domain, or let this computer ask a DNS server that knows the domain.',
    detail: why,
    retryable,
    cause,
  });
}
