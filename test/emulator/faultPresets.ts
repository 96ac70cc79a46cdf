import type { Answer, EmulatorRequest } from './exchange.ts';
import type { FaultAction } from './faults.ts';

type AnswerAction = Extract<FaultAction, { readonly kind: 'answer' }>;

/** The links of lists or those of delta. */
interface Links {
  again(request: EmulatorRequest): string;
}

interface Collection {
  readonly value: readonly unknown[];
  readonly '@odata.nextLink'?: string;
  readonly '@odata.deltaLink'?: string;
}

const NO_ID = '00000000-0000-0000-0000-000000000000';

/** A Graph error answer. */
export function failure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): AnswerAction {
  return { kind: 'answer', answer: { status, headers, body: { error: { code, message, innerError: {} } } } };
}

/**
 * 429 with Retry-After as given (seconds, fraction, HTTP date, nonsense), none for null.
 * Source: Microsoft Graph service-specific throttling limits.
 */
export function throttled(retryAfter: string | null): FaultAction {
  return failure(429, 'TooManyRequests', 'Too many requests.', {
    ...(retryAfter === null ? {} : { 'Retry-After': retryAfter }),
    'x-ms-throttle-scope': `Tenant_Application/ReadWrite/${NO_ID}/${NO_ID}`,
    'x-ms-throttle-information': 'ResourceUnitLimitExceeded',
  });
}

/** 500, 503, 504 or 509 with Graph's error body. */
export function serverError(status: number, retryAfter: string | null = null): FaultAction {
  const code = status === 503 ? 'serviceNotAvailable' : 'UnknownError';
  return failure(status, code, 'The server failed.', retryAfter === null ? {} : { 'Retry-After': retryAfter });
}

/** 502 of a gateway, in HTML. */
export function badGateway(): FaultAction {
  return htmlError(502, 'Bad Gateway');
}

/** An error page in HTML, as something between client and Graph makes it. */
export function htmlError(status: number, title: string): FaultAction {
  const body = `<html><head><title>${status} ${title}</title></head><body><h1>${status} ${title}</h1></body></html>`;
  return { kind: 'answer', answer: { status, headers: { 'Content-Type': 'text/html' }, body } };
}

/**
 * 401 that wants a token with these claims, as continuous access evaluation sends it. Source: Microsoft Learn, "Claims
 * challenges, claims requests and client capabilities".
 */
export function claimsChallenge(claims: string): FaultAction {
  const encoded = Buffer.from(claims).toString('base64');
  return failure(401, 'InvalidAuthenticationToken', 'Continuous access evaluation resulted in challenge.', {
    'WWW-Authenticate': `Bearer realm="", error="insufficient_claims", claims="${encoded}"`,
  });
}

/** The 400 that a page token gets after a retried page. */
export function pageTokenRefused(code = 'DirectoryPageTokenNotFoundException'): AnswerAction {
  return failure(400, code, 'The specified page token value is not valid or has expired.');
}

/**
 * The next link that the second answer to a page gives is refused; that of the first and of the third are good. A failed
 * answer counts, so after a retried page the client must ask for that page once more. Source: Microsoft Learn, "Paging
 * Microsoft Graph data in your app".
 */
export function linkOfRetriedPageRefused(): FaultAction {
  const answered = new Map<string, number>();
  const refused = new Set<string>();
  return {
    kind: 'alter',
    change: (answer, request) => {
      if (refused.has(request.query)) return pageTokenRefused().answer;
      const times = (answered.get(request.query) ?? 0) + 1;
      answered.set(request.query, times);
      const link = isCollection(answer.body) ? answer.body['@odata.nextLink'] : undefined;
      if (times === 2 && link !== undefined) refused.add(new URL(link).search.slice(1));
      return answer;
    },
  };
}

/** Status 200, yet the body holds an error beside what was read so far. */
export function errorMember(): FaultAction {
  return alter((collection) => ({
    ...collection,
    error: { code: 'UnknownError', message: 'The collection could not be read to its end.' },
  }));
}

/** An empty page before the page that was asked for; with delta, before one that a next link led to. */
export function emptyPage(links: Links): FaultAction {
  return alter((_, request) => ({ value: [], '@odata.nextLink': links.again(request) }));
}

/** The page is followed by itself, under another link. */
export function samePageAgain(links: Links): FaultAction {
  return alter((collection, request) => followedBy(collection, links.again(request)));
}

/** The first link that this sees is given for every page after it. */
export function repeatedNextLink(): FaultAction {
  let first: string | undefined;
  return alter((collection) => {
    first ??= collection['@odata.nextLink'];
    return first === undefined ? collection : followedBy(collection, first);
  });
}

/** The next link leads to this origin, for example `http://graph.example`. */
export function foreignNextLink(origin: string): FaultAction {
  return alter((collection) => {
    const link = collection['@odata.nextLink'];
    return link === undefined
      ? collection
      : { ...collection, '@odata.nextLink': link.replace(/^https?:\/\/[^/]+/, origin) };
  });
}

/** Each page begins with the last one of the page before. */
export function duplicatesOverPages(): FaultAction {
  let last: readonly unknown[] = [];
  return alter((collection) => {
    const value = [...last, ...collection.value];
    last = collection.value.slice(-1);
    return { ...collection, value };
  });
}

/** A property is absent from everything in the page, though it was selected. */
export function missingProperty(name: string): FaultAction {
  return alter((collection) => ({
    ...collection,
    value: collection.value.map((one) => {
      const { [name]: _, ...rest } = one as Record<string, unknown>;
      return rest;
    }),
  }));
}

/** Something happens to the tenant after the answer was made and before it is sent. */
export function meanwhile(act: () => void): FaultAction {
  return {
    kind: 'alter',
    change: (answer) => {
      act();
      return answer;
    },
  };
}

/** A page never has a next link and a delta link. */
function followedBy(collection: Collection, nextLink: string): object {
  const { '@odata.deltaLink': _, ...rest } = collection;
  return { ...rest, '@odata.nextLink': nextLink };
}

/** Changes answers that hold a collection and lets others pass. */
function alter(change: (collection: Collection, request: EmulatorRequest) => object): FaultAction {
  return {
    kind: 'alter',
    change: (answer: Answer, request) =>
      answer.status === 200 && isCollection(answer.body) ? { ...answer, body: change(answer.body, request) } : answer,
  };
}

function isCollection(body: unknown): body is Collection {
  return typeof body === 'object' && body !== null && 'value' in body && Array.isArray(body.value);
}
