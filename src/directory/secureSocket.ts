/** TLS to a domain controller, from the first octet or by StartTLS; certificate and host name are always checked. */
import { once } from 'node:events';
import { connect as connectTcp, isIP, type LookupFunction } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { withinTime } from './cancellation.ts';
import type { Server } from './server.ts';
import { requestTls } from './startTls.ts';

/** Milliseconds of silence after which the network is asked whether the other side is still there, so that no firewall forgets the connection. */
const KEEP_ALIVE = 60_000;

export interface SecureWay {
  readonly secureContext: SecureContext;
  /** StartTLS on a plain port instead of LDAPS. */
  readonly startTls: boolean;
  /** Finds the address of the host; the system's way if it is absent. */
  readonly lookup?: LookupFunction;
}

/**
 * A TLS connection whose certificate was issued for this host by a trusted authority.
 * @param timeout Milliseconds until it must stand.
 * @throws Cancelled; LdapRefusal if StartTLS is declined; or the error of the network or of TLS as Node gives it.
 */
export async function openSecureSocket(
  { host, port }: Server,
  { secureContext, startTls, lookup }: SecureWay,
  timeout: number,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const tcp = connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE,
    ...(lookup === undefined ? {} : { lookup }),
  });
  const ignore = (): void => undefined;
  // Errors are told where they are awaited; outside of that they only must not be nobody's.
  tcp.on('error', ignore);
  const secure = async (): Promise<TLSSocket> => {
    await once(tcp, 'connect');
    if (startTls) await requestTls(tcp);
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = connectTls({ socket: tcp, host, secureContext, rejectUnauthorized: true, ...servername });
    socket.on('error', ignore);
    await once(socket, 'secureConnect');
    return socket;
  };
  try {
    return await withinTime(secure(), timeout, 'no connection', signal);
  } catch (error) {
    tcp.destroy();
    throw error;
  }
}

/** Protocol, cipher and certificate in one phrase. */
export function describeProtection(socket: TLSSocket, startTls: boolean): string {
  const certificate = socket.getPeerX509Certificate();
  const name = (text: string | undefined): string => (text ?? 'no name').split('\n').join(', ');
  return [
    `${startTls ? 'LDAP with StartTLS' : 'LDAPS'}, ${(socket.getProtocol() ?? 'TLS').replace('v', ' ')}`,
    socket.getCipher().standardName,
    `certificate ${name(certificate?.subject)}`,
    `issued by ${name(certificate?.issuer)}`,
    `valid until ${certificate?.validToDate.toISOString().slice(0, 10) ?? 'an unknown day'}`,
  ].join(', ');
}
