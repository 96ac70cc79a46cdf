import { countDevices, getDevice, getDeviceByDeviceId, listDevices, listOwners } from './devices.ts';
import { GraphFailure, type Answer, type EmulatorRequest } from './exchange.ts';
import { listOrganization, listSubscribedSkus } from './organization.ts';
import type { Tenant } from './tenant.ts';
import { getUser, listUsers } from './users.ts';

type Handler = (request: EmulatorRequest, tenant: Tenant, roles: readonly string[], key: string) => Answer;

interface Route {
  /** Below the version; a group is the key. The first that fits is taken. */
  readonly path: RegExp;
  readonly handler: Handler;
  /** Resource units of one request ("Microsoft Graph service-specific throttling limits"). */
  readonly cost: number;
}

const ROUTES: readonly Route[] = [
  { path: /^\/devices$/, handler: listDevices, cost: 1 },
  { path: /^\/devices\/\$count$/, handler: countDevices, cost: 1 },
  { path: /^\/devices\(deviceId='([^']+)'\)$/, handler: getDeviceByDeviceId, cost: 1 },
  { path: /^\/devices\/([0-9a-f-]{36})$/i, handler: getDevice, cost: 1 },
  { path: /^\/devices\/([0-9a-f-]{36})\/(?:registeredOwners|registeredUsers)$/i, handler: listOwners, cost: 1 },
  { path: /^\/users$/, handler: listUsers, cost: 2 },
  { path: /^\/users\/([^/$()]+)$/, handler: getUser, cost: 1 },
  { path: /^\/organization$/, handler: listOrganization, cost: 1 },
  { path: /^\/subscribedSkus$/, handler: listSubscribedSkus, cost: 3 },
];

/** Answers one Graph request but `$batch`; throws GraphFailure for what Graph refuses. */
export function answerGraph(request: EmulatorRequest, tenant: Tenant, roles: readonly string[]): Answer {
  const path = /^\/v1\.0(\/.*)$/.exec(request.path)?.[1];
  if (path === undefined) throw new GraphFailure(400, 'BadRequest', 'Invalid version.');
  for (const route of ROUTES) {
    const key = route.path.exec(path);
    if (key === null) continue;
    if (request.method !== 'GET') {
      throw new GraphFailure(405, 'Request_BadRequest', `Specified HTTP method ${request.method} is not allowed here.`);
    }
    const answer = route.handler(request, tenant, roles, key[1] ?? '');
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
