/** Stands between an LDAP client and a domain controller, ends TLS on both sides, and counts the requests that pass. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { DomainController } from '../lab/domainController.ts';

export interface RequestCounter {
  /** address:port; the certificate is the domain controller's own. */
  readonly server: string;
  /** Every LDAPMessage that the client has sent, of whatever kind. */
  count(): number;
  stop(): Promise<void>;
}

export async function startRequestCounter(dc: DomainController): Promise<RequestCounter> {
  const ca = readFileSync(dc.caFile);
  const tls = (name: string): Buffer => readFileSync(path.join(path.dirname(dc.caFile), name));
  const sockets = new Set<TLSSocket>();
  let count = 0;
  const server = createServer({ cert: tls('server.pem'), key: tls('server.key') }, (client) => {
    const target = connect({ host: dc.address, port: dc.securePort, ca });
    const end = (): void => {
      client.destroy();
      target.destroy();
    };
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    let rest: Buffer = Buffer.alloc(0);
    client.on('data', (octets) => {
      target.write(octets);
      rest = Buffer.concat([rest, octets]);
      for (let length = messageLength(rest); length !== null && length <= rest.length; length = messageLength(rest)) {
        count += 1;
        rest = rest.subarray(length);
      }
    });
    target.on('data', (octets) => client.write(octets));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, dc.address, resolve);
  });
  return {
    server: `${dc.address}:${(server.address() as AddressInfo).port}`,
    count: () => count,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Octets of the BER element at the start, header included; null while its header is not whole. Source: X.690, 8.1. */
function messageLength(octets: Buffer): number | null {
  const first = octets[1];
  if (first === undefined) return null;
  if (first < 0x80) return 2 + first;
  const width = first & 0x7f;
  return octets.length < 2 + width ? null : 2 + width + octets.readUIntBE(2, width);
}
