/**
 * The domain of this computer, as far as Node can know it: it has no way to ask the system whether it is joined to one.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** What the system tells about itself. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly hostName: string;
  /** USERDNSDOMAIN, which Windows sets for the session of a domain account, a service account's too. */
  readonly accountDomain: string | null;
  /** Content of /etc/resolv.conf, null where there is none. */
  readonly resolverConfiguration: string | null;
}

export function thisMachine(): Machine {
  return {
    platform: process.platform,
    hostName: hostname(),
    accountDomain: process.env['USERDNSDOMAIN'] ?? null,
    resolverConfiguration: process.platform === 'win32' ? null : readResolverConfiguration(),
  };
}

function readResolverConfiguration(): string | null {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return null;
  }
}

/**
 * Windows: the domain of the account that runs this. Elsewhere: what follows the first point of the host name, else the
 * one domain in which resolv.conf(5) lets names be searched.
 * @returns null where that is not clear: several search domains are no answer.
 */
export function ownDomain({ platform, hostName, accountDomain, resolverConfiguration }: Machine): string | null {
  if (platform === 'win32') return named(accountDomain ?? '');
  return named(hostName.split('.').slice(1).join('.')) ?? searchDomain(resolverConfiguration ?? '');
}

/** The last of the lines domain and search counts. Source: resolv.conf(5). */
function searchDomain(configuration: string): string | null {
  const lists = configuration
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([keyword]) => keyword === 'search' || keyword === 'domain');
  const [, domain, another] = lists.at(-1) ?? [];
  return another === undefined ? named(domain ?? '') : null;
}

function named(text: string): string | null {
  const domain = text.replace(/\.$/, '').toLowerCase();
  return domain === '' ? null : domain;
}
