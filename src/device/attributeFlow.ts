import { keysOf } from './altSecurityIdentities.ts';
import { anchorValue } from './anchor.ts';
import { ATTRIBUTE_NAMES, ATTRIBUTES, canonical, type AttributeName, type Values } from './attributes.ts';
import type { Answer, EntraDevice } from './entraDevice.ts';
import { guidToHex } from './guid.ts';
import { quotedText } from './visibleText.ts';
import { isSidText, sidTextToAsciiHex } from './sid.ts';

/**
 * The attribute flow: from the properties of an Entra device to the attributes of its device object.
 * Source: Entra Connect's documented table "Device writeback"; encodings from [MS-DVRE] 2.3.3, [MS-ADA2] 2.269 to 2.441.
 */

/** Raised when a rule changes, so that devices which did not change are read again. */
export const ATTRIBUTE_FLOW_VERSION = '1';

/** Why a value is left as it is in the directory. */
export type LeftReason = 'Unreadable' | 'Unusable' | 'UnknownKeyForm' | 'NoKey';

/**
 * What the flow says of one attribute.
 * values: it shall have exactly these, an empty list clears it. initial: a new object gets these, an existing one keeps
 * its own. left: it stays as it is, for a reason that must be told.
 */
export type Flowed =
  | { readonly kind: 'values'; readonly values: Values }
  | { readonly kind: 'initial'; readonly values: Values }
  | { readonly kind: 'left'; readonly reason: LeftReason; readonly why: string };

export type Flow = Readonly<Partial<Record<AttributeName, Flowed>>>;

/** The flow of one device into the attributes that the schema has. */
export function attributeFlow(device: EntraDevice, available: ReadonlySet<AttributeName>): Flow {
  const flow: Partial<Record<AttributeName, Flowed>> = {};
  for (const name of ATTRIBUTE_NAMES) {
    if (available.has(name)) flow[name] = inRange(name, RULES[name](device));
  }
  return flow;
}

/** The Graph property that each attribute comes from. */
export const SOURCES = {
  altSecurityIdentities: 'alternativeSecurityIds',
  displayName: 'displayName',
  'msDS-CloudAnchor': 'id',
  'msDS-DeviceID': 'deviceId',
  'msDS-DeviceObjectVersion': 'deviceVersion',
  'msDS-DeviceOSType': 'operatingSystem',
  'msDS-DeviceOSVersion': 'operatingSystemVersion',
  'msDS-DevicePhysicalIDs': 'physicalIds',
  'msDS-IsCompliant': 'isCompliant',
  'msDS-IsEnabled': 'accountEnabled',
  'msDS-IsManaged': 'isManaged',
  'msDS-RegisteredOwner': 'ownerSid',
} as const satisfies Record<AttributeName, keyof EntraDevice>;

const RULES: Readonly<Record<AttributeName, (device: EntraDevice) => Flowed>> = {
  altSecurityIdentities: keys,
  displayName: (device) => text('displayName', device.displayName),
  'msDS-CloudAnchor': (device) => values([anchorValue(device.id)]),
  'msDS-DeviceID': (device) => mandatory('deviceId', device.deviceId, (id) => values([guidToHex(id)])),
  'msDS-DeviceObjectVersion': (device) => optional('deviceVersion', device.deviceVersion, integer),
  'msDS-DeviceOSType': (device) => text('operatingSystem', device.operatingSystem),
  'msDS-DeviceOSVersion': (device) => text('operatingSystemVersion', device.operatingSystemVersion),
  'msDS-DevicePhysicalIDs': (device) => optional('physicalIds', device.physicalIds, values),
  'msDS-IsCompliant': (device) => optional('isCompliant', device.isCompliant, boolean),
  'msDS-IsEnabled': enabled,
  'msDS-IsManaged': (device) => optional('isManaged', device.isManaged, boolean),
  'msDS-RegisteredOwner': (device) => optional('onPremisesSecurityIdentifier of the owner', device.ownerSid, owner),
};

