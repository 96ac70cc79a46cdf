import type { Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { GraphClient } from './client.ts';
import { invalidAnswer, isPageTokenRefusal, refusalOf } from './failure.ts';
import { guidOf, isObject } from './json.ts';
import { pages } from './pages.ts';

export const GROUP_MEMBERS_PERMISSION = 'GroupMember.Read.All';

const DEVICE = '#microsoft.graph.device';
const SELECTED = '$select=id&$top=999';
const MOST_TRIES = 4;

/** Object ids of the devices in a group, nested groups included. Throws ParameterInvalid if there is no such group. */
export type ReadGroupMembers = (groupId: Guid, signal: AbortSignal) => Promise<ReadonlySet<Guid>>;

/**
 * Asks for the devices among the members. The cast is documented for advanced queries, which an index answers that may
 * lag behind; it is asked for without, and where Graph refuses that, all members are read and their types looked at.
 * Source: Microsoft Learn, "List group transitive members".
 */
export function createReadGroupMembers(client: GraphClient, log: Log): ReadGroupMembers {
  return async (groupId, signal) => {
    const purpose = `Reading the members of group ${groupId}`;
    const members = `/groups/${groupId}/transitiveMembers`;
    let path = `${members}/microsoft.graph.device`;

    const readAll = async (): Promise<ReadonlySet<Guid>> => {
      const request = { target: `${path}?${SELECTED}`, purpose, permission: GROUP_MEMBERS_PERMISSION };
      const found = new Set<Guid>();
      for await (const { number, values } of pages(client, request, signal)) {
        for (const [index, value] of values.entries()) {
          const id = isObject(value) ? guidOf(value.id) : null;
          if (id === null || !isObject(value)) {
            throw invalidAnswer(
              purpose,
              client.host,
              `element ${index + 1} of page ${number} has no id that is a GUID`,
            );
          }
          const type = value['@odata.type'] ?? (path === members ? null : DEVICE);
          if (type === null) throw invalidAnswer(purpose, client.host, `member ${id} has no type`);
          if (type === DEVICE) found.add(id);
        }
      }
      return found;
    };

    for (let tries = 1; ; tries += 1) {
      try {
        return await readAll();
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal?.status === 404) throw noGroup(purpose, groupId, refusal.message, error);
        const pageToken = isPageTokenRefusal(error);
        if (refusal?.status !== 400 || (pageToken ? tries >= MOST_TRIES : path === members)) throw error;
        if (!pageToken) path = members;
        log.verbose(`${purpose}: Graph answered ${refusal.message}; reading ${path} from the first page`);
      }
    }
  };
}

function noGroup(purpose: string, groupId: Guid, words: string, cause: unknown): WritebackError {
  return new WritebackError('ParameterInvalid', `${purpose}: there is no such group: Graph answered ${words}`, {
    target: groupId,
    remedy:
      'Give the object id of a group of this tenant; a group that cannot be read is never taken for an empty one.',
    cause,
  });
}
