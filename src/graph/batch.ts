import { visibleText } from '../device/visibleText.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports.ts';
import type { GraphClient } from './client.ts';
import { invalidAnswer, refusalParts, type GraphRefusalParts } from './failure.ts';
import { isObject, textOf, type JsonObject } from './json.ts';
import { parseRetryAfter, troubleOf, type Attempt, type Retry } from './retry.ts';

/** Most requests that one batch may hold. Source: Microsoft Learn, "Combine multiple HTTP requests using JSON batching". */
export const BATCH_SIZE = 20;

/** How one request of a batch ended. */
export type BatchAnswer =
  | { readonly status: 200; readonly content: JsonObject }
  | { readonly status: number; readonly refusal: GraphRefusalParts };

/** The requests of one batch: GETs of paths below /v1.0. */
export interface Batch {
  readonly paths: readonly string[];
  readonly purpose: string;
  readonly permission: string;
}

/** Sends a batch; one answer a path, in the order of the paths. */
export type SendBatch = (batch: Batch, signal: AbortSignal) => Promise<readonly BatchAnswer[]>;

const UNANSWERED: BatchAnswer = {
  status: 0,
  refusal: { status: 0, code: null, text: 'no answer to this request of the batch' },
};

/**
 * Each request of a batch is throttled and fails by itself, so those that another try may heal are sent again in a
 * smaller batch. An error of the batch as a whole is thrown.
 */
export function createSendBatch(client: GraphClient, retry: Retry, clock: Clock, log: Log): SendBatch {
  return async ({ paths, purpose, permission }, signal) => {
    const answers: BatchAnswer[] = paths.map(() => UNANSWERED);
    let open = paths.map((_, index) => index);
    const attempt = async (): Promise<Attempt<readonly BatchAnswer[]>> => {
      const requests = open.map((index) => ({ id: String(index), method: 'GET', url: paths[index] }));
      const content = await client.post({ target: '/$batch', purpose, permission }, { requests }, signal);
      const now = client.serverTime() ?? clock.now();
      const waits: number[] = [];
      const responses = responsesOf(content, purpose, client.host);
      for (const index of open) {
        const own = responses.filter(({ id }) => id === String(index));
        const [response] = own;
        // Two answers to one request contradict each other at worst: neither counts.
        if (response === undefined || own.length > 1) continue;
        answers[index] = answerOf(response);
        log.debug(`batched GET /v1.0${paths[index]}: ${visibleText(String(response.status))}`);
        waits.push(parseRetryAfter(retryAfter(response.headers), now) ?? 0);
      }
      open = open.filter((index) => troubleOf(answers[index]?.status ?? 0) !== null || answers[index] === UNANSWERED);
      if (open.length === 0) return { value: answers };
      const throttled = open.some((index) => troubleOf(answers[index]?.status ?? 0) === 'throttled');
      return {
        trouble: throttled ? 'throttled' : 'broken',
        why: `${open.length} of ${requests.length} requests of a batch were not answered`,
        retryAfter: Math.max(0, ...waits) || null,
        giveUp: () => answers,
      };
    };
    return retry(purpose, attempt, signal);
  };
}

function responsesOf(content: JsonObject, purpose: string, host: string): readonly JsonObject[] {
  const responses: unknown = content.responses;
  if (Array.isArray(responses) && responses.every(isObject)) return responses;
  throw invalidAnswer(purpose, host, 'the answer to a batch holds no collection "responses"');
}

function answerOf(response: JsonObject): BatchAnswer {
  const status = Number.isInteger(response.status) ? Number(response.status) : 0;
  const body = isObject(response.body) ? response.body : null;
  if (status === 200 && body !== null && !('error' in body)) return { status, content: body };
  // A success without readable content is no success; no status of an HTTP answer is 0.
  return { status: status === 200 ? 0 : status, refusal: refusalParts(status, body, textOf(response.body) ?? '') };
}

function retryAfter(headers: unknown): string | null {
  if (!isObject(headers)) return null;
  const entry = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after');
  return entry === undefined ? null : String(entry[1]);
}

/** The values in groups of at most this size. */
export function chunks<T>(values: readonly T[], size: number): (readonly T[])[] {
  const groups: (readonly T[])[] = [];
  for (let start = 0; start < values.length; start += size) groups.push(values.slice(start, start + size));
  return groups;
}
