/** LDAPS: TLS from the first octet, certificate and host name always checked. */
import { isIP } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { cancelled, WritebackError } from '../errors.ts';

const LDAPS_PORT = 636;
const SERVER = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/;

/** @throws ParameterInvalid for a text that names no server. */
export function parseServer(server: string): { readonly host: string; readonly port: number } {
  if (isIP(server) === 6) return { host: server, port: LDAPS_PORT };
  const parts = SERVER.exec(server);
  const host = parts?.[1] ?? parts?.[2];
  const port = parts?.[3] === undefined ? LDAPS_PORT : Number(parts[3]);
  const bracketed = parts?.[1] !== undefined;
  if (host === undefined || (bracketed && isIP(host) !== 6) || port < 1 || port > 65_535) {
    throw new WritebackError('ParameterInvalid', `"${server}" names no server.`, {
      target: server,
      remedy: 'Give -Server a host name, or a host name and a port as in dc1.contoso.com:636.',
    });
  }
  return { host, port };
}

/**
 * A TLS connection whose certificate was issued for this host by a trusted authority.
 * @param timeout Milliseconds until it must stand.
 * @throws Cancelled, or the error of the network or of TLS as Node gives it.
 */
export function openSocket(
  host: string,
  port: number,
  secureContext: SecureContext,
  timeout: number,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      secureContext,
      rejectUnauthorized: true,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.off('secureConnect', succeed);
    };
    const fail = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const succeed = (): void => {
      settle();
      socket.off('error', fail);
      socket.setNoDelay(true);
      resolve(socket);
    };
    const stop = (): void => fail(cancelled());
    const timer = setTimeout(() => fail(new Error(`no connection within ${timeout / 1000} s`)), timeout);
    signal.addEventListener('abort', stop, { once: true });
    socket.on('error', fail);
    socket.once('secureConnect', succeed);
  });
}

/** Protocol, cipher and certificate in one phrase. */
export function describeProtection(socket: TLSSocket): string {
  const certificate = socket.getPeerX509Certificate();
  const name = (text: string | undefined): string => (text ?? 'no name').split('\n').join(', ');
  return [
    `LDAPS, ${(socket.getProtocol() ?? 'TLS').replace('v', ' ')}`,
    socket.getCipher().standardName,
    `certificate ${name(certificate?.subject)}`,
    `issued by ${name(certificate?.issuer)}`,
    `valid until ${certificate?.validToDate.toISOString().slice(0, 10) ?? 'an unknown day'}`,
  ].join(', ');
}
