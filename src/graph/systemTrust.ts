import tls from 'node:tls';
import type { Log } from '../log.ts';

let done = false;

/**
 * Lets this process trust the certificate authorities of the system's store beside those that Node trusts by default,
 * before the first request to an https address. Node reads the store by itself only with --use-system-ca, and reading it
 * takes time, which a run without TLS saves.
 */
export function trustSystemStore({ protocol }: URL, log: Log): void {
  if (done || protocol !== 'https:') return;
  done = true;
  // Absent from Node before 24.5 and 22.19.
  if (typeof tls.setDefaultCACertificates !== 'function') {
    log.warning(`The trust store of the system is not heeded: Node ${process.versions.node} cannot, Node 24.5 can.`);
    return;
  }
  const trusted = new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')]);
  tls.setDefaultCACertificates([...trusted]);
}
