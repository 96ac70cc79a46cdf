/** Does one change and learns how it ended, also when the answer was lost. */
import {
  ATTRIBUTE_NAMES,
  MARK_ATTRIBUTE,
  sameValues,
  type Values,
  type WritableAttribute,
} from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import { parentName } from '../device/distinguishedName.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Action, AttributeChange, Change } from '../plan/change.ts';
import type { WriteOutcome } from '../ports.ts';
import type { Connection } from './connection.ts';
import {
  ConnectionLost,
  createRightsCommand,
  LdapRefusal,
  operationFailure,
  RESULT,
  writeRightsCommand,
} from './failure.ts';
import { toRequest, type Request } from './toRequest.ts';

/** Reads the device object of this name now, a DN or `<GUID=…>`; null if it is gone. */
export type Look = (name: string) => Promise<DeviceObject | null>;

const DOING: Readonly<Record<Action, string>> = {
  create: 'Creating',
  update: 'Updating',
  disable: 'Disabling',
  enable: 'Enabling',
  delete: 'Deleting',
};

/** Results of a modify or delete that the object's change or end meanwhile can explain, besides other causes. */
const EXPLAINED_BY_CHANGE: ReadonlySet<number> = new Set([
  RESULT.noSuchAttribute,
  RESULT.constraintViolation,
  RESULT.attributeOrValueExists,
  RESULT.noSuchObject,
]);

const APPLIED: WriteOutcome = { state: 'applied', objectGuid: null };

/**
 * @param account The bound account, as the remedy for missing rights names it.
 * @throws DirectoryUnreachable when the server is away; what goes wrong with the one object is an outcome.
 */
export async function writeChange(
  change: Change,
  connection: Connection,
  look: Look,
  account: () => Promise<string>,
  log: Log,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const request = toRequest(change);
  const attempt = async (again: boolean): Promise<WriteOutcome> => {
    if (change.action === 'delete') {
      const now = await look(request.name);
      if (again && now === null) return APPLIED;
      const why = difference(change, now);
      if (why !== null) return skipped(why);
    }
    log.verbose(() => describe(request, change));
    await connection.write(request, signal);
    return APPLIED;
  };
  const outcome = async (): Promise<WriteOutcome> => {
    try {
      return await attempt(false);
    } catch (error) {
      if (error instanceof LdapRefusal) return refused(change, request, error);
      if (!(error instanceof ConnectionLost)) throw error;
      log.verbose(
        `The connection was lost while ${DOING[change.action].toLowerCase()} ${change.distinguishedName}; looking it up.`,
      );
      const fate = await fateOf(change, request);
      if (fate !== null) return fate;
    }
    try {
      return await attempt(true);
    } catch (error) {
      if (error instanceof LdapRefusal) {
        // The server may have done the first request after it was looked up.
        const fate = await fateOf(change, request);
        return fate?.state === 'applied' ? fate : refused(change, request, error);
      }
      throw operationFailure(error, aimed(change), connection.server);
    }
  };
  try {
    return await outcome();
  } catch (error) {
    // The object was looked up and cannot be known by what this account may read of it.
    if (error instanceof WritebackError && error.code === 'DirectoryAnswerInvalid') return { state: 'failed', error };
    throw error;
  }

  /** What an operation without an answer did; null: nothing, so it can be done again. */
  async function fateOf(lost: Change, sent: Request): Promise<WriteOutcome | null> {
    const now = await look(sent.name);
    if (lost.action === 'create') return now === null ? null : created(lost, now);
    if (lost.action === 'delete') return now === null ? APPLIED : null;
    if (now !== null && lost.attributes.every(({ attribute, after }) => has(now, attribute, after))) return APPLIED;
    const why = difference(lost, now);
    return why === null ? null : skipped(why);
  }

  async function refused(failed: Change, sent: Request, refusal: LdapRefusal): Promise<WriteOutcome> {
    if (failed.action === 'create' && refusal.code === RESULT.entryAlreadyExists) {
      return created(failed, await look(sent.name));
    }
    if (failed.action !== 'create' && EXPLAINED_BY_CHANGE.has(refusal.code)) {
      const why = difference(failed, await look(sent.name));
      if (why !== null) return skipped(why);
    }
    const forbidden = refusal.code === RESULT.insufficientAccessRights;
    const whenForbidden = forbidden ? rightsRemedy(failed, await account()) : '';
    const error = operationFailure(refusal, { ...aimed(failed), whenForbidden }, connection.server);
    if (!(error instanceof WritebackError)) throw error;
    return { state: 'failed', error };
  }
}

