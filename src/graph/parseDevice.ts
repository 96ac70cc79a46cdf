import type { AlternativeSecurityId, Answer, EntraDevice } from '../device/entraDevice.ts';
import { parseGuid, type Guid } from '../device/guid.ts';
import { guidOf, isObject, textOf, type JsonObject } from './json.ts';

/** A registered owner: any directory object. */
export interface Owner {
  readonly id: Guid;
  /** `@odata.type`, null where Graph does not say. */
  readonly type: string | null;
}

/** A device as one answer of Graph gives it: its owners are named, their SIDs not yet read. */
export interface ReadDevice {
  readonly device: Omit<EntraDevice, 'ownerSid'>;
  readonly owners: Answer<readonly Owner[]>;
}

/**
 * The device in this JSON, or null if it is none: no object, or without an object id.
 * A property of the right type is its value, null is null, and what is missing or has another type was not read.
 * Source: Microsoft Graph v1.0, resource type device.
 */
export function parseDevice(value: unknown): ReadDevice | null {
  if (!isObject(value)) return null;
  const id = guidOf(value.id);
  if (id === null) return null;
  const deviceId = text(value, 'deviceId');
  return {
    device: {
      id,
      deviceId: typeof deviceId === 'string' ? parseGuid(deviceId) : deviceId,
      displayName: text(value, 'displayName'),
      accountEnabled: flag(value, 'accountEnabled'),
      alternativeSecurityIds: list(value, 'alternativeSecurityIds', alternativeSecurityId),
      deviceVersion: integer(value, 'deviceVersion'),
      operatingSystem: text(value, 'operatingSystem'),
      operatingSystemVersion: text(value, 'operatingSystemVersion'),
      physicalIds: list(value, 'physicalIds', (element) => (typeof element === 'string' ? element : undefined)),
      isManaged: flag(value, 'isManaged'),
      isCompliant: flag(value, 'isCompliant'),
      trustType: text(value, 'trustType'),
    },
    // Graph expands a part of a long list only: what is left out may be the owner that counts.
    owners: value['registeredOwners@odata.nextLink'] === undefined ? list(value, 'registeredOwners', owner) : undefined,
  };
}

function property<T>(object: JsonObject, name: string, is: (value: unknown) => value is T): Answer<T> {
  const value = object[name];
  return value === null || is(value) ? value : undefined;
}

function text(object: JsonObject, name: string): Answer<string> {
  return property(object, name, (value) => typeof value === 'string');
}

function flag(object: JsonObject, name: string): Answer<boolean> {
  return property(object, name, (value) => typeof value === 'boolean');
}

function integer(object: JsonObject, name: string): Answer<number> {
  return property(object, name, (value): value is number => Number.isInteger(value));
}

/** One element that cannot be read makes the whole list unread: a list without it would be another list. */
function list<T>(object: JsonObject, name: string, parse: (element: unknown) => T | undefined): Answer<readonly T[]> {
  const values = object[name];
  if (values === null) return null;
  if (!Array.isArray(values)) return undefined;
  const parsed: T[] = [];
  for (const value of values) {
    const element = parse(value);
    if (element === undefined) return undefined;
    parsed.push(element);
  }
  return parsed;
}

function alternativeSecurityId(element: unknown): AlternativeSecurityId | undefined {
  if (!isObject(element)) return undefined;
  const type = integer(element, 'type');
  const key = text(element, 'key');
  return type === undefined || key === undefined ? undefined : { type, key };
}

function owner(element: unknown): Owner | undefined {
  if (!isObject(element)) return undefined;
  const id = guidOf(element.id);
  return id === null ? undefined : { id, type: textOf(element['@odata.type']) };
}
