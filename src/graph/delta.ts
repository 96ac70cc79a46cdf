import { SELECTED_PROPERTIES } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { DeltaAnswer } from '../ports.ts';
import type { GraphClient } from './client.ts';
import { DEVICES_PERMISSION } from './devices.ts';
import { invalidAnswer, refusalOf, type GraphRequest } from './failure.ts';
import { guidOf, isObject } from './json.ts';
import { pages } from './pages.ts';

/** Asks Graph which devices changed; the methods are those of DeviceSource. */
export interface DeltaReader {
  start(signal: AbortSignal): Promise<string>;
  since(link: string, signal: AbortSignal): Promise<DeltaAnswer>;
}

interface Round {
  readonly ids: ReadonlySet<Guid>;
  readonly link: string;
}

/**
 * The delta query of devices. Only selected properties are tracked, and neither owners nor group membership.
 * Source: Microsoft Learn, "device: delta" and "Use delta query to track changes in Microsoft Graph data".
 */
export function createDeltaReader(client: GraphClient): DeltaReader {
  /** Follows the links of a round to the one from which the next begins. */
  const round = async (purpose: string, target: string, signal: AbortSignal): Promise<Round> => {
    const request: GraphRequest = { target, purpose, permission: DEVICES_PERMISSION };
    const ids = new Set<Guid>();
    let link: string | null = null;
    for await (const { number, values, deltaLink } of pages(client, request, signal)) {
      for (const [index, value] of values.entries()) {
        const id = isObject(value) ? guidOf(value.id) : null;
        if (id === null) {
          throw invalidAnswer(purpose, client.host, `change ${index + 1} of page ${number} names no device`);
        }
        ids.add(id);
      }
      link = deltaLink;
    }
    if (link === null) throw invalidAnswer(purpose, client.host, 'the last page names no delta link');
    return { ids, link };
  };

  return {
    // With "latest" Graph gives the link and no device. What it might give all the same is passed over: the list is read after it.
    async start(signal) {
      const target = `/devices/delta?$select=${SELECTED_PROPERTIES.join(',')}&$deltatoken=latest`;
      return (await round('Asking for the delta link of devices', target, signal)).link;
    },
    async since(link, signal) {
      if (!URL.canParse(link)) return { state: 'refused', why: 'The delta link is no address.' };
      try {
        const { ids, link: next } = await round('Reading the changes of devices', link, signal);
        return { state: 'changes', ids: [...ids], link: next };
      } catch (error) {
        const why = refusalOfLink(error);
        if (why === null) throw error;
        return { state: 'refused', why };
      }
    },
  };
}

/** Statuses between 400 and 500 that tell nothing of the link. */
const NOT_OF_THE_LINK: ReadonlySet<number> = new Set([401, 403, 408, 429]);

/**
 * Why a full read is needed, or null for an error that a full read would meet too. A token that is too old is refused
 * with 400 syncStateNotFound, one that Graph wants to begin again with 410 (Microsoft 365 Developer Blog, "Duration of
 * change tracking tokens"); the documentation says no more than "40X-series". 501 tells that there is no delta any more. An answer that cannot be right ends the
 * link too: changes in it might be lost.
 */
function refusalOfLink(error: unknown): string | null {
  if (!(error instanceof WritebackError)) return null;
  if (error.code === 'GraphAnswerInvalid') return error.message;
  const refusal = refusalOf(error);
  if (refusal === null) return null;
  const { status } = refusal;
  const ofLink = status < 300 || status === 501 || (status >= 400 && status < 500 && !NOT_OF_THE_LINK.has(status));
  return ofLink ? `Graph no longer takes the delta link: ${refusal.message}` : null;
}
