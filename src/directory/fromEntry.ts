/** The door for device objects: an entry becomes a DeviceObject, its values canonical. */
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
import { parseDistinguishedName } from '../device/distinguishedName.ts';
import { WritebackError } from '../errors.ts';
import { invalid, octets, oneText, oneTime, requiredGuid, texts, type Entry } from './entry.ts';

export const TRANSPORT_KEY = 'msDS-KeyCredentialLink';

const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** What is read of a device object, of the attributes that the schema has. */
export function deviceAttributes(schema: ReadonlySet<string>): readonly string[] {
  const optional = [...ATTRIBUTE_NAMES, TRANSPORT_KEY].filter((name) => schema.has(name));
  return ['objectGUID', 'name', 'whenCreated', MARK_ATTRIBUTE, ...optional];
}

/** Is told of a value that does not fit its syntax, as an error that names object and attribute. */
export type Unfit = (error: WritebackError) => void;

/**
 * An attribute that the account may not read or that is unfit is absent, also one that every device object has: one
 * object does not end the read of all.
 * @param unfit Without it, an unfit value is an error.
 * @throws DirectoryAnswerInvalid for an entry without an objectGUID, by which alone an object is known.
 */
export function fromEntry(entry: Entry, unfit: Unfit = refuse): DeviceObject {
  const read = <T>(value: () => T, otherwise: () => T): T => {
    try {
      return value();
    } catch (error) {
      if (!(error instanceof WritebackError)) throw error;
      unfit(error);
      return otherwise();
    }
  };
  const objectGuid = requiredGuid(entry, 'objectGUID');
  const attributes: Partial<Record<AttributeName, Values>> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const values = read(() => readValues(entry, name), none);
    if (values.length > 0) attributes[name] = values;
  }
  return {
    objectGuid,
    distinguishedName: entry.distinguishedName,
    name: read(() => oneText(entry, 'name'), nothing) ?? commonName(entry.distinguishedName),
    attributes: attributes satisfies AttributeValues,
    // An unfit mark stays one: without any, the object would count as nobody's.
    adminDescription: canonical(
      read(
        () => texts(entry, MARK_ATTRIBUTE),
        () => lossyTexts(entry, MARK_ATTRIBUTE),
      ),
    ),
    hasTransportKey: octets(entry, TRANSPORT_KEY).length > 0,
    whenCreated: read(() => oneTime(entry, 'whenCreated'), nothing) ?? new Date(0),
  };
}

function refuse(error: WritebackError): never {
  throw error;
}

const none = (): Values => [];

const nothing = (): null => null;

function commonName(distinguishedName: string): string {
  return parseDistinguishedName(distinguishedName)?.[0]?.[0]?.value ?? distinguishedName;
}

function lossyTexts(entry: Entry, name: string): readonly string[] {
  return octets(entry, name).map((value) => value.toString('utf8'));
}

function readValues(entry: Entry, name: AttributeName): Values {
  const { syntax, multiValued } = ATTRIBUTES[name];
  const found = octets(entry, name);
  if (found.length > 1 && !multiValued) throw invalid(entry.distinguishedName, name, 'it has more than one value');
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
