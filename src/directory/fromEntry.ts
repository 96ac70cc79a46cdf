/** The door for device objects: an entry becomes a DeviceObject, its values canonical, or the read ends. */
import {
  ATTRIBUTE_NAMES,
  ATTRIBUTES,
  canonical,
  MARK_ATTRIBUTE,
  type AttributeName,
  type AttributeValues,
  type Syntax,
  type Values,
} from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import { invalid, octets, requiredGuid, requiredText, requiredTime, texts, type Entry } from './entry.ts';

export const TRANSPORT_KEY = 'msDS-KeyCredentialLink';

const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** What is read of a device object, of the attributes that the schema has. */
export function deviceAttributes(schema: ReadonlySet<string>): readonly string[] {
  const optional = [...ATTRIBUTE_NAMES, TRANSPORT_KEY].filter((name) => schema.has(name));
  return ['objectGUID', 'name', 'whenCreated', MARK_ATTRIBUTE, ...optional];
}

/** @throws DirectoryAnswerInvalid for a value that does not fit its syntax and a mandatory one that cannot be read. */
export function fromEntry(entry: Entry): DeviceObject {
  const attributes: Partial<Record<AttributeName, Values>> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const values = readValues(entry, name);
    if (values.length > 0) attributes[name] = values;
  }
  return {
    objectGuid: requiredGuid(entry, 'objectGUID'),
    distinguishedName: entry.distinguishedName,
    name: requiredText(entry, 'name'),
    attributes: attributes satisfies AttributeValues,
    adminDescription: canonical(texts(entry, MARK_ATTRIBUTE)),
    hasTransportKey: octets(entry, TRANSPORT_KEY).length > 0,
    whenCreated: requiredTime(entry, 'whenCreated'),
  };
}

function readValues(entry: Entry, name: AttributeName): Values {
  const { syntax, multiValued, mandatory } = ATTRIBUTES[name];
  const found = octets(entry, name);
  if (found.length > 1 && !multiValued) throw invalid(entry.distinguishedName, name, 'it has more than one value');
  if (found.length === 0 && mandatory) {
    throw invalid(
      entry.distinguishedName,
      name,
      'it has no value that this account can read, though every device object has one',
    );
  }
  if (found.length === 0) return [];
  if (syntax === 'octet') return canonical(found.map((value) => value.toString('hex')));
  const values = texts(entry, name);
  for (const value of values) {
    if (!fits(value, syntax))
      throw invalid(entry.distinguishedName, name, `"${value}" is no value of syntax ${syntax}`);
  }
  return values.length === 1 ? values : canonical(values);
}

function fits(value: string, syntax: Exclude<Syntax, 'octet'>): boolean {
  if (syntax === 'boolean') return value === 'TRUE' || value === 'FALSE';
  return syntax === 'text' || INTEGER.test(value);
}
