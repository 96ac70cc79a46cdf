import { randomUUID } from 'node:crypto';
import { cancelled, throwIfCancelled, type WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Clock, SignIn } from '../ports.ts';
import type { Environment } from './environment.ts';
import { answerError, invalidAnswer, refusalParts, unreachableError, type GraphRequest } from './failure.ts';
import { parseObject, type JsonObject } from './json.ts';
import { dateOf, retryAfterOf, troubleOf, type Attempt, type Retry } from './retry.ts';
import { trustSystemStore } from './systemTrust.ts';
import type { Token, Tokens } from './token.ts';
import { loadTransport, NoAnswer, type Transport } from './transport.ts';

/** The one door to Graph: every request is signed in, limited in time, tried again where that may heal it, and logged. */
export interface GraphClient {
  readonly host: string;
  /**
   * The JSON object that Graph answers with.
   * Throws GraphUnreachable, GraphUnauthorized, GraphForbidden, GraphThrottled, GraphFailed, GraphAnswerInvalid, the
   * errors of sign-in, and Cancelled.
   */
  get(request: GraphRequest, signal: AbortSignal): Promise<JsonObject>;
  post(request: GraphRequest, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** The Date header of the latest answer. */
  serverTime(): Date | null;
  /** Requests sent, each try counted. */
  requests(): number;
}

export interface GraphClientParts {
  readonly environment: Environment;
  /** The application that signs in, for messages; null if only the token knows. */
  readonly clientId: string | null;
  readonly tokens: Tokens;
  readonly retry: Retry;
  /** Time limit of one try, from connecting to the end of the body, in milliseconds. */
  readonly requestTimeout: number;
  readonly clock: Clock;
  readonly log: Log;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly signIn: SignIn;
  readonly trace: string;
}

export function createGraphClient(parts: GraphClientParts): GraphClient {
  const { environment, tokens, retry, clock, log } = parts;
  const { host } = new URL(environment.graph);
  let serverTime: Date | null = null;
  let requests = 0;
  let transport: Promise<Transport> | null = null;

  const answerTo = async (url: URL, body: JsonObject | null, token: Token, signal: AbortSignal): Promise<Answer> => {
    transport ??= loadTransport(environment.graph);
    const send = await transport;
    trustSystemStore(url, log);
    throwIfCancelled(signal);
    const requestId = randomUUID();
    const limited = AbortSignal.any([signal, AbortSignal.timeout(parts.requestTimeout)]);
    const shown = `${body === null ? 'GET' : 'POST'} ${url.pathname}${url.search}`;
    const started = performance.now();
    requests += 1;
    try {
      const { status, headers, text } = await send({
        url,
        headers: headersOf(token, requestId),
        body,
        signal: limited,
      });
      serverTime = dateOf(headers) ?? serverTime;
      log.verbose(`${shown}: ${status} in ${Math.round(performance.now() - started)} ms`);
      const trace = `client-request-id ${requestId}, request-id ${headers.get('request-id') ?? 'none'}`;
      return { status, headers, text, signIn: token.signIn, trace };
    } catch (error) {
      if (error instanceof NoAnswer) {
        log.verbose(`${shown}: no answer in ${Math.round(performance.now() - started)} ms: ${error.failure.text}`);
      }
      throw error;
    }
  };

  /** A refused token is replaced once: it may have been revoked, or expired by Graph's clock. */
  const signedAnswer = async (url: URL, body: JsonObject | null, signal: AbortSignal): Promise<Answer> => {
    const token = await tokens.get(signal);
    const answer = await answerTo(url, body, token, signal);
    if (answer.status !== 401 || !tokens.renewable) return answer;
    tokens.refuse(token);
    return answerTo(url, body, await tokens.get(signal), signal);
  };

  const attempt = async (
    request: GraphRequest,
    url: URL,
    body: JsonObject | null,
    signal: AbortSignal,
  ): Promise<Attempt<JsonObject>> => {
    let answer: Answer;
    try {
      answer = await signedAnswer(url, body, signal);
    } catch (error) {
      if (signal.aborted) throw cancelled();
      if (!(error instanceof NoAnswer)) throw error;
      const unreachable = unreachableError(request.purpose, host, error.failure);
      if (error.failure.untrusted) throw unreachable;
      return again('broken', error.failure.text, null, unreachable);
    }
    const { status } = answer;
    const content = parseObject(answer.text);
    const retryAfter = retryAfterOf(answer.headers, clock.now());
    if (status >= 200 && status < 300 && content === null) {
      const error = invalidAnswer(request.purpose, host, `the answer is not a JSON object (${answer.trace})`);
      return again('broken', error.message, retryAfter, error);
    }
    if (status >= 200 && status < 300 && content !== null && !('error' in content)) return { value: content };
    const words = log.redact(answer.text);
    const refused = refusalParts(status, parseObject(words), words);
    const error = answerError(request, refused, {
      host,
      clientId: answer.signIn.clientId ?? parts.clientId,
      roles: answer.signIn.roles,
      renewable: tokens.renewable,
      trace: answer.trace,
    });
    const trouble = troubleOf(status) ?? (status < 300 ? 'broken' : null);
    if (trouble === null) throw error;
    return again(trouble, refused.text, retryAfter, error);
  };

  const send = async (request: GraphRequest, body: JsonObject | null, signal: AbortSignal): Promise<JsonObject> => {
    const url = resolve(request, environment.graph);
    return retry(request.purpose, () => attempt(request, url, body, signal), signal);
  };

  return {
    host,
    get: (request, signal) => send(request, null, signal),
    post: (request, body, signal) => send(request, body, signal),
    serverTime: () => serverTime,
    requests: () => requests,
  };
}

/**
 * The address of a request. A link is taken as it is, but only to the environment's own Graph: the token goes with it.
 */
function resolve({ target, purpose }: GraphRequest, graph: string): URL {
  if (target.startsWith('/')) return new URL(`${graph}/v1.0${target}`);
  const url = URL.canParse(target) ? new URL(target) : null;
  if (url !== null && url.origin === graph && url.username === '' && url.password === '') return url;
  const { host } = new URL(graph);
  throw invalidAnswer(
    purpose,
    host,
    `it gave a link to ${url === null ? 'no valid address' : url.origin}, which is not followed`,
  );
}

function headersOf(token: Token, requestId: string): Record<string, string> {
  return {
    authorization: `Bearer ${token.text}`,
    accept: 'application/json',
    'client-request-id': requestId,
    'x-ms-throttle-priority': 'Low',
  };
}

function again(
  trouble: 'throttled' | 'broken',
  why: string,
  retryAfter: number | null,
  error: WritebackError,
): Attempt<never> {
  return {
    trouble,
    why,
    retryAfter,
    giveUp: () => {
      throw error;
    },
  };
}
