import { SELECTED_PROPERTIES, type EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import type { Log } from '../log.ts';
import type { Presence } from '../ports.ts';
import { BATCH_SIZE, chunks, type BatchAnswer, type SendBatch } from './batch.ts';
import type { GraphClient } from './client.ts';
import { invalidAnswer, isPageTokenRefusal, refusalOf } from './failure.ts';
import { OWNERS_AT_ONCE, type Owners } from './owners.ts';
import { pages, type Page } from './pages.ts';
import { parseDevice, type ReadDevice } from './parseDevice.ts';

export const DEVICES_PERMISSION = 'Device.Read.All';

/** Reads Entra devices with their owners' SIDs; the methods are those of DeviceSource. */
export interface DeviceReader {
  all(signal: AbortSignal): AsyncGenerator<EntraDevice>;
  byId(ids: readonly Guid[], signal: AbortSignal): AsyncGenerator<Presence>;
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

const READING = 'Reading the devices';

export function createDeviceReader({ client, sendBatch, owners, log }: DeviceReaderParts): DeviceReader {
  let expand = OWNER_IDS;
  const query = (): string => `$select=${SELECTED_PROPERTIES.join(',')}&$expand=${expand}`;

  const wholeOwners = (refusal: string): void => {
    log.verbose(`Graph refused $expand=${OWNER_IDS} (${refusal}); asking for whole owners from now on`);
    expand = WHOLE_OWNERS;
  };

  const devicesOf = ({ number, values }: Page): readonly ReadDevice[] =>
    values.map((value, index) => {
      const device = parseDevice(value);
      if (device !== null) return device;
      const what = `element ${index + 1} of page ${number} is no device: it has no id that is a GUID`;
      throw invalidAnswer(READING, client.host, what);
    });

  async function* collection(signal: AbortSignal): AsyncGenerator<readonly ReadDevice[]> {
    const target = `/devices?${query()}&$top=${PAGE_SIZE}`;
    const request = { target, purpose: READING, permission: DEVICES_PERMISSION };
    for await (const page of pages(client, request, signal)) {
      const devices = devicesOf(page);
      await owners.read(devices, signal);
      yield devices;
    }
  }

  /** Whether a read that Graph refused so is to begin again, which it prepares. */
  const beginsAgain = (error: unknown, restarts: number): boolean => {
    const refusal = refusalOf(error);
    if (refusal?.status !== 400) return false;
    if (isPageTokenRefusal(error)) {
      log.verbose(`Graph no longer knows the page token (${refusal.message}); reading from the first page again`);
      return restarts < MOST_RESTARTS;
    }
    if (expand !== OWNER_IDS) return false;
    wholeOwners(refusal.message);
    return true;
  };

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

  const readAnswers = async (ids: readonly Guid[], signal: AbortSignal): Promise<readonly IdAnswer[]> => {
    const read: IdAnswer[] = [];
    for (const group of chunks(ids, BATCH_SIZE)) {
      const answers = await askFor(group, signal);
      read.push(...group.map((id, index) => readAnswer(id, answers[index])));
    }
    return read;
  };

  return {
    async *all(signal) {
      for (let restarts = 0; ; restarts += 1) {
        try {
          for await (const devices of collection(signal)) yield* devices.map(owners.complete);
          owners.report();
          return;
        } catch (error) {
          if (!beginsAgain(error, restarts)) throw error;
        }
      }
    },
    async *byId(ids, signal) {
      for (const group of chunks(ids, OWNERS_AT_ONCE)) {
        const answers = await readAnswers(group, signal);
        const present = answers.flatMap((answer) => ('read' in answer ? [answer.read] : []));
        await owners.read(present, signal);
        for (const answer of answers) {
          yield 'read' in answer ? { id: answer.id, state: 'present', device: owners.complete(answer.read) } : answer;
        }
      }
      owners.report();
    },
  };
}

type IdAnswer = Exclude<Presence, { state: 'present' }> | { readonly id: Guid; readonly read: ReadDevice };

/** Codes of a directory that knows no such object. Source: Microsoft Learn, "Microsoft Graph error responses". */
const NO_SUCH_OBJECT: ReadonlySet<string | null> = new Set(['Request_ResourceNotFound', 'ResourceNotFound']);

/**
 * Graph's own 404 for a missing object alone proves that a device is gone, as a proxy and a wrong path answer 404 too; 200
 * with this device proves that it is there.
 */
function readAnswer(id: Guid, answer: BatchAnswer | undefined): IdAnswer {
  if (answer === undefined) return { id, state: 'unproven', why: 'Graph did not answer' };
  if ('refusal' in answer) {
    return answer.status === 404 && NO_SUCH_OBJECT.has(answer.refusal.code)
      ? { id, state: 'gone' }
      : { id, state: 'unproven', why: `Graph answered ${answer.refusal.text}` };
  }
  const read = parseDevice(answer.content);
  if (read === null) return { id, state: 'unproven', why: 'Graph answered 200 with something that is no device' };
  if (read.device.id !== id)
    return { id, state: 'unproven', why: `Graph answered with another device, ${read.device.id}` };
  return { id, read };
}
