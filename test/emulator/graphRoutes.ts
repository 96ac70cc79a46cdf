import { countDevices, getDevice, getDeviceByDeviceId, listDevices, listOwners } from './devices.ts';
import { deviceDelta } from './deviceDelta.ts';
import { GraphFailure, type Answer, type EmulatorRequest } from './exchange.ts';
import { getGroup, listMembers, listTransitiveMembers } from './groups.ts';
import { listOrganization, listSubscribedSkus } from './organization.ts';
import type { Caller } from './permissions.ts';
import type { Tenant } from './tenant.ts';
import { getUser, listUsers } from './users.ts';

type Handler = (request: EmulatorRequest, tenant: Tenant, caller: Caller, key: string, cast: string) => Answer;

interface Route {
  /** Below the version; the groups are the key and the cast. The first that fits is taken. */
  readonly path: RegExp;
  readonly handler: Handler;
  /** Resource units of one request ("Microsoft Graph service-specific throttling limits"). */
  readonly cost: number;
}

const ROUTES: readonly Route[] = [
  { path: /^\/devices$/, handler: listDevices, cost: 1 },
  { path: /^\/devices\/\$count$/, handler: countDevices, cost: 1 },
  { path: /^\/devices\/(?:microsoft\.graph\.)?delta(?:\(\))?$/, handler: deviceDelta, cost: 1 },
  { path: /^\/devices\(deviceId='([^']+)'\)$/, handler: getDeviceByDeviceId, cost: 1 },
  { path: /^\/devices\/([0-9a-f-]{36})$/i, handler: getDevice, cost: 1 },
  { path: /^\/devices\/([0-9a-f-]{36})\/(?:registeredOwners|registeredUsers)$/i, handler: listOwners, cost: 1 },
  { path: /^\/users$/, handler: listUsers, cost: 2 },
  { path: /^\/users\/([^/$()]+)$/, handler: getUser, cost: 1 },
  { path: /^\/groups\/([0-9a-f-]{36})$/i, handler: getGroup, cost: 1 },
  { path: /^\/groups\/([0-9a-f-]{36})\/members(?:\/(microsoft\.graph\.\w+))?$/i, handler: listMembers, cost: 3 },
  {
    path: /^\/groups\/([0-9a-f-]{36})\/transitiveMembers(?:\/(microsoft\.graph\.\w+))?$/i,
    handler: listTransitiveMembers,
    cost: 5,
  },
  { path: /^\/organization$/, handler: listOrganization, cost: 1 },
  { path: /^\/subscribedSkus$/, handler: listSubscribedSkus, cost: 3 },
];

/** Answers one Graph request but `$batch`; throws GraphFailure for what Graph refuses. */
export function answerGraph(request: EmulatorRequest, tenant: Tenant, caller: Caller): Answer {
  const path = /^\/v1\.0(\/.*)$/.exec(request.path)?.[1];
  if (path === undefined) throw new GraphFailure(400, 'BadRequest', 'Invalid version.');
  for (const route of ROUTES) {
    const key = route.path.exec(path);
    if (key === null) continue;
    if (request.method !== 'GET') {
      throw new GraphFailure(405, 'Request_BadRequest', `Specified HTTP method ${request.method} is not allowed here.`);
    }
    const answer = route.handler(request, tenant, caller, key[1] ?? '', key[2] ?? '');
    return { ...answer, headers: { ...answer.headers, 'x-ms-resource-unit': String(resourceUnits(route, request)) } };
  }
  const segment = path.split('/')[1] ?? '';
  throw new GraphFailure(400, 'BadRequest', `Resource not found for the segment '${segment}'.`);
}

function resourceUnits(route: Route, request: EmulatorRequest): number {
  const { parameters } = request;
  const top = parameters.get('$top');
  const units =
    route.cost -
    (parameters.has('$select') ? 1 : 0) +
    (parameters.has('$expand') ? 1 : 0) -
    (top !== null && Number(top) < 20 ? 1 : 0);
  return Math.max(1, units);
}
