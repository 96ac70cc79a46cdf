/** A TCP passage that keeps what goes through it, and can pass it on changed or in pieces. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient';

export interface Wiretap {
  /** That of the target, so that its certificate fits. */
  readonly host: string;
  readonly port: number;
  /** Everything so far. */
  octets(direction: Direction): Buffer;
  /** What goes through from now on is passed on as this gives it; each piece leaves by itself. */
  pass(change: (octets: Buffer, direction: Direction) => readonly Buffer[]): void;
  stop(): Promise<void>;
}

/** @param host an address of this machine */
export async function openWiretap(host: string, port: number): Promise<Wiretap> {
  const kept: Record<Direction, Buffer[]> = { toServer: [], toClient: [] };
  const sockets = new Set<Socket>();
  let change: (octets: Buffer, direction: Direction) => readonly Buffer[] = (octets) => [octets];
  const server = createServer((client) => {
    const target = connect({ host, port, noDelay: true });
    client.setNoDelay(true);
    const join = (from: Socket, to: Socket, direction: Direction): void => {
      sockets.add(from);
      from.on('data', (octets: Buffer) => {
        kept[direction].push(octets);
        for (const piece of change(octets, direction)) to.write(piece);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    };
    join(client, target, 'toServer');
    join(target, client, 'toClient');
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    host,
    port: (server.address() as AddressInfo).port,
    octets: (direction) => Buffer.concat(kept[direction]),
    pass: (given) => {
      change = given;
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Those of the texts that can be read in what went through, in either form that a text may have on the wire. */
export function readableOn(tap: Wiretap, texts: Iterable<string>): readonly string[] {
  const passed = [tap.octets('toServer'), tap.octets('toClient')];
  const isReadable = (text: string): boolean =>
    [Buffer.from(text), Buffer.from(text, 'utf16le')].some((form) => passed.some((octets) => octets.includes(form)));
  return [...new Set(texts)].filter(isReadable);
}
