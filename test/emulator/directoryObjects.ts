import { DEVICE, GROUP, project, SERVICE_PRINCIPAL, USER, type Entity, type EntityType } from './entityTypes.ts';
import { permits, type Caller } from './permissions.ts';
import type { Tenant } from './tenant.ts';

/** An object of the directory with its type, as a relationship leads to it. */
export interface DirectoryObject {
  readonly type: EntityType;
  readonly entity: Entity;
}

/** What a relationship leads to; null if there is no such object. */
export function findDirectoryObject(tenant: Tenant, id: string): DirectoryObject | null {
  const candidates: readonly (readonly [EntityType, Entity | null])[] = [
    [DEVICE, tenant.devices.get(id)],
    [USER, tenant.users.get(id)],
    [GROUP, tenant.groups.get(id)],
    [SERVICE_PRINCIPAL, tenant.servicePrincipals.get(id)],
  ];
  for (const [type, entity] of candidates) if (entity !== null) return { type, entity };
  return null;
}

/**
 * An object inside a collection of mixed types. One whose type the caller may not read is a type and an id, and its
 * other default properties are null; a selected property of another type is left out. Source: Graph v1.0, "Limited information returned for inaccessible member objects".
 */
export function directoryObjectBody(
  { type, entity }: DirectoryObject,
  select: readonly string[] | null,
  caller: Caller,
): Record<string, unknown> {
  const shown = mayRead(caller, type) ? entity : { id: entity.id };
  const own = select?.filter((name) => type.properties.has(name)) ?? null;
  const visible = seesAll(caller, type) ? own : (own?.filter((name) => isBasic(type, name)) ?? null);
  return { '@odata.type': `#microsoft.graph.${type.name}`, ...project(shown, type, visible) };
}

function mayRead(caller: Caller, type: EntityType): boolean {
  if (type === DEVICE) return permits(caller, 'devices');
  if (type === USER) return permits(caller, 'users');
  if (type === GROUP) return permits(caller, 'groups');
  return permits(caller, 'servicePrincipals');
}

function seesAll(caller: Caller, type: EntityType): boolean {
  return type === USER ? permits(caller, 'userDetails') : mayRead(caller, type);
}

function isBasic(type: EntityType, name: string): boolean {
  return type.properties.get(name)?.onSelectOnly === false;
}
