import { directoryObjectBody, findDirectoryObject, type DirectoryObject } from './directoryObjects.ts';
import { DEVICE, GROUP, project, SERVICE_PRINCIPAL, USER, type EntityType } from './entityTypes.ts';
import { GraphFailure, json, type Answer, type EmulatorRequest } from './exchange.ts';
import { isAdvanced, parseQuery, type QueryOption } from './odata.ts';
import { demand, type Caller } from './permissions.ts';
import type { Tenant } from './tenant.ts';

const TYPES: readonly EntityType[] = [DEVICE, USER, GROUP, SERVICE_PRINCIPAL];
/** `$select` in a collection of mixed types may name a property of any of them. */
const ANY: EntityType = {
  name: 'directoryObject',
  properties: new Map(TYPES.flatMap((type) => [...type.properties])),
};
const MEMBER_OPTIONS: readonly QueryOption[] = ['$select', '$top', '$count', '$skiptoken'];

/** `GET /groups/{object id}` */
export function getGroup(request: EmulatorRequest, tenant: Tenant, caller: Caller, id: string): Answer {
  demand(caller, 'groups');
  const { select } = parseQuery(request, GROUP, ['$select']);
  const group = tenant.groups.get(id);
  if (group === null) throw notFound(id);
  const { members: _, ...properties } = group;
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#groups/$entity`,
    ...project(properties, GROUP, select),
  });
}

/** `GET /groups/{object id}/members`, with or without a cast to one type. */
export function listMembers(
  request: EmulatorRequest,
  tenant: Tenant,
  caller: Caller,
  id: string,
  cast: string,
): Answer {
  return membersAnswer(request, tenant, caller, cast, directMembers(tenant, id));
}

/**
 * `GET /groups/{object id}/transitiveMembers`, with or without a cast to one type. Source: Graph v1.0, "List group
 * transitive members"; that a cast works without ConsistencyLevel is community knowledge, so it is a switch.
 */
export function listTransitiveMembers(
  request: EmulatorRequest,
  tenant: Tenant,
  caller: Caller,
  id: string,
  cast: string,
): Answer {
  return membersAnswer(request, tenant, caller, cast, transitiveMembers(tenant, id));
}

function membersAnswer(
  request: EmulatorRequest,
  tenant: Tenant,
  caller: Caller,
  cast: string,
  members: Iterable<DirectoryObject>,
): Answer {
  demand(caller, 'groups');
  const type = cast === '' ? null : castType(cast, request, tenant);
  const query = parseQuery(request, type ?? ANY, MEMBER_OPTIONS);
  const fitting = [...members].filter((member) => type === null || member.type === type);
  const start = tenant.pages.position(request);
  const end = start + Math.min(query.top, tenant.switches.pageLimit);
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#${type === null ? 'directoryObjects' : `${type.name}s`}`,
    ...(query.count && tenant.pages.isFirst(request) ? { '@odata.count': fitting.length } : {}),
    ...(end < fitting.length ? { '@odata.nextLink': tenant.pages.link(request, end) } : {}),
    value: fitting.slice(start, end).map((member) => {
      const { '@odata.type': name, ...body } = directoryObjectBody(member, query.select, caller);
      return type === null ? { '@odata.type': name, ...body } : body;
    }),
  });
}

/** Later pages do not carry the header on, so only the first is checked. */
function castType(cast: string, request: EmulatorRequest, tenant: Tenant): EntityType {
  const type = TYPES.find((one) => `microsoft.graph.${one.name}` === cast);
  const advanced = isAdvanced(request) && request.parameters.get('$count') === 'true';
  const refused = tenant.switches.castIsAdvanced && tenant.pages.isFirst(request) && !advanced;
  if (type === undefined || refused) {
    throw new GraphFailure(400, 'Request_UnsupportedQuery', `The cast to '${cast}' is not supported here.`);
  }
  return type;
}

function* directMembers(tenant: Tenant, id: string): Generator<DirectoryObject> {
  const group = tenant.groups.get(id);
  if (group === null) throw notFound(id);
  for (const memberId of group.members ?? []) {
    const member = findDirectoryObject(tenant, memberId);
    if (member !== null) yield member;
  }
}

/** Every member once, nested groups themselves included, whatever circles the groups make. */
function* transitiveMembers(tenant: Tenant, id: string): Generator<DirectoryObject> {
  const seen = new Set<string>([id.toLowerCase()]);
  const toVisit = [id];
  for (let group = toVisit.shift(); group !== undefined; group = toVisit.shift()) {
    for (const member of directMembers(tenant, group)) {
      const key = member.entity.id.toLowerCase();
      if (seen.has(key)) continue;
      seen.add(key);
      yield member;
      if (member.type === GROUP) toVisit.push(member.entity.id);
    }
  }
}

function notFound(id: string): GraphFailure {
  const complaint = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
  return new GraphFailure(404, 'Request_ResourceNotFound', complaint);
}
