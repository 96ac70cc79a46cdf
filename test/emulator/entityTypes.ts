import { readFileSync } from 'node:fs';

/** A device or user as it is kept: Graph's properties, and registered owners as ids of users. */
export interface Entity {
  readonly id: string;
  readonly [property: string]: unknown;
}

export interface StoredDevice extends Entity {
  readonly registeredOwners?: readonly string[];
}

export interface StoredGroup extends Entity {
  /** Ids of devices, users, groups and service principals. */
  readonly members?: readonly string[];
}

export interface Property {
  readonly collection: boolean;
  /** Absent from an answer unless named in $select. */
  readonly onSelectOnly: boolean;
  readonly navigation: boolean;
}

export interface EntityType {
  /** As in `microsoft.graph.<name>`. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, Property>;
}

interface Schema {
  readonly title?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly 'x-returned-only-on-select'?: boolean;
  readonly 'x-navigation'?: boolean;
}

interface Description {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const description = JSON.parse(
  readFileSync(new URL('../vectors/graph-device-openapi.json', import.meta.url), 'utf8'),
) as Description;

const COLLECTIONS: ReadonlySet<string> = new Set(['businessPhones', 'groupTypes']);

export const DEVICE = entityType('device', []);
/** The excerpt leaves out what writeback does not read; these too are part of a user by default. */
export const USER = entityType('user', [
  'businessPhones',
  'givenName',
  'jobTitle',
  'mail',
  'mobilePhone',
  'officeLocation',
  'preferredLanguage',
  'surname',
]);
/** Neither is in the excerpt: some of what a group and a service principal are by default. */
export const GROUP = entityType('group', [
  'createdDateTime',
  'description',
  'displayName',
  'groupTypes',
  'mail',
  'mailEnabled',
  'mailNickname',
  'membershipRule',
  'onPremisesSyncEnabled',
  'securityEnabled',
]);
export const SERVICE_PRINCIPAL = entityType('servicePrincipal', [
  'accountEnabled',
  'appDisplayName',
  'appId',
  'displayName',
  'servicePrincipalType',
]);
export const ORGANIZATION = entityType('organization', []);
export const SUBSCRIBED_SKU = entityType('subscribedSku', []);

function entityType(name: string, others: readonly string[]): EntityType {
  const properties = new Map<string, Property>();
  for (const other of others) {
    properties.set(other, { collection: COLLECTIONS.has(other), onSelectOnly: false, navigation: false });
  }
  const schema = `microsoft.graph.${name}`;
  collect(schema in description.components.schemas ? schema : 'microsoft.graph.directoryObject', properties);
  return { name, properties };
}

function collect(schemaName: string, into: Map<string, Property>): void {
  const schema = description.components.schemas[schemaName];
  if (schema === undefined) throw new Error(`The Graph description has no schema ${schemaName}.`);
  for (const part of schema.allOf ?? [schema]) {
    if (part.$ref !== undefined) collect(part.$ref.slice('#/components/schemas/'.length), into);
    for (const [name, property] of Object.entries(part.properties ?? {})) {
      if (name.startsWith('@')) continue;
      into.set(name, {
        collection: property.type === 'array',
        onSelectOnly: property['x-returned-only-on-select'] ?? false,
        navigation: property['x-navigation'] ?? false,
      });
    }
  }
}

/**
 * The properties of an entity as an answer carries them. Without a selection: the default ones and any undeclared
 * member; with one: those alone, and the id. What was never set is null, or empty where it is a collection.
 */
export function project(entity: Entity, type: EntityType, select: readonly string[] | null): Record<string, unknown> {
  const names = select ?? defaultNames(entity, type);
  const projected: Record<string, unknown> = { id: entity.id };
  for (const name of names) {
    const property = type.properties.get(name);
    if (property?.navigation === true) continue;
    projected[name] = name in entity ? entity[name] : property?.collection === true ? [] : null;
  }
  return projected;
}

export function defaultNames(entity: Entity, type: EntityType): readonly string[] {
  const declared = [...type.properties].filter(([, property]) => !property.onSelectOnly).map(([name]) => name);
  return [...declared, ...Object.keys(entity).filter((name) => !type.properties.has(name))];
}
