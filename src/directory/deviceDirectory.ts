import type { Filter } from 'ldapts';
import type { DeviceObject } from '../device/deviceObject.ts';
import { guidToHex, type Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import { entryText, writerEntries } from './securityDescriptor.ts';
import type { Log } from '../log.ts';
import type { Container, Directory, NewObject, ObjectNames, RootDse, Schema } from '../ports.ts';
import { findAccount } from './account.ts';
import { createConnection, type ConnectionSettings } from './connection.ts';
import { addGrant, readGrant } from './descriptorAccess.ts';
import { readEffectiveRights } from './effectiveRights.ts';
import { requiredGuid, texts, type Entry } from './entry.ts';
import { operationFailure } from './failure.ts';
import { deviceAttributes, fromEntry } from './fromEntry.ts';
import { refuseElsewhere } from './referral.ts';
import { readConnectionPoint, readRegistrationServices } from './registrationService.ts';
import { readRootDse } from './rootDse.ts';
import { readSchema } from './schema.ts';
import { allOf, anyOf, equal, readObject } from './search.ts';
import { DEVICE_CLASS, type Request } from './toRequest.ts';
import { writeChange } from './writeChange.ts';

export interface DeviceDirectorySettings extends ConnectionSettings {
  /** Entries in one page of a read; a domain controller gives at most 1,000 as a rule (MaxPageSize). */
  readonly pageSize?: number;
}

const PAGE_SIZE = 1000;

/** Terms in one filter: a domain controller refuses filters that are too large. */
const TERMS = 100;

/** The directory behind one domain controller. Nothing is sent before the first question. */
export function createDirectory(settings: DeviceDirectorySettings, log: Log): Directory {
  const connection = createConnection(settings, log);
  const { server } = connection;
  const devices = equal('objectClass', DEVICE_CLASS);

  // Names and schema stay the same for a run; time and USN of a new rootDSE do not.
  let knownRoot: RootDse | null = null;
  let knownSchema: Schema | null = null;
  const root = async (signal: AbortSignal): Promise<RootDse> => (knownRoot ??= await readRootDse(connection, signal));
  const schema = async (signal: AbortSignal): Promise<Schema> =>
    (knownSchema ??= await readSchema(connection, await root(signal), signal));
  const attributes = async (signal: AbortSignal): Promise<readonly string[]> =>
    deviceAttributes((await schema(signal)).attributes);

  // Objects are read again before they are written.
  const warned = new Set<string>();
  const warnOnce = (message: string): void => {
    if (!warned.has(message)) log.warning(message);
    warned.add(message);
  };
  const unfit = ({ message, remedy }: WritebackError): void => warnOnce(`${message} ${remedy}`);

  /** null for an entry of which it cannot be told which object it is. */
  const deviceIn = (entry: Entry): DeviceObject | null => {
    try {
      return fromEntry(entry, unfit);
    } catch (error) {
      if (!(error instanceof WritebackError)) throw error;
      warnOnce(`${error.message} The object is passed over. ${error.remedy}`);
      return null;
    }
  };

  const deviceNamed = async (name: string, signal: AbortSignal): Promise<DeviceObject | null> => {
    const single = { base: name, filter: devices, attributes: await attributes(signal) };
    const entry = await readObject(connection, single, signal);
    return entry === null ? null : fromEntry(entry, unfit);
  };

  const devicesBelow = async function* (
    container: string,
    filter: Filter,
    signal: AbortSignal,
  ): AsyncGenerator<DeviceObject> {
    const query = { base: container, scope: 'one', filter, attributes: await attributes(signal) } as const;
    try {
      for await (const page of connection.pages(query, settings.pageSize ?? PAGE_SIZE, signal)) {
        for (const entry of page) {
          const object = deviceIn(entry);
          if (object !== null) yield object;
        }
      }
    } catch (error) {
      throw operationFailure(error, { doing: 'Reading the devices in', target: container }, server);
    }
  };

  const account = async (signal: AbortSignal): Promise<string> =>
    (await connection.whoAmI(signal))?.replace(/^u:/, '') ?? connection.userName ?? 'DOMAIN\\ACCOUNT';

  const prepare = async (request: Request, doing: string, signal: AbortSignal): Promise<void> => {
    const whenForbidden =
      'Run Enable-DeviceWriteback as an account that may write there: Enterprise Admin for the configuration, Domain Admin for the domain.';
    try {
      log.verbose(`LDAP ${request.operation} ${request.name}`);
      await connection.write(request, signal);
    } catch (error) {
      throw operationFailure(error, { doing, target: request.name, whenForbidden }, server);
    }
  };

  return {
    server,
    rootDse: async (signal) => {
      knownRoot = await readRootDse(connection, signal);
      return knownRoot;
    },
    protection: (signal) => connection.protection(signal),
    whoAmI: (signal) => connection.whoAmI(signal),
    schema,
    registrationServices: async (signal) => readRegistrationServices(connection, await root(signal), signal),
    serviceConnectionPoint: async (signal) => readConnectionPoint(connection, await root(signal), signal),
    container: async (distinguishedName, signal): Promise<Container | null> => {
      const single = { base: distinguishedName, attributes: ['objectGUID', 'objectClass'] };
      const entry = await readObject(connection, single, signal);
      if (entry === null) {
        refuseElsewhere(distinguishedName, await root(signal), server);
        return null;
      }
      return {
        distinguishedName: entry.distinguishedName,
        objectGuid: requiredGuid(entry, 'objectGUID'),
        objectClasses: texts(entry, 'objectClass'),
      };
    },
    devices: (container, signal) => devicesBelow(container, devices, signal),
    devicesNamed: async function* (container, names, signal) {
      const seen = new Set<Guid>();
      for (const filter of nameFilters(names)) {
        for await (const object of devicesBelow(container, allOf(devices, filter), signal)) {
          if (!seen.has(object.objectGuid)) yield object;
          seen.add(object.objectGuid);
        }
      }
    },
    devicesByGuid: async function* (container, objectGuids, signal) {
      const terms = objectGuids.map((guid) => equal('objectGUID', Buffer.from(guidToHex(guid), 'hex')));
      for (const filter of filtersOf(terms)) yield* devicesBelow(container, allOf(devices, filter), signal);
    },
    device: (objectGuid, signal) => deviceNamed(`<GUID=${objectGuid}>`, signal),
    effectiveRights: async (container, signal) =>
      readEffectiveRights(connection, await root(signal), await schema(signal), container, signal),
    write: (change, signal) =>
      writeChange(
        change,
        connection,
        (name) => deviceNamed(name, signal),
        () => account(signal),
        log,
        signal,
      ),
    account: async (identity, signal) => findAccount(connection, await root(signal), identity, signal),
    create: (object, signal) => prepare(additionOf(object), 'Creating', signal),
    addValues: (distinguishedName, attribute, values, signal) => {
      const modification = {
        operation: 'add',
        name: attribute,
        values: values.map((value) => Buffer.from(value)),
      } as const;
      const request = { operation: 'modify', name: distinguishedName, modifications: [modification] } as const;
      return prepare(request, `Adding ${attribute} to`, signal);
    },
    leastRights: (sid) => writerEntries(sid).map(entryText),
    grant: (container, sid, signal) => readGrant(connection, container, sid, signal),
    addGrant: (container, sid, signal) => addGrant(connection, container, sid, signal),
    requests: () => connection.requests(),
    close: () => connection.close(),
  };
}

/** What finds the objects of these names. Text is compared without case, so a key may find one that differs in case. */
function nameFilters({ deviceIds, names, keys }: ObjectNames): readonly Filter[] {
  const terms = [
    ...deviceIds.map((id) => equal('msDS-DeviceID', Buffer.from(guidToHex(id), 'hex'))),
    ...names.map((name) => equal('cn', name)),
    ...keys.map((key) => equal('altSecurityIdentities', key)),
  ];
  return filtersOf(terms);
}

function filtersOf(terms: readonly Filter[]): readonly Filter[] {
  const count = Math.ceil(terms.length / TERMS);
  return Array.from({ length: count }, (_, index) => anyOf(terms.slice(index * TERMS, (index + 1) * TERMS)));
}

function additionOf(object: NewObject): Request {
  const attributes = Object.entries(object.attributes).map(([name, values]) => ({
    name,
    values: values.map((value) => Buffer.from(value)),
  }));
  return {
    operation: 'add',
    name: object.distinguishedName,
    attributes: [{ name: 'objectClass', values: [Buffer.from(object.objectClass)] }, ...attributes],
  };
}
