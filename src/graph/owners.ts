import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { WritebackError, type ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { BATCH_SIZE, chunks, type BatchAnswer, type SendBatch } from './batch.ts';
import type { GraphClient } from './client.ts';
import { guidOf, isObject } from './json.ts';
import { createOwnerSids } from './ownerSids.ts';
import { pages } from './pages.ts';
import type { ReadDevice } from './parseDevice.ts';

/** The security identifiers of device owners, each read once a run. */
export interface Owners {
  /** Reads the SIDs of those that are not known yet; what cannot be read stays unread. */
  read(devices: Iterable<ReadDevice>, signal: AbortSignal): Promise<void>;
  /**
   * The device with its owner's SID. Of several owners the user with the least object id that has a SID counts; null if
   * none has one; undefined if one of them could not be read.
   */
  complete(device: ReadDevice): EntraDevice;
  /** Warns of the devices whose owner could not be read since the last time. */
  report(): void;
}

export interface OwnersParts {
  readonly client: GraphClient;
  readonly sendBatch: SendBatch;
  readonly log: Log;
  /** So many owners are asked for one by one; then all users are read once. */
  readonly manyOwners?: number;
}

export const USERS_PERMISSION = 'User.Read.All';

/** Most values of an `in` filter. Source: Microsoft Graph known issue 13635. */
const FILTER_SIZE = 15;

/** Owners that one batch can ask for. */
export const OWNERS_AT_ONCE = BATCH_SIZE * FILTER_SIZE;

/** A page of users costs about as much as a batch and brings three times as many. */
const MANY_OWNERS = 15_000;
const PAGE_SIZE = 999;
const USER = '#microsoft.graph.user';
const SELECTED = '$select=id,onPremisesSecurityIdentifier';

/** Failures of the look-up that leave owners unread; any other ends the run. */
const LEAVES_UNREAD: ReadonlySet<ErrorCode> = new Set([
  'GraphForbidden',
  'GraphThrottled',
  'GraphFailed',
  'GraphUnreachable',
  'GraphAnswerInvalid',
] as const);

export function createOwners({ client, sendBatch, log, manyOwners = MANY_OWNERS }: OwnersParts): Owners {
  const known = createOwnerSids();
  let asked = 0;
  let listed = false;
  let forbidden = false;
  let warned = false;
  let unread = 0;
  let why = 'no answer';

  const takeUsers = (users: readonly unknown[]): Set<Guid> => {
    const ids = new Set<Guid>();
    for (const user of users) {
      const id = isObject(user) ? guidOf(user.id) : null;
      if (id === null || !isObject(user)) continue;
      ids.add(id);
      const sid = user.onPremisesSecurityIdentifier;
      if (sid === null || typeof sid === 'string') known.set(id, sid);
    }
    return ids;
  };

  /** Returns why some of the group stay unread, or null. */
  const take = (group: readonly Guid[], answer: BatchAnswer): string | null => {
    if (!('content' in answer)) return answer.refusal.text;
    const { value } = answer.content;
    if (!Array.isArray(value)) return 'an answer without users';
    const answered = takeUsers(value);
    const complete = answer.content['@odata.nextLink'] === undefined;
    if (complete) for (const id of group) if (!answered.has(id)) known.set(id, null);
    return group.every((id) => known.get(id) !== undefined) ? null : 'an answer without onPremisesSecurityIdentifier';
  };

  const readBatch = async (ids: readonly Guid[], signal: AbortSignal): Promise<void> => {
    const groups = chunks(ids, FILTER_SIZE);
    const paths = groups.map((group) => {
      const filter = encodeURIComponent(`id in (${group.map((id) => `'${id}'`).join(',')})`);
      return `/users?${SELECTED}&$filter=${filter}`;
    });
    const purpose = 'Reading the owners of devices';
    const answers = await sendBatch({ paths, purpose, permission: USERS_PERMISSION }, signal);
    groups.forEach((group, index) => {
      const answer = answers[index];
      if (answer === undefined) return;
      forbidden ||= answer.status === 403;
      why = take(group, answer) ?? why;
    });
  };

  const readAllUsers = async (signal: AbortSignal): Promise<void> => {
    listed = true;
    log.verbose(`more than ${manyOwners} device owners: reading all users once`);
    const request = {
      target: `/users?${SELECTED}&$top=${PAGE_SIZE}`,
      purpose: 'Reading the users',
      permission: USERS_PERMISSION,
    };
    for await (const { values } of pages(client, request, signal)) takeUsers(values);
  };

  /** Runs a look-up; a failure of Graph leaves its owners unread. */
  const orUnread = async (lookUp: () => Promise<void>): Promise<void> => {
    try {
      await lookUp();
    } catch (error) {
      if (!(error instanceof WritebackError) || !LEAVES_UNREAD.has(error.code)) throw error;
      forbidden ||= error.code === 'GraphForbidden';
      why = error.message;
      log.verbose(error.message);
    }
  };

  const unknownOwners = (devices: Iterable<ReadDevice>): readonly Guid[] => {
    const ids = new Set<Guid>();
    for (const device of devices) {
      for (const id of usersOf(device) ?? []) if (known.get(id) === undefined) ids.add(id);
    }
    return [...ids];
  };

  return {
    async read(devices, signal) {
      if (forbidden) return;
      let ids = unknownOwners(devices);
      if (!listed && asked + ids.length > manyOwners) {
        await orUnread(() => readAllUsers(signal));
        ids = ids.filter((id) => known.get(id) === undefined);
      }
      asked += ids.length;
      for (const batch of chunks(ids, OWNERS_AT_ONCE)) {
        if (!forbidden) await orUnread(() => readBatch(batch, signal));
      }
    },
    complete(device) {
      const users = usersOf(device);
      if (users === undefined) return { ...device.device, ownerSid: undefined };
      const unknown = users.find((id) => known.get(id) === undefined);
      const owner = users.find((id) => typeof known.get(id) === 'string') ?? null;
      const count = device.owners?.length ?? 0;
      if (count > 1) {
        const choice = unknown === undefined ? chosen(owner) : `user ${unknown} could not be read, so none is taken`;
        log.verbose(`Entra device ${device.device.id} has ${count} registered owners; ${choice}`);
      }
      if (unknown !== undefined) unread += 1;
      const sid = owner === null ? null : known.get(owner);
      return { ...device.device, ownerSid: unknown === undefined ? sid : undefined };
    },
    report() {
      if (unread > 0 && !(forbidden && warned)) log.warning(unreadWarning(unread, log.redact(why)));
      warned ||= unread > 0;
      unread = 0;
    },
  };
}

/** The owners that are users, or may be as Graph does not tell their type, least id first; undefined if not read. */
function usersOf({ owners }: ReadDevice): readonly Guid[] | undefined {
  return owners === undefined
    ? undefined
    : (owners ?? [])
        .filter(({ type }) => type === null || type === USER)
        .map(({ id }) => id)
        .toSorted();
}

function chosen(owner: Guid | null): string {
  return owner === null ? 'none is a user with a SID' : `user ${owner}, the least id that has a SID, is taken`;
}

function unreadWarning(count: number, why: string): string {
  const what = count === 1 ? 'of 1 Entra device' : `of ${count} Entra devices`;
  return (
    `The SID of the owner ${what} could not be read (${why}); the owner of such a device stays as it is in the directory. ` +
    `Reading it needs the Microsoft Graph application permission ${USERS_PERMISSION}.`
  );
}
