import net from 'node:net';
import { type Hold, tryHold } from './hold.ts';

/** A loopback address that no other domain controller of any process uses. */
export interface HeldAddress extends Hold {
  readonly address: string;
}

/** Below 127.0.1.10 lie the addresses that systems give to their own name. */
const CANDIDATES = Array.from({ length: 240 }, (_, index) => `127.0.1.${index + 10}`);

/** What a domain controller of the lab listens on: LDAP, LDAPS, Kerberos, global catalogue. */
const PORTS = [389, 636, 88, 3268] as const;

/**
 * Takes a free loopback address, or the one that is asked for.
 *
 * @throws {Error} when none, or the one asked for, is free
 */
export async function holdAddress(wanted?: string): Promise<HeldAddress> {
  for (const address of wanted === undefined ? CANDIDATES : [wanted]) {
    const held = await tryHold(`address/${address}`);
    if (!held) continue;
    if (await allFree(address)) return { address, release: held.release };
    await held.release();
  }
  throw new Error(`No domain controller can start: ${wanted ?? 'every loopback address of the lab'} is in use.`);
}

async function allFree(address: string): Promise<boolean> {
  for (const port of PORTS) {
    if (!(await isFree(address, port))) return false;
  }
  return true;
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
