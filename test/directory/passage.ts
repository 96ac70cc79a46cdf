/** A TCP passage to a domain controller that can lose, hold up and cut what goes through it. What is in it stays whole. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type Direction = 'toServer' | 'toClient';

/** cut: both sides are cut off; delay: nothing goes on for a while; split: what follows goes octet by octet for a while. */
export type FaultKind = 'cut' | 'delay' | 'split';

export interface Fault {
  readonly kind: FaultKind;
  readonly direction: Direction;
  /** How many octets in this direction still pass before it happens, over all connections; it happens once. */
  readonly after: number;
}

export interface Passage {
  /** `address:port`; the address is that of the target, so that its certificate fits. */
  readonly server: string;
  readonly port: number;
  /** Connections so far. */
  connections(): number;
  /** Octets that were to pass so far. */
  octets(direction: Direction): number;
  /** From the next octets of the client on: they reach the server, its answers are swallowed, and the client is cut off. */
  loseAnswers(): void;
  /** From the next octets of the client on: they are lost, and the client is cut off. */
  loseRequests(): void;
  disturb(fault: Fault): void;
  /** Whether the last fault has happened. */
  disturbed(): boolean;
  /** Ends every connection that stands. */
  cut(): void;
  /** Accepts no more connections and ends those that stand. */
  stop(): Promise<void>;
}

/** Milliseconds, long enough for the server to do what it was sent. */
const SERVER_TIME = 400;
/** Milliseconds of a delay. */
const DELAY = 150;
/** Octets that go one by one. */
const SPLIT = 120;

export async function openPassage(address: string, port: number): Promise<Passage> {
  let losing: 'nothing' | 'answers' | 'requests' = 'nothing';
  let armed: Fault | null = null;
  let left = 0;
  let count = 0;
  const passed: Record<Direction, number> = { toServer: 0, toClient: 0 };
  const sockets = new Set<Socket>();

  /** Passes the octets on, and does the fault where its place is among them. */
  const pass = async (octets: Buffer, direction: Direction, to: Socket, end: () => void): Promise<void> => {
    passed[direction] += octets.length;
    if (armed?.direction !== direction || left >= octets.length) {
      if (armed?.direction === direction) left -= octets.length;
      to.write(octets);
      return;
    }
    const { kind } = armed;
    const [before, after] = [octets.subarray(0, left), octets.subarray(left)];
    armed = null;
    if (kind === 'cut') {
      await new Promise((resolve) => to.write(before, resolve));
      end();
      return;
    }
    to.write(before);
    if (kind === 'delay') await delay(DELAY);
    const single = kind === 'split' ? Math.min(SPLIT, after.length) : 0;
    for (let index = 0; index < single; index += 1) {
      to.write(after.subarray(index, index + 1));
      await new Promise(setImmediate);
    }
    to.write(after.subarray(single));
  };

  const server = createServer((client) => {
    count += 1;
    const target = connect({ host: address, port, noDelay: true });
    client.setNoDelay(true);
    let deaf = false;
    const end = (): void => {
      client.destroy();
      target.destroy();
    };
    const order: Record<Direction, Promise<void>> = { toServer: Promise.resolve(), toClient: Promise.resolve() };
    const send = (octets: Buffer, direction: Direction, to: Socket): void => {
      order[direction] = order[direction].then(() => pass(octets, direction, to, end));
    };
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    target.on('data', (octets: Buffer) => {
      if (!deaf) send(octets, 'toClient', client);
    });
    client.on('data', (octets: Buffer) => {
      if (losing === 'nothing') {
        send(octets, 'toServer', target);
        return;
      }
      deaf = true;
      if (losing === 'answers') target.write(octets);
      losing = 'nothing';
      setTimeout(end, SERVER_TIME);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const opened = (server.address() as AddressInfo).port;
  return {
    server: `${address}:${opened}`,
    port: opened,
    connections: () => count,
    octets: (direction) => passed[direction],
    loseAnswers: () => {
      losing = 'answers';
    },
    loseRequests: () => {
      losing = 'requests';
    },
    disturb: (fault) => {
      armed = fault;
      left = fault.after;
    },
    disturbed: () => armed === null,
    cut,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