/** The name of a create is taken: by what this very create made, its answer lost, or by something else. */
function created(change: Change, now: DeviceObject | null): WriteOutcome {
  if (now !== null && isExactly(now, change)) {
    return { state: 'applied', objectGuid: now.objectGuid };
  }
  const [what, remedy] =
    now === null
      ? [
          'an object that is no device object, or one that this account may not read',
          'Look at the object as an administrator: move it away if it is none of a device, else let this account read it.',
        ]
      : [
          'a device object with other values',
          'Run again: the next plan sees the object that is there. If it is none of a device, move it away.',
        ];
  const error = new WritebackError(
    'ChangeFailed',
    `Creating ${change.distinguishedName}: the name is taken by ${what}.`,
    { target: change.distinguishedName, remedy },
  );
  return { state: 'failed', error };
}

/** Why the object is no longer what the plan saw, one sentence; null if it still is. */
function difference(change: Change, now: DeviceObject | null): string | null {
  if (now === null) return 'The object is gone since it was read.';
  const mark = now.adminDescription[0] ?? null;
  if (mark !== change.mark) {
    const found = mark === null ? 'none' : `"${mark}"`;
    return `The mark in ${MARK_ATTRIBUTE} changed since the object was read; it has ${found} now.`;
  }
  const changed = change.attributes.filter(({ attribute, before }) => !has(now, attribute, before));
  return changed.length === 0 ? null : `The object changed since it was read: ${names(changed)}.`;
}

/** Whether the object has every value that the create gives and no other. */
function isExactly(now: DeviceObject, change: Change): boolean {
  const given = (attribute: WritableAttribute): Values =>
    change.attributes.find((one) => one.attribute === attribute)?.after ?? [];
  return [...ATTRIBUTE_NAMES, MARK_ATTRIBUTE as WritableAttribute].every((attribute) =>
    has(now, attribute, given(attribute)),
  );
}

function has(now: DeviceObject, attribute: WritableAttribute, values: Values): boolean {
  const current = attribute === MARK_ATTRIBUTE ? now.adminDescription : (now.attributes[attribute] ?? []);
  return sameValues(current, values);
}

function skipped(why: string): WriteOutcome {
  return { state: 'skipped', why };
}

function aimed(change: Change): { doing: string; target: string; otherwise: 'ChangeFailed' } {
  return { doing: DOING[change.action], target: change.distinguishedName, otherwise: 'ChangeFailed' };
}

function rightsRemedy(change: Change, account: string): string {
  const container = parentName(change.distinguishedName) ?? change.distinguishedName;
  const structural = change.action === 'create' || change.action === 'delete';
  const command = structural ? createRightsCommand(container, account) : writeRightsCommand(container, account);
  return `Run Enable-DeviceWriteback for this account, or as an administrator: ${command}`;
}

function describe(request: Request, change: Change): string {
  const object = `${change.distinguishedName} (${request.name})`;
  if (request.operation === 'delete') return `LDAP delete ${object}`;
  if (request.operation === 'add') {
    return `LDAP add ${change.distinguishedName}: ${request.attributes.map(({ name }) => name).join(', ')}`;
  }
  const parts = request.modifications.map(({ operation, name }) => `${operation} ${name}`);
  return `LDAP modify ${object}: ${parts.join(', ')}`;
}

function names(changes: readonly AttributeChange[]): string {
  return changes.map(({ attribute }) => attribute).join(', ');
}
