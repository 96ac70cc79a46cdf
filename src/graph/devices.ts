import { SELECTED_PROPERTIES, type EntraDevice } from '../device/entraDevice.ts';
import { parseGuid, type Guid } from '../device/guid.ts';
import type { Log } from '../log.ts';
import type { Presence } from '../ports.ts';
import { BATCH_SIZE, chunks, type BatchAnswer, type SendBatch } from './batch.ts';
import type { GraphClient } from './client.ts';
import { invalidAnswer, refusalOf, type GraphRefusal, type GraphRequest } from './failure.ts';
import type { Owners } from './owners.ts';
import { pages } from './pages.ts';
import { parseDevice, type ReadDevice } from './parseDevice.ts';

export const DEVICES_PERMISSION = 'Device.Read.All';

/** Reads Entra devices with their owners' SIDs; the methods are those of DeviceSource. */
export interface DeviceReader {
  all(signal: AbortSignal): AsyncGenerator<EntraDevice>;
  byId(ids: readonly Guid[], signal: AbortSignal): AsyncGenerator<Presence>;
  find(identity: string, signal: AbortSignal): Promise<readonly EntraDevice[]>;
}

export interface DeviceReaderParts {
  readonly client: GraphClient;
  readonly sendBatch: SendBatch;
  readonly owners: Owners;
  readonly log: Log;
}

/** Largest page of the directory's collections. */
const PAGE_SIZE = 999;

/** The nested `$select` is widely used but not documented for devices; Graph may refuse it with 400. */
const OWNER_IDS = 'registeredOwners($select=id)';
const WHOLE_OWNERS = 'registeredOwners';

/** How often an enumeration begins again because Graph no longer knows its page token. */
const MOST_RESTARTS = 3;

/** Pages in a row that may bring no device not seen before; more are taken for an endless circle. */
const MOST_PAGES_WITHOUT_NEWS = 100;

