/**
 * The attributes of msDS-Device that device writeback writes, with the syntax and range of the schema.
 * Sources: [MS-ADSC] 2.136, [MS-ADA1], [MS-ADA2]; the set is that of Entra Connect's documented table "Device writeback".
 */

/**
 * How one value is held inside the engine, always as a string so that equality is plain:
 * octet: lower-case hexadecimal digits; boolean: TRUE or FALSE; integer: decimal digits; text: the text itself.
 */
export type Syntax = 'octet' | 'boolean' | 'integer' | 'text';

export interface AttributeDefinition {
  readonly syntax: Syntax;
  readonly multiValued: boolean;
  readonly mandatory: boolean;
  /** Shortest and longest value: UTF-16 code units for text, bytes for octets ([MS-ADTS] 3.1.1.2.3). */
  readonly range: readonly [number, number] | null;
}

const define = (
  syntax: Syntax,
  traits: { multiValued?: true; mandatory?: true; range?: readonly [number, number] } = {},
): AttributeDefinition => ({
  syntax,
  multiValued: traits.multiValued ?? false,
  mandatory: traits.mandatory ?? false,
  range: traits.range ?? null,
});

export const ATTRIBUTES = {
  altSecurityIdentities: define('text', { multiValued: true, mandatory: true }),
  displayName: define('text', { mandatory: true, range: [1, 256] }),
  'msDS-CloudAnchor': define('octet'),
  'msDS-DeviceID': define('octet', { mandatory: true, range: [16, 16] }),
  'msDS-DeviceObjectVersion': define('integer'),
  'msDS-DeviceOSType': define('text', { range: [0, 1024] }),
  'msDS-DeviceOSVersion': define('text', { range: [0, 512] }),
  'msDS-DevicePhysicalIDs': define('text', { multiValued: true, range: [1, 1024] }),
  'msDS-IsCompliant': define('boolean'),
  'msDS-IsEnabled': define('boolean', { mandatory: true }),
  'msDS-IsManaged': define('boolean'),
  'msDS-RegisteredOwner': define('octet'),
} as const satisfies Record<string, AttributeDefinition>;

export type AttributeName = keyof typeof ATTRIBUTES;

/** In the order of the table, which is that of the alphabet. */
export const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTES) as readonly AttributeName[];

/** The mark's own attribute; not part of the flow, written with every create and removal. */
export const MARK_ATTRIBUTE = 'adminDescription';

/** An attribute a change may name. */
export type WritableAttribute = AttributeName | typeof MARK_ATTRIBUTE;

export function syntaxOf(name: WritableAttribute): Syntax {
  return name === MARK_ATTRIBUTE ? 'text' : ATTRIBUTES[name].syntax;
}

/** The values of one attribute, canonical: each in the form of its syntax, sorted by code unit, without repetition. */
export type Values = readonly string[];

/** The attributes of one object; an attribute without a value is absent. */
export type AttributeValues = Readonly<Partial<Record<AttributeName, Values>>>;

export function canonical(values: readonly string[]): Values {
  return isCanonical(values) ? values : [...new Set(values)].sort();
}

function isCanonical(values: readonly string[]): boolean {
  for (let index = 1; index < values.length; index += 1) {
    if ((values[index - 1] ?? '') >= (values[index] ?? '')) return false;
  }
  return true;
}

export function sameValues(a: Values, b: Values): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
