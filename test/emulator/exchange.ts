/** One request and one answer as the emulator's parts see them; the same for the wire and for the inside of a batch. */

export interface EmulatorRequest {
  /** Sign-in endpoint, Graph, one request inside a Graph batch, or a managed identity endpoint. */
  readonly kind: 'token' | 'graph' | 'inner' | 'identity';
  readonly method: string;
  /** Percent-decoded, with the version: `/v1.0/devices`. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  readonly parameters: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text and bytes go out as they are, undefined as nothing, anything else as JSON. */
  readonly body: unknown;
}

/** An answer of status 4xx or 5xx with Graph's error body. */
export class GraphFailure extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function parseRequest(
  kind: EmulatorRequest['kind'],
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): EmulatorRequest {
  const mark = target.indexOf('?');
  const path = decodePath(mark < 0 ? target : target.slice(0, mark));
  const query = mark < 0 ? '' : target.slice(mark + 1);
  return { kind, method, path, query, parameters: new URLSearchParams(query), headers, body };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export function json(body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers, body };
}

/** Graph's error body (Graph v1.0, "Microsoft Graph error responses and resource types"). */
export function odataError(
  code: string,
  message: string,
  requestId: string,
  clientRequestId: string,
  date: Date,
): object {
  return {
    error: {
      code,
      message,
      innerError: {
        date: date.toISOString().slice(0, 19),
        'request-id': requestId,
        'client-request-id': clientRequestId,
      },
    },
  };
}
