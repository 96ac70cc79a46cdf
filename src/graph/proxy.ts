import http from 'node:http';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';

/** The variables by which a computer says through which proxy it reaches others; as programs for Unix have them. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>;

/** An entry of NO_PROXY that asks for the loopback addresses to be proxied too, as Chromium has it. */
const PROXY_LOOPBACK = '<-loopback>';
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** The metadata service of Azure refuses what comes through a proxy. */
const NEVER = '169.254.169.254';

let inUse = '';

/**
 * Sends the requests of this process through the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, in either case.
 * Node's fetch would heed them only with NODE_USE_ENV_PROXY set before it starts. Loopback addresses are not proxied
 * unless NO_PROXY holds `<-loopback>`. Returns what takes it back.
 * Throws ConfigurationInvalid for a proxy that is no http or https address.
 */
export function useProxies(variables: ProxyVariables, log: Log): () => void {
  const https_proxy = proxyAddress('HTTPS_PROXY', variables, log);
  const http_proxy = proxyAddress('HTTP_PROXY', variables, log);
  const wanted = JSON.stringify([https_proxy, http_proxy, variableOf('NO_PROXY', variables)]);
  if ((https_proxy ?? http_proxy) === undefined || wanted === inUse) return () => undefined;
  // Absent from Node before 24.14.
  if (typeof http.setGlobalProxyFromEnv !== 'function') {
    log.warning(`HTTPS_PROXY and HTTP_PROXY are not heeded: Node ${process.versions.node} cannot, Node 24.14 can.`);
    return () => undefined;
  }
  const except = (variableOf('NO_PROXY', variables) ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const direct = except.includes(PROXY_LOOPBACK)
    ? [...except.filter((entry) => entry !== PROXY_LOOPBACK), NEVER]
    : [...except, ...LOOPBACK, NEVER];
  const restore = http.setGlobalProxyFromEnv({
    ...(https_proxy === undefined ? {} : { https_proxy }),
    ...(http_proxy === undefined ? {} : { http_proxy }),
    no_proxy: direct.join(','),
  });
  for (const address of new Set([https_proxy, http_proxy])) {
    if (address !== undefined) log.verbose(`requests go through the proxy ${new URL(address).host}`);
  }
  inUse = wanted;
  return () => {
    inUse = '';
    restore();
  };
}

/** Lower case comes first, as it does for curl. */
function variableOf(name: string, variables: ProxyVariables): string | undefined {
  return variables[name.toLowerCase()] ?? variables[name];
}

function proxyAddress(name: string, variables: ProxyVariables, log: Log): string | undefined {
  const text = variableOf(name, variables)?.trim();
  if (text === undefined || text === '') return undefined;
  const address = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
    if (url.password !== '') log.secret(decodeURIComponent(url.password));
    return address;
  }
  throw new WritebackError('ConfigurationInvalid', `The variable ${name} names no proxy that can be used.`, {
    target: name,
    remedy: `Give ${name} as http://host:port, or remove the variable.`,
  });
}
