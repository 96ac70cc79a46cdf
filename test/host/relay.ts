/**
 * Lets a test ask the .NET of another process: requests leave through a Unix socket, in the form that they have on the
 * bridge. The other process may be a Node with edge-js or an engine under PowerShell.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createHostServicesOverBridge } from '../../src/host/overBridge.ts';
import type { HostServices } from '../../src/ports.ts';
import { createChannel } from '../../src/protocol/channel.ts';
import { createHostRequests } from '../../src/protocol/hostRequests.ts';

/** Names the socket to the process that is asked. */
export const RELAY_VARIABLE = 'DEVICEWRITEBACK_TEST_RELAY';

export interface Relay {
  /** Resolves when the other process has connected. */
  readonly services: Promise<HostServices>;
  close(): Promise<void>;
}

/** Waits at the path for the process that will be asked. */
export async function openRelay(path: string): Promise<Relay> {
  const connected = Promise.withResolvers<HostServices>();
  let other: Socket | null = null;
  const server = createServer((socket) => {
    other = socket;
    const channel = createChannel(socket, socket);
    const requests = createHostRequests(channel);
    socket.on('error', () => undefined);
    void (async () => {
      for await (const message of channel.messages()) requests.accept(message as Record<string, unknown>);
      requests.close();
    })();
    connected.resolve(createHostServicesOverBridge(requests.request));
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    services: connected.promise,
    close: async () => {
      other?.end();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** In the process that is asked: works requests until the test closes the socket. */
export async function serveRelay(work: (method: string, params: object) => Promise<unknown>): Promise<void> {
  const path = process.env[RELAY_VARIABLE];
  if (path === undefined) throw new Error(`${RELAY_VARIABLE} names no socket.`);
  const socket = connect(path);
  socket.on('error', () => undefined);
  const channel = createChannel(socket, socket);
  for await (const message of channel.messages()) {
    const { id, method, params } = message as { id: string; method: string; params: object };
    void work(method, params).then(
      (result) => channel.send({ jsonrpc: '2.0', id, result }),
      (error: unknown) => channel.send({ jsonrpc: '2.0', id, error: { code: -32000, message: String(error) } }),
    );
  }
}