function values(list: readonly string[]): Flowed {
  return { kind: 'values', values: canonical(list) };
}

function left(reason: LeftReason, why: string): Flowed {
  return { kind: 'left', reason, why };
}

function unread(property: string): Flowed {
  return left('Unreadable', `${property} could not be read from Graph`);
}

function optional<T>(property: string, answer: Answer<T>, flow: (value: T) => Flowed): Flowed {
  if (answer === undefined) return unread(property);
  return answer === null ? values([]) : flow(answer);
}

function mandatory<T>(property: string, answer: Answer<T>, flow: (value: T) => Flowed): Flowed {
  return answer === null
    ? left('Unusable', `${property} has no usable value in Entra`)
    : optional(property, answer, flow);
}

function text(property: string, answer: Answer<string>): Flowed {
  // A directory string is never empty (RFC 4517, 3.3.6): Graph's empty text is no value.
  return optional(property, answer, (value) => values(value === '' ? [] : [value]));
}

function boolean(value: boolean): Flowed {
  return values([value ? 'TRUE' : 'FALSE']);
}

const INT32 = 2 ** 31;

function integer(value: number): Flowed {
  if (!Number.isInteger(value) || value < -INT32 || value >= INT32) {
    return left('Unusable', `deviceVersion ${value} is no 32-bit integer`);
  }
  return values([String(value)]);
}

/** accountEnabled null creates FALSE and otherwise changes nothing: an unclear state must not let anybody in. */
function enabled(device: EntraDevice): Flowed {
  if (device.accountEnabled === null) return { kind: 'initial', values: ['FALSE'] };
  return optional('accountEnabled', device.accountEnabled, boolean);
}

function keys(device: EntraDevice): Flowed {
  return mandatory('alternativeSecurityIds', device.alternativeSecurityIds, (entries) => {
    if (entries.length === 0)
      return left('NoKey', 'the Entra device has no certificate key (alternativeSecurityIds is empty)');
    const known = keysOf(entries);
    return known.length === 0
      ? left(
          'UnknownKeyForm',
          `none of the ${entries.length} alternativeSecurityIds has the form X509:<SHA1-TP-PUBKEY>`,
        )
      : values(known);
  });
}

/** The ASCII bytes of the SID's text, the form found on objects of AD FS; not the binary SID. */
function owner(sid: string): Flowed {
  return isSidText(sid)
    ? values([sidTextToAsciiHex(sid)])
    : left('Unusable', `the owner's SID ${quotedText(sid)} is no SID`);
}

function isSpoilt(value: string): boolean {
  return !value.isWellFormed() || value.includes('\0');
}

/** Whether two of the values are one to the directory. */
function differByCaseOnly(values: Values): boolean {
  return new Set(values.map((value) => value.toLowerCase())).size < values.length;
}

function inRange(name: AttributeName, flowed: Flowed): Flowed {
  if (flowed.kind === 'left') return flowed;
  const { mandatory: needed, range, syntax } = ATTRIBUTES[name];
  if (needed && flowed.values.length === 0)
    return left('Unusable', `${SOURCES[name]} is empty and ${name} is mandatory`);
  if (syntax === 'text') {
    if (flowed.values.some(isSpoilt))
      return left('Unusable', `${SOURCES[name]} holds characters that no directory string can`);
    if (flowed.values.length > 1 && differByCaseOnly(flowed.values)) {
      return left('Unusable', `${SOURCES[name]} holds values that differ by case only, which ${name} takes for equal`);
    }
  }
  if (range === null) return flowed;
  const [shortest, longest] = range;
  for (const value of flowed.values) {
    const length = syntax === 'octet' ? value.length / 2 : value.length;
    if (length < shortest || length > longest) {
      return left('Unusable', `${SOURCES[name]} has ${length} characters, ${name} takes ${shortest} to ${longest}`);
    }
  }
  return flowed;
}
