import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGraphClient, type GraphClient } from '../../src/graph/client.ts';
import { environmentOf } from '../../src/graph/environment.ts';
import { createRetry, DEFAULT_RETRY, type Retry } from '../../src/graph/retry.ts';
import type { Token, Tokens } from '../../src/graph/token.ts';
import { fakeClock, type FakeClock } from './fakeClock.ts';
import { recordLog, type RecordedLog } from './sourceFixture.ts';

export interface Received {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A Graph whose every byte the test decides, for answers that no Graph gives, and a client of it. */
export interface OwnServer extends RecordedLog {
  readonly url: string;
  readonly received: readonly Received[];
  readonly client: GraphClient;
  readonly retry: Retry;
  readonly clock: FakeClock;
  readonly signal: AbortSignal;
  /** Tokens that Graph refused. */
  readonly refused: readonly string[];
  stop(): void;
}

export type Respond = (request: Received, response: ServerResponse, url: string) => void;

export async function startOwnServer(respond: Respond): Promise<OwnServer> {
  const received: Received[] = [];
  const server: Server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const request = { method: incoming.method ?? '', target: incoming.url ?? '', headers: incoming.headers, body };
      received.push(request);
      respond(request, response, url);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const recorded = recordLog();
  const clock = fakeClock();
  const refused: string[] = [];
  const retry = createRetry(DEFAULT_RETRY, clock, recorded.log);
  const client = createGraphClient({
    environment: environmentOf({ graph: url, login: url }),
    clientId: 'application',
    tokens: countedTokens(refused),
    retry,
    requestTimeout: 5000,
    clock,
    log: recorded.log,
  });
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { ...recorded, url, received, client, retry, clock, signal: new AbortController().signal, refused, stop };
}

/** token-1, and the next one after each that was refused. */
export function countedTokens(refused: string[]): Tokens {
  let number = 1;
  const token = (): Token => ({
    text: `token-${number}`,
    stale: new Date(8.64e15),
    signIn: { tenantId: null, clientId: null, roles: ['User.Read.All'] },
  });
  return {
    renewable: true,
    get: async () => token(),
    refuse: ({ text }) => {
      refused.push(text);
      number += 1;
    },
  };
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
