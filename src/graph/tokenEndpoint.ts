import type { Configuration } from '@azure/msal-node';
import type { Log } from '../log.ts';
import type { Clock } from '../ports.ts';
import { parseObject, textOf, type JsonObject } from './json.ts';
import { networkFailure, type NetworkFailure } from './networkFailure.ts';
import { retryAfterOf, troubleOf } from './retry.ts';
import { trustSystemStore } from './systemTrust.ts';

type NetworkClient = NonNullable<NonNullable<Configuration['system']>['networkClient']>;
type NetworkOptions = Parameters<NetworkClient['sendPostRequestAsync']>[1];

/** What the sign-in service said when it gave no token. */
export interface Refusal {
  /** The member `error`, such as invalid_client. */
  readonly error: string | null;
  /** `error_description`, which begins with the AADSTS number. */
  readonly text: string;
  /** The first of `error_codes`: the AADSTS number. */
  readonly errorNumber: number | null;
}

/** How the latest request to the token endpoint ended; MSAL's own errors lose most of this. */
export interface TokenExchange {
  /** The host that was asked. */
  readonly host: string;
  /** 0 if there was no answer. */
  readonly status: number;
  /** What happened when there is no answer that could be read. */
  readonly why: string | null;
  readonly refusal: Refusal | null;
  readonly network: NetworkFailure | null;
  readonly trouble: 'throttled' | 'broken' | null;
  readonly retryAfter: number | null;
}

export interface TokenEndpoint {
  /** What MSAL sends its requests through. */
  readonly network: NetworkClient;
  /** null before the first request. */
  last(): TokenExchange | null;
}

/** The HTTP side of a sign-in: time limit, cancellation, and the true reason of a failure. Bodies are never logged. */
export function createTokenEndpoint(
  requestTimeout: number,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): TokenEndpoint {
  let last: TokenExchange | null = null;
  const send = async <T>(method: 'GET' | 'POST', address: string, options: NetworkOptions) => {
    const url = new URL(address);
    trustSystemStore(url, log);
    const shown = `${method} ${url.origin}${url.pathname}`;
    const started = performance.now();
    try {
      const response = await fetch(url, {
        method,
        headers: options?.headers ?? {},
        ...(method === 'POST' ? { body: options?.body ?? '' } : {}),
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeout)]),
      });
      const text = await response.text();
      log.verbose(`${shown}: ${response.status} in ${Math.round(performance.now() - started)} ms`);
      const body = parseObject(text);
      last = exchangeOf(url.host, response, body, clock.now());
      // MSAL types the body by what it expects; it checks the members it needs.
      return { headers: Object.fromEntries(response.headers), body: (body ?? {}) as T, status: response.status };
    } catch (error) {
      const network = networkFailure(error);
      log.verbose(`${shown}: no answer in ${Math.round(performance.now() - started)} ms: ${network.text}`);
      last = {
        host: url.host,
        status: 0,
        why: `no answer: ${network.text}`,
        refusal: null,
        network,
        trouble: network.untrusted ? null : 'broken',
        retryAfter: null,
      };
      throw error;
    }
  };
  return {
    network: {
      sendGetRequestAsync: (address, options) => send('GET', address, options),
      sendPostRequestAsync: (address, options) => send('POST', address, options),
    },
    last: () => last,
  };
}

/** Source: RFC 6749 5.2, with Entra's own members `error_codes` and the AADSTS number in `error_description`. */
function exchangeOf(host: string, response: Response, body: JsonObject | null, now: Date): TokenExchange {
  const codes: unknown = body?.error_codes;
  const first: unknown = Array.isArray(codes) ? codes[0] : null;
  const error = textOf(body?.error);
  const unreadable = body === null || (error === null && !response.ok);
  return {
    host,
    status: response.status,
    why: unreadable
      ? `answered ${response.status} with something other than a token answer`
      : `answered ${response.status}`,
    refusal:
      error === null
        ? null
        : {
            error,
            text: textOf(body?.error_description) ?? error,
            errorNumber: typeof first === 'number' ? first : null,
          },
    network: null,
    trouble: troubleOf(response.status) ?? (unreadable && response.ok ? 'broken' : null),
    retryAfter: retryAfterOf(response.headers, now),
  };
}
