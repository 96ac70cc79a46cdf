import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { AccessTokens } from './accessTokens.ts';
import { AppRegistrations } from './appRegistrations.ts';
import { answerBatch } from './batch.ts';
import { Entities } from './entities.ts';
import type { Entity, StoredDevice } from './entityTypes.ts';
import { GraphFailure, odataError, parseRequest, type Answer, type EmulatorRequest } from './exchange.ts';
import { Faults, type FaultAction } from './faults.ts';
import { answerGraph } from './graphRoutes.ts';
import { AAD_PREMIUM, newOrganization, newSku } from './organization.ts';
import { Pages } from './pages.ts';
import { RequestLog } from './requestLog.ts';
import type { SyntheticTenant } from './syntheticDevices.ts';
import type { Switches, Tenant } from './tenant.ts';
import { answerToken, type SeenAssertions } from './tokenEndpoint.ts';

export interface GraphEmulatorOptions {
  /** A free one if not given. */
  readonly port?: number;
  readonly tenantId?: string;
  /** The devices and users that are there from the start; none if not given. */
  readonly synthetic?: SyntheticTenant;
  readonly switches?: Partial<Switches>;
}

/** Microsoft Graph v1.0 and the Entra token endpoint of one tenant, over plain HTTP on the loopback address. */
export interface GraphEmulator extends Tenant {
  readonly faults: Faults;
  readonly requests: RequestLog;
  stop(): Promise<void>;
}

const TOKEN_PATH = /^\/[^/]+\/oauth2\/v2\.0\/token$/;
const JSON_TYPE = 'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8';
/** Milliseconds that the client has to read what was sent before the connection is reset. */
const BEFORE_RESET = 50;

export async function startGraphEmulator(options: GraphEmulatorOptions = {}): Promise<GraphEmulator> {
  const tenantId = options.tenantId ?? randomUUID();
  const stopping = new AbortController();
  const server = createServer((incoming, response) => {
    serve(emulator, seen, incoming, response, stopping.signal).catch((thrown: unknown) => {
      if (response.headersSent || incoming.destroyed || stopping.signal.aborted) response.destroy();
      else response.writeHead(500, { 'Content-Type': 'text/plain' }).end(`The emulator failed: ${String(thrown)}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The emulator has no TCP port.');
  const url = `http://127.0.0.1:${address.port}`;

  const seen: SeenAssertions = new Set();
  const emulator: GraphEmulator = {
    tenantId,
    graphUrl: url,
    loginUrl: url,
    devices: new Entities<StoredDevice>(options.synthetic?.devices ?? null),
    users: new Entities<Entity>(options.synthetic?.users ?? null),
    organization: newOrganization(tenantId),
    subscribedSkus: [newSku(tenantId, [[AAD_PREMIUM, 'AAD_PREMIUM']])],
    apps: new AppRegistrations(),
    tokens: new AccessTokens(tenantId),
    pages: new Pages(() => url),
    switches: {
      tokenLifetime: 3599,
      clockSkew: 0,
      pageLimit: Number.POSITIVE_INFINITY,
      refuseNestedSelect: false,
      refuseReplayedAssertion: false,
      ...options.switches,
    },
    faults: new Faults(),
    requests: new RequestLog(),
    stop: async () => {
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return emulator;
}

async function serve(
  emulator: GraphEmulator,
  seen: SeenAssertions,
  incoming: IncomingMessage,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const request = await readRequest(incoming);
  const actions = emulator.faults.take(request);
  for (const action of actions) {
    if (action.kind === 'delay') await wait(action.milliseconds, undefined, { signal: stopping });
  }
  if (actions.some((action) => action.kind === 'resetBeforeHeaders')) {
    emulator.requests.add(request, null);
    incoming.socket.resetAndDestroy();
    return;
  }
  const answer = await answerWith(actions, request, emulator, () => answerWire(request, emulator, seen));
  emulator.requests.add(request, answer.status);
  await send(request, response, answer, actions, emulator.switches.clockSkew);
}

async function readRequest(incoming: IncomingMessage): Promise<EmulatorRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk as Uint8Array));
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers[name] = String(value);
  const target = incoming.url ?? '/';
  const kind = target.startsWith('/v1.0/') ? 'graph' : 'token';
  return parseRequest(kind, incoming.method ?? 'GET', target, headers, Buffer.concat(chunks).toString('utf8'));
}

/** The answer that the rules give, or the true one, with the alterations. */
async function answerWith(
  actions: readonly FaultAction[],
  request: EmulatorRequest,
  emulator: GraphEmulator,
  trueAnswer: () => Promise<Answer>,
): Promise<Answer> {
  const replaced = actions.find((action) => action.kind === 'answer');
  let answer = replaced?.answer ?? (await orError(trueAnswer, request, emulator));
  for (const action of actions) if (action.kind === 'alter') answer = action.change(answer, request);
  return answer;
}

async function answerWire(request: EmulatorRequest, emulator: GraphEmulator, seen: SeenAssertions): Promise<Answer> {
  if (request.kind === 'token') {
    if (TOKEN_PATH.test(request.path) && request.method === 'POST') return await answerToken(request, emulator, seen);
    return { status: 404, headers: { 'Content-Type': 'text/html' }, body: '<html><body>Not found</body></html>' };
  }
  const roles = await emulator.tokens.roles(request);
  if (request.path !== '/v1.0/$batch') return answerGraph(request, emulator, roles);
  if (request.method !== 'POST') throw new GraphFailure(405, 'BadRequest', 'A batch is posted.');
  return await answerBatch(request, async (inner) => {
    const actions = emulator.faults.take(inner);
    const answer = await answerWith(actions, inner, emulator, async () => answerGraph(inner, emulator, roles));
    emulator.requests.add(inner, answer.status);
    return answer;
  });
}

async function orError(
  trueAnswer: () => Promise<Answer>,
  request: EmulatorRequest,
  emulator: GraphEmulator,
): Promise<Answer> {
  try {
    return await trueAnswer();
  } catch (thrown) {
    if (!(thrown instanceof GraphFailure)) throw thrown;
    const clientRequestId = request.headers['client-request-id'] ?? randomUUID();
    const date = new Date(Date.now() + emulator.switches.clockSkew);
    const body = odataError(thrown.code, thrown.message, randomUUID(), clientRequestId, date);
    return { status: thrown.status, headers: thrown.headers, body };
  }
}

async function send(
  request: EmulatorRequest,
  response: ServerResponse,
  answer: Answer,
  actions: readonly FaultAction[],
  clockSkew: number,
): Promise<void> {
  const text =
    answer.body === undefined ? '' : typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const whole = Buffer.from(text, 'utf8');
  const half = whole.subarray(0, Math.floor(whole.length / 2));
  const truncated = actions.some((action) => action.kind === 'truncate');
  const body = truncated ? half : whole;
  response.writeHead(answer.status, {
    'Content-Type': request.kind === 'token' ? 'application/json; charset=utf-8' : JSON_TYPE,
    Date: new Date(Date.now() + clockSkew).toUTCString(),
    'request-id': randomUUID(),
    ...(request.headers['client-request-id'] === undefined
      ? {}
      : { 'client-request-id': request.headers['client-request-id'] }),
    'OData-Version': '4.0',
    'Content-Length': String(body.length),
    ...answer.headers,
  });
  if (actions.some((action) => action.kind === 'resetInBody')) {
    response.write(half);
    await wait(BEFORE_RESET);
    response.socket?.resetAndDestroy();
    return;
  }
  response.end(body);
}
