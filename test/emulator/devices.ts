import { directoryObjectBody, findDirectoryObject } from './directoryObjects.ts';
import { GraphFailure, json, type Answer, type EmulatorRequest } from './exchange.ts';
import { DEVICE, project, USER, type Entity, type StoredDevice } from './entityTypes.ts';
import { isAdvanced, parseQuery, type EntityQuery, type QueryOption } from './odata.ts';
import { demand, type Caller } from './permissions.ts';
import type { Tenant } from './tenant.ts';

const FILTERABLE = ['id', 'deviceId', 'displayName', 'accountEnabled', 'operatingSystem'];
/** An expanded navigation is cut here and has no link to the rest (known issue 13635). */
const MOST_EXPANDED = 20;

/** `GET /devices` */
export function listDevices(request: EmulatorRequest, tenant: Tenant, caller: Caller): Answer {
  demand(caller, 'devices');
  const query = parseDeviceQuery(request, tenant, ['$select', '$expand', '$top', '$filter', '$count', '$skiptoken']);
  const limit = Math.min(query.top, tenant.switches.pageLimit);
  const page = tenant.pages.read(tenant.devices, query, request, limit);
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#devices`,
    ...(query.count && tenant.pages.isFirst(request) ? { '@odata.count': matching(tenant, query) } : {}),
    ...(page.nextLink === null ? {} : { '@odata.nextLink': page.nextLink }),
    value: page.entities.map((device) => deviceBody(device, query, tenant, caller)),
  });
}

function matching(tenant: Tenant, query: EntityQuery): number {
  if (query.filter === null) return tenant.devices.size;
  let count = 0;
  for (const device of tenant.devices) if (query.filter.fits(device)) count += 1;
  return count;
}

/** `GET /devices/$count`, an advanced query. */
export function countDevices(request: EmulatorRequest, tenant: Tenant, caller: Caller): Answer {
  demand(caller, 'devices');
  if (!isAdvanced(request)) {
    const complaint = "$count is not currently supported without the 'ConsistencyLevel: eventual' header.";
    throw new GraphFailure(400, 'Request_BadRequest', complaint);
  }
  const query = parseDeviceQuery(request, tenant, ['$filter']);
  return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: String(matching(tenant, query)) };
}

/** `GET /devices/{object id}` */
export function getDevice(request: EmulatorRequest, tenant: Tenant, caller: Caller, id: string): Answer {
  demand(caller, 'devices');
  return oneDevice(request, tenant, caller, tenant.devices.get(id), id);
}

/** `GET /devices(deviceId='{device id}')` */
export function getDeviceByDeviceId(
  request: EmulatorRequest,
  tenant: Tenant,
  caller: Caller,
  deviceId: string,
): Answer {
  demand(caller, 'devices');
  const same = (device: Entity): boolean =>
    typeof device['deviceId'] === 'string' && device['deviceId'].toLowerCase() === deviceId.toLowerCase();
  return oneDevice(request, tenant, caller, tenant.devices.find(same), deviceId);
}

function oneDevice(
  request: EmulatorRequest,
  tenant: Tenant,
  caller: Caller,
  device: StoredDevice | null,
  id: string,
): Answer {
  const query = parseDeviceQuery(request, tenant, ['$select', '$expand']);
  if (device === null) throw notFound(id);
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#devices/$entity`,
    ...deviceBody(device, query, tenant, caller),
  });
}

/** `GET /devices/{object id}/registeredOwners`; the registered users of a device are its owners at registration. */
export function listOwners(request: EmulatorRequest, tenant: Tenant, caller: Caller, id: string): Answer {
  demand(caller, 'devices');
  const query = parseQuery(request, USER, ['$select', '$top']);
  const device = tenant.devices.get(id);
  if (device === null) throw notFound(id);
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#directoryObjects`,
    value: owners(device, query.select, tenant, caller).slice(0, query.top),
  });
}

function parseDeviceQuery(request: EmulatorRequest, tenant: Tenant, allowed: readonly QueryOption[]): EntityQuery {
  const query = parseQuery(request, DEVICE, allowed, FILTERABLE);
  if (query.expand !== null && query.expand.select !== null && tenant.switches.refuseNestedSelect) {
    const complaint = `Nested query options are not supported when expanding '${query.expand.navigation}'.`;
    throw new GraphFailure(400, 'Request_UnsupportedQuery', complaint);
  }
  return query;
}

function deviceBody(device: StoredDevice, query: EntityQuery, tenant: Tenant, caller: Caller): object {
  const body = project(device, DEVICE, query.select);
  const { expand } = query;
  if (expand === null) return body;
  return { ...body, [expand.navigation]: owners(device, expand.select, tenant, caller).slice(0, MOST_EXPANDED) };
}

/** Users, groups or service principals; an owner that the tenant does not know is shown as a user without properties. */
function owners(
  device: StoredDevice,
  select: readonly string[] | null,
  tenant: Tenant,
  caller: Caller,
): readonly object[] {
  return (device.registeredOwners ?? []).map((id) =>
    directoryObjectBody(findDirectoryObject(tenant, id) ?? { type: USER, entity: { id } }, select, caller),
  );
}

function notFound(id: string): GraphFailure {
  const complaint = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
  return new GraphFailure(404, 'Request_ResourceNotFound', complaint);
}