export function createDeviceReader({ client, sendBatch, owners, log }: DeviceReaderParts): DeviceReader {
  let expand = OWNER_IDS;
  const query = (): string => `$select=${SELECTED_PROPERTIES.join(',')}&$expand=${expand}`;

  const wholeOwners = (refusal: string): void => {
    log.verbose(`Graph refused $expand=${OWNER_IDS} (${refusal}); asking for whole owners from now on`);
    expand = WHOLE_OWNERS;
  };

  /** Runs a read; when Graph refuses it with 400 because of the nested $select, once more without. */
  const expanding = async <T>(read: () => Promise<T>): Promise<T> => {
    const asked = expand;
    try {
      return await read();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal?.status !== 400 || asked !== OWNER_IDS || isPageTokenRefusal(refusal)) throw error;
      wholeOwners(refusal.message);
      return read();
    }
  };

  /** Reads a collection of devices to its end; a device on two pages is kept as last read. */
  const collection = async (
    purpose: string,
    condition: string,
    signal: AbortSignal,
  ): Promise<Map<Guid, ReadDevice>> => {
    const found = new Map<Guid, ReadDevice>();
    let withoutNews = 0;
    for await (const { number, values } of pages(client, request(purpose, `/devices?${query()}${condition}`), signal)) {
      const before = found.size;
      for (const [index, value] of values.entries()) {
        const device = parseDevice(value);
        if (device === null) {
          throw invalidAnswer(
            purpose,
            client.host,
            `element ${index + 1} of page ${number} is no device: it has no id that is a GUID`,
          );
        }
        found.set(device.device.id, device);
      }
      withoutNews = found.size > before ? 0 : withoutNews + 1;
      if (withoutNews > MOST_PAGES_WITHOUT_NEWS) {
        throw invalidAnswer(
          purpose,
          client.host,
          `the last ${withoutNews} pages brought no new device and name yet another`,
        );
      }
    }
    return found;
  };

  const everyDevice = async (signal: AbortSignal): Promise<Map<Guid, ReadDevice>> => {
    for (let restarts = 0; ; restarts += 1) {
      try {
        return await expanding(() => collection('Reading the devices', `&$top=${PAGE_SIZE}`, signal));
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === null || !isPageTokenRefusal(refusal) || restarts === MOST_RESTARTS) throw error;
        log.verbose(
          `Graph no longer knows the page token (${refusal.message}); reading the devices from the first page again`,
        );
      }
    }
  };

  const oneDevice = async (purpose: string, id: Guid, signal: AbortSignal): Promise<readonly ReadDevice[]> => {
    try {
      const content = await expanding(() => client.get(request(purpose, `/devices/${id}?${query()}`), signal));
      const device = parseDevice(content);
      if (device === null)
        throw invalidAnswer(purpose, client.host, 'the answer is no device: it has no id that is a GUID');
      return [device];
    } catch (error) {
      if (refusalOf(error)?.status === 404) return [];
      throw error;
    }
  };

  const withOwner = (device: ReadDevice): EntraDevice => ({ ...device.device, ownerSid: owners.sidOf(device) });

  const askFor = async (ids: readonly Guid[], signal: AbortSignal): Promise<readonly BatchAnswer[]> => {
    const batch = () => ({
      paths: ids.map((id) => `/devices/${id}?${query()}`),
      purpose: 'Asking for devices by id',
      permission: DEVICES_PERMISSION,
    });
    const answers = await sendBatch(batch(), signal);
    const refused = answers.find(({ status }) => status === 400);
    if (refused === undefined || !('refusal' in refused) || expand !== OWNER_IDS) return answers;
    wholeOwners(refused.refusal.text);
    return sendBatch(batch(), signal);
  };

  return {
    async *all(signal) {
      const found = await everyDevice(signal);
      await owners.read(found.values(), signal);
      for (const device of found.values()) yield withOwner(device);
    },
    async *byId(ids, signal) {
      for (const group of chunks(ids, BATCH_SIZE)) {
        const answers = await askFor(group, signal);
        const read = group.map((id, index) => readAnswer(id, answers[index]));
        await owners.read(
          read.flatMap((answer) => ('read' in answer ? [answer.read] : [])),
          signal,
        );
        for (const answer of read) {
          yield 'read' in answer ? { id: answer.id, state: 'present', device: withOwner(answer.read) } : answer;
        }
      }
    },
    async find(identity, signal) {
      const id = parseGuid(identity);
      const purpose = `Looking for device "${identity}"`;
      const filter = id === null ? `displayName eq '${identity.replaceAll("'", "''")}'` : `deviceId eq '${id}'`;
      const byObjectId = id === null ? [] : await oneDevice(purpose, id, signal);
      const matching = await expanding(() => collection(purpose, `&$filter=${encodeURIComponent(filter)}`, signal));
      for (const device of byObjectId) matching.set(device.device.id, device);
      await owners.read(matching.values(), signal);
      return [...matching.values()].map(withOwner);
    },
  };
}

function request(purpose: string, target: string): GraphRequest {
  return { target, purpose, permission: DEVICES_PERMISSION };
}

type IdAnswer = Exclude<Presence, { state: 'present' }> | { readonly id: Guid; readonly read: ReadDevice };

/** 404 alone proves that a device is gone; 200 with this device that it is there. */
function readAnswer(id: Guid, answer: BatchAnswer | undefined): IdAnswer {
  if (answer === undefined) return { id, state: 'unproven', why: 'Graph did not answer' };
  if ('refusal' in answer) {
    return answer.status === 404
      ? { id, state: 'gone' }
      : { id, state: 'unproven', why: `Graph answered ${answer.refusal.text}` };
  }
  const read = parseDevice(answer.content);
  if (read === null) return { id, state: 'unproven', why: 'Graph answered 200 with something that is no device' };
  if (read.device.id !== id)
    return { id, state: 'unproven', why: `Graph answered with another device, ${read.device.id}` };
  return { id, read };
}

/** Sources: Microsoft Learn, "Paging Microsoft Graph data in your app"; the other forms are seen in the field. */
function isPageTokenRefusal({ status, code, message }: GraphRefusal): boolean {
  return status === 400 && /PageToken|page token/i.test(`${code ?? ''} ${message}`);
}
