import type { Sid } from '../device/sid.ts';
import { sidFromHex } from '../device/sid.ts';
import { ATTRIBUTE_NAMES, MARK_ATTRIBUTE } from '../device/attributes.ts';
import type { EffectiveRights, RootDse, Schema } from '../ports.ts';
import { allows, type AccessTarget } from './accessCheck.ts';
import type { Connection } from './connection.ts';
import { readDescriptor } from './descriptorAccess.ts';
import { octets, texts, type Entry } from './entry.ts';
import { operationFailure } from './failure.ts';
import { readPropertyGuids } from './schema.ts';
import { allOf, equal, readObject, searchBelow } from './search.ts';
import { rightsMask } from './securityDescriptor.ts';
import { DEVICE_CLASS } from './toRequest.ts';

const EVERYONE: Sid = 'S-1-1-0';
const AUTHENTICATED_USERS: Sid = 'S-1-5-11';

/**
 * The directory itself says which children can be created (allowedChildClassesEffective) and which attributes of an
 * object can be written (allowedAttributesEffective, [MS-ADTS] 3.1.1.4.5). It says nothing of that kind about deleting
 * or about objects that are not there yet, so those are worked out from the DACL.
 */
export async function readEffectiveRights(
  connection: Connection,
  rootDse: RootDse,
  schema: Schema,
  container: string,
  signal: AbortSignal,
): Promise<EffectiveRights> {
  const written = [...ATTRIBUTE_NAMES, MARK_ATTRIBUTE].filter((name) => schema.attributes.has(name));
  const [descriptor, sids, itself, propertyGuids] = [
    await readDescriptor(connection, container, signal),
    await ownSids(connection, rootDse, signal),
    await readObject(connection, { base: container, attributes: ['allowedChildClassesEffective'] }, signal),
    await readPropertyGuids(connection, rootDse, written, signal),
  ];
  const device = await anyDevice(connection, container, signal);
  const derive = (rights: string, target: AccessTarget, attribute?: string): boolean | null => {
    const properties = attribute === undefined ? undefined : propertyGuids.get(attribute);
    return descriptor === null || sids === null
      ? null
      : allows(descriptor.dacl, sids, rightsMask(rights), target, properties);
  };
  const onContainer = derive('DC', 'container');
  return {
    createDevices: itself !== null && texts(itself, 'allowedChildClassesEffective').includes(DEVICE_CLASS),
    deleteDevices: onContainer === false ? derive('SD', 'device') : onContainer,
    writeAttributes: device === null ? null : new Set(texts(device, 'allowedAttributesEffective')),
    inheritedWrite: derive('WP', 'device'),
    missingAttributes: written.filter((attribute) => derive('WP', 'device', attribute) === false),
  };
}

async function anyDevice(connection: Connection, container: string, signal: AbortSignal): Promise<Entry | null> {
  const filter = equal('objectClass', DEVICE_CLASS);
  const query = { base: container, scope: 'one', filter, attributes: ['allowedAttributesEffective'] } as const;
  try {
    for await (const page of connection.pages(query, 1, signal)) {
      const [first] = page;
      if (first !== undefined) return first;
    }
    return null;
  } catch (error) {
    throw operationFailure(error, { doing: 'Reading the devices in', target: container }, connection.server);
  }
}

/** The SIDs of the bound account and its groups: from rootDSE, which is about the connection, else from the account. */
async function ownSids(
  connection: Connection,
  rootDse: RootDse,
  signal: AbortSignal,
): Promise<ReadonlySet<Sid> | null> {
  const root = await readObject(connection, { base: '', attributes: ['tokenGroups'] }, signal);
  const own = root === null ? [] : sidsOf(root, 'tokenGroups');
  const sids = own.length > 0 ? own : await accountSids(connection, rootDse, signal);
  return sids === null ? null : new Set([...sids, EVERYONE, AUTHENTICATED_USERS]);
}

async function accountSids(
  connection: Connection,
  rootDse: RootDse,
  signal: AbortSignal,
): Promise<readonly Sid[] | null> {
  const name = (await connection.whoAmI(signal))?.split('\\').at(-1);
  if (name === undefined) return null;
  const filter = allOf(equal('objectClass', 'user'), equal('sAMAccountName', name));
  const [account, another] = await searchBelow(connection, rootDse.defaultNamingContext, filter, ['objectSid'], signal);
  if (account === undefined || another !== undefined) return null;
  // tokenGroups is made for a search of the object itself only ([MS-ADTS] 3.1.1.4.5.19).
  const groups = await readObject(connection, { base: account.distinguishedName, attributes: ['tokenGroups'] }, signal);
  return [...sidsOf(account, 'objectSid'), ...(groups === null ? [] : sidsOf(groups, 'tokenGroups'))];
}

function sidsOf(entry: Entry, attribute: string): readonly Sid[] {
  return octets(entry, attribute)
    .map((value) => sidFromHex(value.toString('hex')))
    .filter((sid) => sid !== null);
}
