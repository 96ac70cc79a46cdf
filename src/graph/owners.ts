import type { Answer } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { WritebackError, type ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { BATCH_SIZE, chunks, type BatchAnswer, type SendBatch } from './batch.ts';
import { guidOf, isObject } from './json.ts';
import type { ReadDevice } from './parseDevice.ts';

/** The security identifiers of device owners, each read once a run. */
export interface Owners {
  /** Reads the SIDs of those that are not known yet; what cannot be read is told by one warning and stays unread. */
  read(devices: Iterable<ReadDevice>, signal: AbortSignal): Promise<void>;
  /** The SID of the owner; null for none, for one that is no user and for one that has none; undefined if not read. */
  sidOf(device: ReadDevice): Answer<string>;
}

export const USERS_PERMISSION = 'User.Read.All';

/** Most values of an `in` filter. Source: Microsoft Graph known issue 13635. */
const FILTER_SIZE = 15;
const USER = '#microsoft.graph.user';

/** Failures of the look-up that leave owners unread; any other ends the run. */
const LEAVES_UNREAD: ReadonlySet<ErrorCode> = new Set([
  'GraphForbidden',
  'GraphThrottled',
  'GraphFailed',
  'GraphUnreachable',
  'GraphAnswerInvalid',
] as const);

export function createOwners(sendBatch: SendBatch, log: Log): Owners {
  const known = new Map<Guid, string | null>();
  let forbidden = false;

  const take = (group: readonly Guid[], answer: BatchAnswer): string | null => {
    if (!('content' in answer)) return answer.refusal.text;
    const { value } = answer.content;
    if (!Array.isArray(value)) return 'an answer without users';
    const complete = answer.content['@odata.nextLink'] === undefined;
    const answered = new Set<Guid>();
    for (const user of value) {
      if (!isObject(user)) continue;
      const id = guidOf(user.id);
      if (id === null) continue;
      answered.add(id);
      const sid = user.onPremisesSecurityIdentifier;
      if (sid === null || typeof sid === 'string') known.set(id, sid);
    }
    if (complete) for (const id of group) if (!answered.has(id)) known.set(id, null);
    return group.every((id) => known.has(id)) ? null : 'an answer without onPremisesSecurityIdentifier';
  };

  /** Reads as many owners as one batch holds; returns why some stay unread, or null. */
  const readBatch = async (ids: readonly Guid[], signal: AbortSignal): Promise<string | null> => {
    const groups = chunks(ids, FILTER_SIZE);
    const paths = groups.map((group) => {
      const filter = encodeURIComponent(`id in (${group.map((id) => `'${id}'`).join(',')})`);
      return `/users?$select=id,onPremisesSecurityIdentifier&$filter=${filter}`;
    });
    const answers = await sendBatch(
      { paths, purpose: 'Reading the owners of devices', permission: USERS_PERMISSION },
      signal,
    );
    let why: string | null = null;
    groups.forEach((group, index) => {
      const answer = answers[index];
      if (answer === undefined) return;
      forbidden ||= answer.status === 403;
      why = take(group, answer) ?? why;
    });
    return why;
  };

  return {
    async read(devices, signal) {
      const ids = new Set<Guid>();
      for (const device of devices) {
        const id = userOf(device);
        if (id !== null && id !== undefined && !known.has(id)) ids.add(id);
      }
      if (forbidden || ids.size === 0) return;
      let why: string | null = null;
      try {
        for (const batch of chunks([...ids], BATCH_SIZE * FILTER_SIZE)) {
          why = (await readBatch(batch, signal)) ?? why;
          if (forbidden) break;
        }
      } catch (error) {
        if (!(error instanceof WritebackError) || !LEAVES_UNREAD.has(error.code)) throw error;
        forbidden ||= error.code === 'GraphForbidden';
        why = error.message;
      }
      const unread = [...ids].filter((id) => !known.has(id)).length;
      if (unread > 0) log.warning(unreadWarning(unread, log.redact(why ?? 'no answer')));
    },
    sidOf(device) {
      const { owners } = device;
      if (owners !== undefined && owners !== null && owners.length > 1) {
        log.verbose(
          `Entra device ${device.device.id} has ${owners.length} registered owners; the first, ${owners[0]?.id}, is taken`,
        );
      }
      const id = userOf(device);
      return id === null || id === undefined ? id : known.get(id);
    },
  };
}

/** The owner whose SID counts: Graph's first. null if there is none or it is no user. */
function userOf({ owners }: ReadDevice): Answer<Guid> {
  if (owners === undefined) return undefined;
  const first = owners?.[0];
  if (first === undefined) return null;
  return first.type === null || first.type === USER ? first.id : null;
}

function unreadWarning(count: number, why: string): string {
  const what = count === 1 ? 'The SID of 1 device owner' : `The SIDs of ${count} device owners`;
  return (
    `${what} could not be read (${why}); the owner of such a device stays as it is in the directory. ` +
    `Reading them needs the Microsoft Graph application permission ${USERS_PERMISSION}.`
  );
}
