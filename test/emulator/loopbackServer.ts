import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { parseRequest, type Answer, type EmulatorRequest } from './exchange.ts';
import type { FaultAction, Faults } from './faults.ts';
import type { RequestLog } from './requestLog.ts';

export interface LoopbackService {
  readonly faults: Faults;
  readonly requests: RequestLog;
  kindOf(path: string): EmulatorRequest['kind'];
  /** The true answer; what it throws is answered 500 in plain text. */
  answer(request: EmulatorRequest): Promise<Answer>;
  /** Headers of every answer, beneath its own. */
  headers(request: EmulatorRequest): Readonly<Record<string, string>>;
  /** Whether bodies are compressed for clients that accept it. */
  compresses(): boolean;
}

export interface LoopbackServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Milliseconds that the client has to read what was sent before the connection is reset. */
const BEFORE_RESET = 50;
const PIECES = 8;

/** Serves over plain HTTP on the loopback address, on a free port if it is 0. Faults are applied here. */
export async function startLoopbackServer(port: number, service: LoopbackService): Promise<LoopbackServer> {
  const stopping = new AbortController();
  const server = createServer((incoming, response) => {
    serve(service, incoming, response, stopping.signal).catch((thrown: unknown) => {
      if (response.headersSent || incoming.destroyed || stopping.signal.aborted) response.destroy();
      else response.writeHead(500, { 'Content-Type': 'text/plain' }).end(`The emulator failed: ${String(thrown)}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The emulator has no TCP port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The answer that the rules give, or the true one, with the alterations. */
export async function answerWith(
  actions: readonly FaultAction[],
  request: EmulatorRequest,
  trueAnswer: () => Promise<Answer>,
): Promise<Answer> {
  const replaced = actions.find((action) => action.kind === 'answer');
  let answer = replaced?.answer ?? (await trueAnswer());
  for (const action of actions) if (action.kind === 'alter') answer = action.change(answer, request);
  return answer;
}

async function serve(
  service: LoopbackService,
  incoming: IncomingMessage,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const request = await readRequest(service, incoming);
  const actions = service.faults.take(request);
  for (const action of actions) {
    if (action.kind === 'delay') await wait(action.milliseconds, undefined, { signal: stopping });
  }
  if (actions.some((action) => action.kind === 'resetBeforeHeaders')) {
    service.requests.add(request, null);
    incoming.socket.resetAndDestroy();
    return;
  }
  const answer = await answerWith(actions, request, async () => await service.answer(request));
  service.requests.add(request, answer.status);
  await send(service, request, response, answer, actions, stopping);
}

async function readRequest(service: LoopbackService, incoming: IncomingMessage): Promise<EmulatorRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk as Uint8Array));
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers[name] = String(value);
  const target = incoming.url ?? '/';
  const body = Buffer.concat(chunks).toString('utf8');
  return parseRequest(service.kindOf(target), incoming.method ?? 'GET', target, headers, body);
}

async function send(
  service: LoopbackService,
  request: EmulatorRequest,
  response: ServerResponse,
  answer: Answer,
  actions: readonly FaultAction[],
  stopping: AbortSignal,
): Promise<void> {
  const compressed = service.compresses() && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const plain = bytesOf(answer.body);
  const whole = compressed ? gzipSync(plain) : plain;
  const half = whole.subarray(0, Math.floor(whole.length / 2));
  const body = actions.some((action) => action.kind === 'truncate') ? half : whole;
  const clientRequestId = request.headers['client-request-id'];
  response.writeHead(answer.status, {
    'request-id': randomUUID(),
    ...(clientRequestId === undefined ? {} : { 'client-request-id': clientRequestId }),
    ...(compressed ? { 'Content-Encoding': 'gzip' } : {}),
    'Content-Length': String(body.length),
    ...service.headers(request),
    ...answer.headers,
  });
  if (actions.some((action) => action.kind === 'resetInBody')) {
    response.write(half);
    await wait(BEFORE_RESET);
    response.socket?.resetAndDestroy();
    return;
  }
  const slow = actions.find((action) => action.kind === 'slowBody');
  if (slow !== undefined) {
    for (let piece = 0; piece < PIECES; piece += 1) {
      response.write(body.subarray((body.length * piece) / PIECES, (body.length * (piece + 1)) / PIECES));
      await wait(slow.milliseconds / PIECES, undefined, { signal: stopping });
    }
  }
  response.end(slow === undefined ? body : undefined);
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body), 'utf8');
}
