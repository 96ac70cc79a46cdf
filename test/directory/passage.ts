/** A TCP passage to a domain controller that can lose what goes through it. TLS stays between the two ends. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Passage {
  /** `address:port`; the address is that of the target, so that its certificate fits. */
  readonly server: string;
  /** Connections so far. */
  connections(): number;
  /** From the next octets of the client on: they reach the server, its answers are swallowed, and the client is cut off. */
  loseAnswers(): void;
  /** From the next octets of the client on: they are lost, and the client is cut off. */
  loseRequests(): void;
  /** Ends every connection that stands. */
  cut(): void;
  /** Accepts no more connections and ends those that stand. */
  stop(): Promise<void>;
}

/** Long enough for the server to do what it was sent. */
const SERVER_TIME = 400;

export async function openPassage(address: string, port: number): Promise<Passage> {
  let losing: 'nothing' | 'answers' | 'requests' = 'nothing';
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    count += 1;
    const target = connect(port, address);
    let deaf = false;
    const end = (): void => {
      client.destroy();
      target.destroy();
    };
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    target.on('data', (octets) => {
      if (!deaf) client.write(octets);
    });
    client.on('data', (octets) => {
      if (losing === 'nothing') {
        target.write(octets);
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
  return {
    server: `${address}:${(server.address() as AddressInfo).port}`,
    connections: () => count,
    loseAnswers: () => {
      losing = 'answers';
    },
    loseRequests: () => {
      losing = 'requests';
    },
    cut,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
