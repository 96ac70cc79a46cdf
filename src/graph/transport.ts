import type { Context, Middleware } from '@microsoft/microsoft-graph-client';
import type { JsonObject } from './json.ts';
import { networkFailure, type NetworkFailure } from './networkFailure.ts';

/** A request as it goes over the wire: a POST if it has a body, else a GET. */
export interface WireRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject | null;
  /** Ends the request, its body too. */
  readonly signal: AbortSignal;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends one request once. Throws NoAnswer when the network, the time limit or the signal ends it. */
export type Transport = (request: WireRequest) => Promise<WireAnswer>;

/** No complete answer came. */
export class NoAnswer extends Error {
  readonly failure: NetworkFailure;

  constructor(thrown: unknown) {
    super('no answer', { cause: thrown });
    this.failure = networkFailure(thrown);
  }
}

/** What one request carries through the library's middleware chain. */
class Exchange {
  readonly request: WireRequest;
  /** The library's own error loses what fetch threw. */
  noAnswer: NoAnswer | null = null;

  constructor(request: WireRequest) {
    this.request = request;
  }
}

/**
 * Graph's client library with a middleware chain of our own. Left to itself it rebuilds links, drops the token silently
 * for hosts it does not know, follows redirects, retries by rules of its own and has no time limits.
 */
export async function loadTransport(graph: string): Promise<Transport> {
  const library = await import('@microsoft/microsoft-graph-client');
  // Where a bundler has put the package's CommonJS form into a chunk of its own, the chunk has a default export only.
  const { Client, HTTPMessageHandler, ResponseType } = library.Client === undefined ? library.default : library;
  const client = Client.initWithMiddleware({ baseUrl: `${graph}/`, middleware: verbatim(new HTTPMessageHandler()) });
  return async (wire) => {
    const exchange = new Exchange(wire);
    const request = client.api('/').middlewareOptions([exchange]).responseType(ResponseType.RAW);
    try {
      const response: unknown = await (wire.body === null ? request.get() : request.post(wire.body));
      if (!(response instanceof Response)) throw new TypeError('the Graph client gave no response');
      return { status: response.status, headers: response.headers, text: await bodyOf(response) };
    } catch (error) {
      throw exchange.noAnswer ?? error;
    }
  };
}

/** Sends the request to its own address with its own headers, whatever the library made of it. */
function verbatim(next: Middleware): Middleware {
  return {
    async execute(context: Context) {
      const exchange = context.middlewareControl?.getMiddlewareOptions(Exchange);
      if (!(exchange instanceof Exchange)) throw new TypeError('a request to Graph without its exchange');
      const { url, headers, signal } = exchange.request;
      context.request = url.href;
      const contentType = { 'content-type': 'application/json' };
      context.options = { ...context.options, headers: { ...contentType, ...headers }, redirect: 'manual', signal };
      try {
        await next.execute(context);
      } catch (error) {
        exchange.noAnswer = new NoAnswer(error);
        throw error;
      }
    },
  };
}

async function bodyOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw new NoAnswer(error);
  }
}
