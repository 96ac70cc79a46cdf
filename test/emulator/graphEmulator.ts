import { randomUUID } from 'node:crypto';
import { AccessTokens } from './accessTokens.ts';
import { AppRegistrations } from './appRegistrations.ts';
import { answerBatch } from './batch.ts';
import { DeltaLinks } from './deltaLinks.ts';
import { answerDeviceCode } from './deviceCode.ts';
import { Entities } from './entities.ts';
import type { Entity, StoredDevice, StoredGroup } from './entityTypes.ts';
import { GraphFailure, odataError, type Answer, type EmulatorRequest } from './exchange.ts';
import { Faults } from './faults.ts';
import { answerGraph } from './graphRoutes.ts';
import { answerWith, startLoopbackServer } from './loopbackServer.ts';
import { AAD_PREMIUM, newOrganization, newSku } from './organization.ts';
import { Pages } from './pages.ts';
import { RequestLog } from './requestLog.ts';
import { SignIns } from './signIns.ts';
import type { SyntheticTenant } from './syntheticDevices.ts';
import { USUAL, type Switches } from './switches.ts';
import type { Tenant } from './tenant.ts';
import { answerToken } from './tokenEndpoint.ts';

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
const DEVICE_CODE_PATH = /^\/[^/]+\/oauth2\/v2\.0\/devicecode$/;
const JSON_TYPE = 'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8';

export async function startGraphEmulator(options: GraphEmulatorOptions = {}): Promise<GraphEmulator> {
  const tenantId = options.tenantId ?? randomUUID();
  const faults = new Faults();
  const requests = new RequestLog();
  const server = await startLoopbackServer(options.port ?? 0, {
    faults,
    requests,
    kindOf: (path) => (path.startsWith('/v1.0/') ? 'graph' : 'token'),
    answer: async (request) =>
      await orError(request, emulator.switches, async () => await answerWire(request, emulator)),
    headers: (request) => headersOf(request, emulator.switches),
    compresses: () => emulator.switches.gzip,
  });
  const { url } = server;
  const emulator: GraphEmulator = {
    tenantId,
    graphUrl: url,
    loginUrl: url,
    devices: new Entities<StoredDevice>(options.synthetic?.devices ?? null),
    users: new Entities<Entity>(options.synthetic?.users ?? null),
    groups: new Entities<StoredGroup>(null),
    servicePrincipals: new Entities<Entity>(null),
    organization: newOrganization(tenantId),
    subscribedSkus: [newSku(tenantId, [[AAD_PREMIUM, 'AAD_PREMIUM']])],
    apps: new AppRegistrations(),
    tokens: new AccessTokens(tenantId),
    assertions: new Set(),
    signIns: new SignIns(),
    pages: new Pages(() => url),
    deltaLinks: new DeltaLinks(() => url),
    switches: { ...USUAL, ...options.switches },
    faults,
    requests,
    stop: server.stop,
  };
  return emulator;
}

function headersOf(request: EmulatorRequest, switches: Switches): Readonly<Record<string, string>> {
  const percentage = switches.throttleLimitPercentage;
  return {
    'Content-Type': request.kind === 'token' ? 'application/json; charset=utf-8' : JSON_TYPE,
    Date: new Date(Date.now() + switches.clockSkew).toUTCString(),
    'OData-Version': '4.0',
    ...(percentage === null ? {} : { 'x-ms-throttle-limit-percentage': String(percentage) }),
  };
}

async function answerWire(request: EmulatorRequest, emulator: GraphEmulator): Promise<Answer> {
  if (request.kind === 'token') {
    if (TOKEN_PATH.test(request.path) && request.method === 'POST') return await answerToken(request, emulator);
    if (DEVICE_CODE_PATH.test(request.path) && request.method === 'POST')
      return await answerDeviceCode(request, emulator);
    return { status: 404, headers: { 'Content-Type': 'text/html' }, body: '<html><body>Not found</body></html>' };
  }
  const caller = await emulator.tokens.caller(request);
  if (request.path !== '/v1.0/$batch') return answerGraph(request, emulator, caller);
  if (request.method !== 'POST') throw new GraphFailure(405, 'BadRequest', 'A batch is posted.');
  return await answerBatch(request, async (inner) => {
    const answer = await answerWith(
      emulator.faults.take(inner),
      inner,
      async () => await orError(inner, emulator.switches, async () => answerGraph(inner, emulator, caller)),
    );
    emulator.requests.add(inner, answer.status);
    return answer;
  });
}

async function orError(
  request: EmulatorRequest,
  switches: Switches,
  trueAnswer: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await trueAnswer();
  } catch (thrown) {
    if (!(thrown instanceof GraphFailure)) throw thrown;
    const clientRequestId = request.headers['client-request-id'] ?? randomUUID();
    const date = new Date(Date.now() + switches.clockSkew);
    const body = odataError(thrown.code, thrown.message, randomUUID(), clientRequestId, date);
    return { status: thrown.status, headers: thrown.headers, body };
  }
}
