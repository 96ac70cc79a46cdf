import { anchorValue } from '../../src/device/anchor.ts';
import { attributeFlow } from '../../src/device/attributeFlow.ts';
import { ATTRIBUTE_NAMES, type AttributeName, type Values } from '../../src/device/attributes.ts';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { AlternativeSecurityId, EntraDevice } from '../../src/device/entraDevice.ts';
import { guidToHex, type Guid } from '../../src/device/guid.ts';
import { markText } from '../../src/device/mark.ts';
import { takeCensus } from '../../src/plan/census.ts';
import type { PlanInput } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';

export const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
export const OTHER_TENANT = '11111111-2222-3333-4444-555555555555';
export const CONTAINER = 'CN=RegisteredDevices,DC=corp,DC=contoso,DC=test';
export const NOW = new Date('2026-11-22T14:23:12Z');
export const ALL = new Set<AttributeName>(ATTRIBUTE_NAMES);

const DAY = 24 * 60 * 60 * 1000;

/** So many days before NOW. */
export function daysAgo(days: number): Date {
  return new Date(NOW.getTime() - days * DAY);
}

const numbered = (group: string, number: number): Guid =>
  `00000000-0000-4000-${group}-${number.toString(16).padStart(12, '0')}`;

export const deviceId = (number: number): Guid => numbered('8000', number);
export const objectId = (number: number): Guid => numbered('9000', number);
export const objectGuid = (number: number): Guid => numbered('a000', number);

/** A certificate key in the form of altSecurityIdentities. */
export function key(number: number): string {
  const digits = number.toString(16).toUpperCase();
  return `X509:<SHA1-TP-PUBKEY>${digits.padStart(40, '0')}${digits.padStart(43, 'A')}=`;
}

/** The entry of alternativeSecurityIds that holds this text. */
export function entry(text: string): AlternativeSecurityId {
  return { type: 2, key: Buffer.from(text, 'utf16le').toString('base64') };
}

/** An Entra device that can be written; its ids, name and key follow from the number. */
export function entraDevice(number: number, values: Partial<EntraDevice> = {}): EntraDevice {
  return {
    id: objectId(number),
    deviceId: deviceId(number),
    displayName: `PC-${number}`,
    accountEnabled: true,
    alternativeSecurityIds: [entry(key(number))],
    deviceVersion: 2,
    operatingSystem: 'Windows',
    operatingSystemVersion: '10.0.26100.1',
    physicalIds: [`[GID]:g:${number}`, `[HWID]:h:${number}`],
    isManaged: true,
    isCompliant: true,
    trustType: 'AzureAd',
    ownerSid: null,
    ...values,
  };
}

export const MARK = markText({ tenantId: TENANT, removed: null });

export function removedMark(removed: Date): string {
  return markText({ tenantId: TENANT, removed });
}

export interface ObjectTraits {
  /** Text of adminDescription, null for none; this tenant's mark if not given. */
  readonly mark?: string | null;
  /** Attributes that differ from those of the Entra device of this number; an empty list is no value. */
  readonly attributes?: Partial<Record<AttributeName, Values>>;
  readonly name?: string;
  /** The number that objectGUID follows from, where it is not that of the device. */
  readonly guid?: number;
  readonly hasTransportKey?: boolean;
  /** A hundred days ago if not given. */
  readonly created?: Date;
}

/** The owned device object that a writeback of `entraDevice(number)` would have left. */
export function deviceObject(number: number, traits: ObjectTraits = {}): DeviceObject {
  const flowed = Object.entries(attributeFlow(entraDevice(number), ALL)).map(([name, value]) => [
    name,
    value.kind === 'left' ? [] : value.values,
  ]);
  const ours = Object.fromEntries(flowed) as Record<string, Values>;
  const attributes = Object.entries({ ...ours, ...traits.attributes });
  const name = traits.name ?? deviceId(traits.guid ?? number);
  const mark = traits.mark === undefined ? MARK : traits.mark;
  return {
    objectGuid: objectGuid(traits.guid ?? number),
    distinguishedName: `CN=${name},${CONTAINER}`,
    name,
    attributes: Object.fromEntries(attributes.filter(([, values]) => values.length > 0)),
    adminDescription: mark === null ? [] : [mark],
    hasTransportKey: traits.hasTransportKey ?? false,
    whenCreated: traits.created ?? daysAgo(100),
  };
}

export const idValue = (id: Guid): Values => [guidToHex(id)];
export const anchor = (id: Guid): Values => [anchorValue(id)];

/** The input of a plan at NOW with both clocks equal, every attribute and the default policy. */
export function planInput(parts: Partial<PlanInput> = {}): PlanInput {
  return {
    tenantId: TENANT,
    container: CONTAINER,
    available: ALL,
    reading: 'full',
    devices: [],
    undecided: [],
    entraDevices: parts.devices?.length ?? 0,
    objects: [],
    census: takeCensus(parts.objects ?? [], parts.tenantId ?? TENANT),
    absences: new Map(),
    directoryTime: NOW,
    sourceTime: NOW,
    policy: DEFAULT_POLICY,
    ...parts,
  };
}

/** Every device of these numbers is proven gone. */
export function gone(...numbers: number[]): PlanInput['absences'] {
  return new Map(numbers.map((number) => [objectId(number), { state: 'gone' }]));
}
