import type { Guid } from './guid.ts';

/**
 * What Graph said of one property: a value, null (it has none), or undefined: it was asked for and not answered, or
 * answered in a form we cannot read. What was not read is never taken for null.
 */
export type Answer<T> = T | null | undefined;

/** An entry of `alternativeSecurityIds`; `key` is base64 (Graph v1.0, alternativeSecurityId). */
export interface AlternativeSecurityId {
  readonly type: number | null;
  readonly key: string | null;
}

/**
 * The Entra device: the object in Graph. Property names are Graph's. GUIDs are lower case.
 * Source: Microsoft Graph v1.0, resource type device.
 */
export interface EntraDevice {
  /** The Entra object id, not the device id. */
  readonly id: Guid;
  /** null also when the text is no GUID: no device object can carry it. */
  readonly deviceId: Answer<Guid>;
  readonly displayName: Answer<string>;
  readonly accountEnabled: Answer<boolean>;
  readonly alternativeSecurityIds: Answer<readonly AlternativeSecurityId[]>;
  readonly deviceVersion: Answer<number>;
  readonly operatingSystem: Answer<string>;
  readonly operatingSystemVersion: Answer<string>;
  readonly physicalIds: Answer<readonly string[]>;
  readonly isManaged: Answer<boolean>;
  readonly isCompliant: Answer<boolean>;
  readonly trustType: Answer<string>;
  /** `onPremisesSecurityIdentifier` of the registered owner; null for none or a cloud-only owner. */
  readonly ownerSid: Answer<string>;
}

/** The properties a device is read with: what the attribute flow needs and nothing that changes with every sign-in. */
export const SELECTED_PROPERTIES = [
  'id',
  'deviceId',
  'displayName',
  'accountEnabled',
  'alternativeSecurityIds',
  'deviceVersion',
  'operatingSystem',
  'operatingSystemVersion',
  'physicalIds',
  'isManaged',
  'isCompliant',
  'trustType',
] as const;
