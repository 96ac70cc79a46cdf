/** Device objects and changes to try the directory with, and a session on a domain controller of the lab. */
import { Attribute, BerWriter } from 'ldapts';
import { canonical, type AttributeValues, type Values, type WritableAttribute } from '../../src/device/attributes.ts';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import { childName } from '../../src/device/distinguishedName.ts';
import { guidToHex, type Guid } from '../../src/device/guid.ts';
import { createConnection, type Connection, type ConnectionSettings } from '../../src/directory/connection.ts';
import { createDirectory, type DeviceDirectorySettings } from '../../src/directory/deviceDirectory.ts';
import { createLog, type Log } from '../../src/log.ts';
import type { Action, AttributeChange, Change } from '../../src/plan/change.ts';
import type { BindWay, Credential, Directory } from '../../src/ports.ts';
import type { DomainController } from '../lab/domainController.ts';

export const TENANT: Guid = '72f988bf-86f1-41af-91ab-2d7cd011db47';
export const MARK = `DeviceWriteback ${TENANT}`;

/** A signal that never fires. */
export const NEVER = new AbortController().signal;

/** A log whose lines can be looked at. */
export function keptLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: createLog((level, message) => lines.push(`${level}: ${message}`)), lines };
}

/** How to reach a domain controller of the lab as its administrator. */
export function settingsOf(server: DomainController): ConnectionSettings {
  return {
    server: server.address,
    bind: simple(server.administrator),
    startTls: false,
    trustedCertificate: server.caFile,
    hostServices: null,
  };
}

/** A simple bind as this user. */
export function simple({ userName, password }: Credential): BindWay {
  return { kind: 'simple', credential: { userName, password } };
}

export function connectTo(server: DomainController, changes: Partial<ConnectionSettings> = {}): Connection {
  return createConnection({ ...settingsOf(server), ...changes }, keptLog().log);
}

export function directoryOf(server: DomainController, changes: Partial<DeviceDirectorySettings> = {}): Directory {
  return createDirectory({ ...settingsOf(server), ...changes }, keptLog().log);
}

/** The device id with this number. */
export function deviceId(number: number): Guid {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function sampleKey(number: number): string {
  return `X509:<SHA1-TP-PUBKEY>${number.toString(16).toUpperCase().padStart(40, '0')}${'A'.repeat(43)}=`;
}

/** The values of an enabled device that is in every respect ordinary. */
export function sampleValues(number: number): AttributeValues {
  return {
    altSecurityIdentities: [sampleKey(number)],
    displayName: [`Device ${number}`],
    'msDS-CloudAnchor': [guidToHex(deviceId(1_000_000 + number))],
    'msDS-DeviceID': [guidToHex(deviceId(number))],
    'msDS-DeviceObjectVersion': ['2'],
    'msDS-DeviceOSType': ['Windows'],
    'msDS-DeviceOSVersion': ['10.0.17134.0'],
    'msDS-DevicePhysicalIDs': canonical([`[GID]:g:${number}`, `[HWID]:h:${number}`]),
    'msDS-IsEnabled': ['TRUE'],
    'msDS-IsManaged': ['FALSE'],
  };
}

type ValuesWithMark = AttributeValues & { readonly adminDescription?: Values };

export function creation(number: number, container: string, changes: ValuesWithMark = {}): Change {
  const values = { adminDescription: [MARK], ...sampleValues(number), ...changes };
  return {
    ...plain('create'),
    deviceId: deviceId(number),
    distinguishedName: childName(deviceId(number), container),
    attributes: attributeChanges({}, values),
  };
}

/** A change of an object as it was read, to these values; an empty list takes an attribute away. */
export function changeOf(
  object: DeviceObject,
  after: ValuesWithMark,
  action: Exclude<Action, 'create' | 'delete'> = 'update',
): Change {
  const before = { adminDescription: object.adminDescription, ...object.attributes };
  const touched = Object.fromEntries(Object.entries(before).filter(([name]) => name in after));
  return { ...aimed(object, action), attributes: attributeChanges(touched, after) };
}

export function deletion(object: DeviceObject): Change {
  const before = { adminDescription: object.adminDescription, ...object.attributes };
  return { ...aimed(object, 'delete'), attributes: attributeChanges(before, {}) };
}

function aimed(object: DeviceObject, action: Action): Change {
  return {
    ...plain(action),
    objectGuid: object.objectGuid,
    distinguishedName: object.distinguishedName,
    mark: object.adminDescription[0] ?? null,
  };
}

function plain(action: Action): Change {
  return {
    action,
    cause: 'flow',
    deviceId: deviceId(0),
    objectId: null,
    objectGuid: null,
    distinguishedName: '',
    displayName: 'a device',
    attributes: [],
    mark: null,
    warnings: [],
    sentence: 'A change for a test.',
  };
}

function attributeChanges(before: ValuesWithMark, after: ValuesWithMark): readonly AttributeChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort() as WritableAttribute[];
  return names.map((attribute) => ({ attribute, before: before[attribute] ?? [], after: after[attribute] ?? [] }));
}

/** Writes the change and fails unless it was applied. */
export async function apply(directory: Directory, change: Change): Promise<void> {
  const outcome = await directory.write(change, NEVER);
  if (outcome.state !== 'applied') throw new Error(`not applied: ${JSON.stringify(outcome)}`);
}

export async function all<T>(sequence: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of sequence) found.push(one);
  return found;
}

/** The device object with this number. */
export async function deviceOf(directory: Directory, container: string, number: number): Promise<DeviceObject> {
  for await (const object of directory.devices(container, NEVER)) {
    if (object.name === deviceId(number)) return object;
  }
  throw new Error(`no device object ${deviceId(number)}`);
}

/** An entry as it comes off the wire. */
export function answered(name: string, attributes: Readonly<Record<string, readonly (string | Buffer)[]>>): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(1);
  writer.startSequence(0x64);
  writer.writeString(name);
  writer.startSequence();
  for (const [type, values] of Object.entries(attributes)) {
    new Attribute({ type, values: values.map((value) => Buffer.from(value)) }).write(writer);
  }
  for (let open = 0; open < 3; open += 1) writer.endSequence();
  return writer.buffer;
}
