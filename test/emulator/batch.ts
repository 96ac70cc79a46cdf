import { randomInt } from 'node:crypto';
import { GraphFailure, parseRequest, type Answer, type EmulatorRequest } from './exchange.ts';

const MOST_REQUESTS = 20;

interface InnerRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dependsOn: readonly string[];
}

/**
 * `POST /$batch`: each request is answered on its own, one whose dependency failed by 424, and the answers come in no
 * order. Source: Microsoft Learn, "Combine multiple HTTP requests using JSON batching".
 */
export async function answerBatch(
  request: EmulatorRequest,
  answerInner: (inner: EmulatorRequest) => Promise<Answer>,
): Promise<Answer> {
  const answers = new Map<string, Answer>();
  for (const inner of parseBatch(request.body)) {
    const failed = inner.dependsOn.some((id) => (answers.get(id)?.status ?? 424) >= 400);
    answers.set(inner.id, failed ? failedDependency() : await answerInner(asRequest(inner)));
  }
  const responses = [...answers].map(([id, { status, headers, body }]) => ({
    id,
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  }));
  return { status: 200, headers: {}, body: { responses: shuffled(responses) } };
}

function asRequest(inner: InnerRequest): EmulatorRequest {
  const headers = Object.fromEntries(Object.entries(inner.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const target = inner.url.startsWith('/') ? inner.url : `/${inner.url}`;
  return parseRequest('inner', inner.method, `/v1.0${target}`, headers, '');
}

function failedDependency(): Answer {
  const message = 'The request failed because a request that it depends on failed.';
  return { status: 424, headers: {}, body: { error: { code: 'FailedDependency', message } } };
}

function parseBatch(text: string): readonly InnerRequest[] {
  const requests = requestsOf(text);
  if (requests.length > MOST_REQUESTS) {
    const complaint = `Number of batch request steps exceeds the maximum value of ${MOST_REQUESTS}.`;
    throw new GraphFailure(400, 'BadRequest', complaint);
  }
  const parsed = requests.map(parseInner);
  if (new Set(parsed.map((one) => one.id)).size < parsed.length) throw malformed('request ids must be unique');
  return parsed;
}

function requestsOf(text: string): readonly unknown[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw malformed('the body is not JSON');
  }
  if (!isObject(body) || !Array.isArray(body['requests'])) throw malformed("'requests' must be an array");
  return body['requests'];
}

function parseInner(inner: unknown): InnerRequest {
  if (!isObject(inner)) throw malformed('a request must be an object');
  const { id, method, url, headers, dependsOn } = inner;
  if (typeof id !== 'string' || typeof method !== 'string' || typeof url !== 'string') {
    throw malformed('a request needs id, method and url');
  }
  return {
    id,
    method,
    url,
    headers: isObject(headers) ? Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)])) : {},
    dependsOn: Array.isArray(dependsOn) ? dependsOn.map(String) : [],
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(what: string): GraphFailure {
  return new GraphFailure(400, 'BadRequest', `Invalid batch payload format: ${what}.`);
}

function shuffled<T>(list: readonly T[]): readonly T[] {
  const rest = [...list];
  const result: T[] = [];
  while (rest.length > 0) result.push(...rest.splice(randomInt(rest.length), 1));
  return result;
}
