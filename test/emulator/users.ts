import { GraphFailure, json, type Answer, type EmulatorRequest } from './exchange.ts';
import { project, USER, type Entity } from './entityTypes.ts';
import { parseQuery, type EntityQuery } from './odata.ts';
import { demand, permits, type Caller } from './permissions.ts';
import type { Tenant } from './tenant.ts';

const FILTERABLE = ['id', 'userPrincipalName', 'displayName', 'onPremisesSecurityIdentifier'];

/** `GET /users` */
export function listUsers(request: EmulatorRequest, tenant: Tenant, caller: Caller): Answer {
  demand(caller, 'users');
  const query = parseQuery(request, USER, ['$select', '$top', '$filter', '$skiptoken'], FILTERABLE);
  const page = tenant.pages.read(tenant.users, query, request, Math.min(query.top, tenant.switches.pageLimit));
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#users`,
    ...(page.nextLink === null ? {} : { '@odata.nextLink': page.nextLink }),
    value: page.entities.map((user) => userBody(user, query, caller)),
  });
}

/** `GET /users/{object id or user principal name}` */
export function getUser(request: EmulatorRequest, tenant: Tenant, caller: Caller, id: string): Answer {
  demand(caller, 'users');
  const query = parseQuery(request, USER, ['$select']);
  const named = id.includes('@') ? tenant.users.find((one) => one['userPrincipalName'] === id) : null;
  const user = named ?? tenant.users.get(id);
  if (user === null) {
    const complaint = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
    throw new GraphFailure(404, 'Request_ResourceNotFound', complaint);
  }
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#users/$entity`,
    ...userBody(user, query, caller),
  });
}

/** User.ReadBasic.All opens the properties that come by default and leaves the others out. */
function userBody(user: Entity, query: EntityQuery, caller: Caller): object {
  const visible = permits(caller, 'userDetails')
    ? query.select
    : (query.select?.filter((name) => USER.properties.get(name)?.onSelectOnly === false) ?? null);
  return project(user, USER, visible);
}
