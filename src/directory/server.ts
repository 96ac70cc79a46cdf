/** Which host and port a text such as -Server names. */
import { isIP } from 'node:net';
import { WritebackError } from '../errors.ts';

export interface Server {
  /** A host name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The ports of a domain controller: plain, for StartTLS and Negotiate, and TLS from the first octet. */
export const PORT = { ldap: 389, ldaps: 636 } as const;

const SERVER = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/;

/**
 * @param server `host` or `host:port`; an IPv6 address stands in brackets when a port follows.
 * @param usualPort The port where none is named.
 * @throws ParameterInvalid for a text that names no server.
 */
export function parseServer(server: string, usualPort: number): Server {
  if (isIP(server) === 6) return { host: server, port: usualPort };
  const parts = SERVER.exec(server);
  const host = parts?.[1] ?? parts?.[2];
  const port = parts?.[3] === undefined ? usualPort : Number(parts[3]);
  const bracketed = parts?.[1] !== undefined;
  if (host === undefined || (bracketed && isIP(host) !== 6) || port < 1 || port > 65_535) {
    throw new WritebackError('ParameterInvalid', `"${server}" names no server.`, {
      target: server,
      remedy: 'Give -Server a host name, or a host name and a port as in dc1.contoso.com:636.',
    });
  }
  return { host, port };
}

/** The server as messages name it. */
export function serverText({ host, port }: Server): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
