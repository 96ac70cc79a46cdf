/** The device objects that the vectors of kind graph-device-to-ad expect, as creates. */
import { ATTRIBUTE_NAMES, canonical, syntaxOf, type Values } from '../../src/device/attributes.ts';
import { childName } from '../../src/device/distinguishedName.ts';
import type { Change } from '../../src/plan/change.ts';
import { vectorsOf } from '../device/vectors.ts';

type Expected = string | { readonly hex: string };

interface GraphDeviceExpected {
  readonly cn?: string;
  readonly attributes?: Readonly<Record<string, Expected | readonly Expected[]>>;
}

/** Name and attributes of the vector's device object. @throws Error if there is no such vector. */
export function graphDevice(name: string, container: string): Pick<Change, 'distinguishedName' | 'attributes'> {
  const vector = vectorsOf<unknown, GraphDeviceExpected>('graph-device-to-ad').find((one) => one.name === name);
  const { cn, attributes } = vector?.expected ?? {};
  if (cn === undefined || attributes === undefined) throw new Error(`no device object in a vector ${name}`);
  const valuesOf = (attribute: (typeof ATTRIBUTE_NAMES)[number]): Values =>
    canonical([attributes[attribute] ?? []].flat().map((value) => valueOf(value, syntaxOf(attribute) === 'octet')));
  return {
    distinguishedName: childName(cn, container),
    attributes: ATTRIBUTE_NAMES.map((attribute) => ({ attribute, before: [], after: valuesOf(attribute) })),
  };
}

function valueOf(value: Expected, octets: boolean): string {
  if (typeof value !== 'string') return value.hex.toLowerCase();
  return octets ? Buffer.from(value).toString('hex') : value;
}
