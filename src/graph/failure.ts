import { visibleText } from '../device/visibleText.ts';
import { WritebackError } from '../errors.ts';
import { isObject, textOf, type JsonObject } from './json.ts';
import type { NetworkFailure } from './networkFailure.ts';

/** One request to Graph. */
export interface GraphRequest {
  /** The path below /v1.0 with its query, encoded; or an absolute link as Graph gave it. */
  readonly target: string;
  /** What it is for; begins every message about it, such as "Reading the devices". */
  readonly purpose: string;
  /** The application permission it needs. */
  readonly permission: string;
}

/** Graph's own words for a refused request. Source: Microsoft Learn, "Microsoft Graph error responses". */
export interface GraphRefusalParts {
  readonly status: number;
  readonly code: string | null;
  readonly text: string;
}

/** The cause of a WritebackError that stands for an answer of Graph, for those who can go on without it. */
export class GraphRefusal extends Error {
  readonly status: number;
  readonly code: string | null;

  constructor(parts: GraphRefusalParts) {
    super(parts.text);
    this.status = parts.status;
    this.code = parts.code;
  }
}

/** The answer of Graph that an error stands for, or null. */
export function refusalOf(error: unknown): GraphRefusal | null {
  return error instanceof WritebackError && error.cause instanceof GraphRefusal ? error.cause : null;
}

/** The refusal in an answer's body; one that is no Graph error gives its first words. What is not seen is spelt out. */
export function refusalParts(status: number, body: JsonObject | null, text: string): GraphRefusalParts {
  const error = isObject(body?.error) ? body.error : null;
  if (error !== null) {
    const code = visible(error.code);
    const words = [status, code, visible(error.message)].filter((part) => part !== null && part !== '');
    return { status, code, text: words.join(' ') };
  }
  const plain = text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
  return { status, code: null, text: plain === '' ? String(status) : `${status} ${visibleText(plain)}` };
}

/** The lines of a foreign text as one, with what is not seen spelt out; null for what is no text. */
function visible(value: unknown): string | null {
  const text = textOf(value);
  return text === null ? null : visibleText(text.replaceAll(/\s*\n\s*/g, ' ').trim());
}

/** What else an error about an answer tells. */
export interface AnswerContext {
  readonly host: string;
  readonly clientId: string | null;
  /** Permissions in the token that was refused. */
  readonly roles: readonly string[];
  /** Whether a new token was asked for when one was refused. */
  readonly renewable: boolean;
  /** The ids under which Microsoft's support finds the request. */
  readonly trace: string;
}

/** The error for an answer that ends a request. */
export function answerError(request: GraphRequest, refused: GraphRefusalParts, context: AnswerContext): WritebackError {
  const message = `${request.purpose} from ${context.host}: Graph answered ${refused.text}`;
  const parts = {
    target: context.host,
    detail: visibleText(`${request.target}; ${context.trace}`),
    cause: new GraphRefusal(refused),
  };
  switch (refused.status) {
    case 401:
      return new WritebackError('GraphUnauthorized', message, {
        ...parts,
        remedy: context.renewable
          ? 'A new token was refused too: check that the environment, the tenant and the application belong together, and the clock of this computer.'
          : `Get a new access token for https://${context.host}: one that is given is not renewed when it expires.`,
      });
    case 403:
      return new WritebackError('GraphForbidden', message, { ...parts, remedy: forbiddenRemedy(request, context) });
    case 429:
      return new WritebackError('GraphThrottled', message, {
        ...parts,
        remedy: 'Graph limits this tenant or application; run again later, or find what else sends many requests.',
        retryable: true,
      });
    default:
      return new WritebackError('GraphFailed', message, { ...parts, ...failedRemedy(refused.status) });
  }
}

/** What a tenant has not got, such as delta of devices, it will not have at the next run. Source: RFC 9110, 15.6.2. */
const NOT_IMPLEMENTED = 501;

function failedRemedy(status: number): { readonly remedy: string; readonly retryable: boolean } {
  const refused = (status >= 300 && status < 500 && status !== 408) || status === NOT_IMPLEMENTED;
  return refused
    ? { remedy: 'Graph did not accept the request; report it with the detail of this error.', retryable: false }
    : {
        remedy: 'Graph has a fault; run again later, and look at the service health of the tenant if it stays.',
        retryable: true,
      };
}

function forbiddenRemedy(request: GraphRequest, context: AnswerContext): string {
  const { permission } = request;
  const application = context.clientId === null ? 'the application' : `application ${context.clientId}`;
  if (context.roles.includes(permission)) {
    return `The token has ${permission}: look for a conditional access policy or a restriction of Graph that applies to ${application}, and give a user who signed in the Entra role Directory Readers.`;
  }
  const has = context.roles.length === 0 ? 'none' : visibleText(context.roles.join(', '));
  return `Grant ${application} the Microsoft Graph permission ${permission} with admin consent; the token has: ${has}.`;
}

/** What to do about a certificate that is not trusted. */
export function untrustedRemedy(host: string): string {
  return `Add the certificate authority of ${host}, or of the proxy that opens TLS on the way to it, to the trust store of this computer's system.`;
}

/** The error for a request that got no answer. */
export function unreachableError(purpose: string, host: string, failure: NetworkFailure): WritebackError {
  return new WritebackError('GraphUnreachable', `${purpose} from ${host}: no complete answer: ${failure.text}`, {
    target: host,
    remedy: failure.untrusted
      ? untrustedRemedy(host)
      : `Check name resolution, firewall and proxy from this computer to ${host}, then run again.`,
    detail: failure.text,
    retryable: !failure.untrusted,
  });
}

/** The error for an answer whose content cannot be what was asked for. */
export function invalidAnswer(purpose: string, host: string, what: string): WritebackError {
  return new WritebackError('GraphAnswerInvalid', `${purpose} from ${host}: ${what}`, {
    target: host,
    remedy: 'Nothing is concluded from such an answer; run again, and report it if it stays.',
  });
}

/**
 * Whether an error stands for an answer of Graph that no longer knows a page token. Source: Microsoft Learn, "Paging
 * Microsoft Graph data in your app"; forms other than that one are seen in the field.
 */
export function isPageTokenRefusal(error: unknown): error is WritebackError {
  const refusal = refusalOf(error);
  return refusal?.status === 400 && /PageToken|page token/i.test(`${refusal.code ?? ''} ${refusal.message}`);
}
