import { createServer, request as send, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** A forward proxy on the loopback address: tunnels (CONNECT) and requests in absolute form (RFC 9110, 9.3.6 and 7.2). */
export interface ForwardProxy {
  readonly host: string;
  /** Method and target of each request, and the credentials that came with it. */
  readonly asked: readonly { readonly line: string; readonly credentials: string | null }[];
  stop(): void;
}

/** Every name leads to the loopback address. */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const asked: { line: string; credentials: string | null }[] = [];
  const sockets = new Set<Socket>();
  const note = ({ method, url, headers }: IncomingMessage): void => {
    const basic = /^Basic (.+)$/.exec(headers['proxy-authorization'] ?? '')?.[1];
    const credentials = basic === undefined ? null : Buffer.from(basic, 'base64').toString();
    asked.push({ line: `${method} ${url}`, credentials });
  };
  const server = createServer((incoming, response) => {
    note(incoming);
    const { port, pathname, search } = new URL(incoming.url ?? '');
    const { method, headers } = incoming;
    const onward = send(
      { host: '127.0.0.1', port, path: pathname + search, method, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, near: Socket) => {
    note(incoming);
    const far = connect(Number(incoming.url?.split(':').at(-1)), '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => [near, far].forEach((end) => end.destroy()));
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}
