import { createHmac, randomBytes } from 'node:crypto';
import { GraphFailure, type EmulatorRequest } from './exchange.ts';

/** What a token of delta stands for: a place in a round, or the state after one from which the next round begins. */
export interface DeltaToken {
  readonly kind: 'skip' | 'delta';
  readonly appId: string;
  /** The options of the first request; null if not given. */
  readonly select: string | null;
  readonly filter: string | null;
  /** Number of the first change of the round; null where the round tells the whole state. */
  readonly from: number | null;
  /** Number of the change after the last one of the round; that from which the next round begins. */
  readonly to: number;
  /** Positions of devices that existed when the round began are below this. */
  readonly end: number;
  /** Where the page begins, and whether its first object was on the page before. */
  readonly at: number;
  readonly repeated: boolean;
  /** Empty pages that come before this place. */
  readonly empty: number;
}

interface IssuedToken extends DeltaToken {
  readonly number: number;
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly issued: number;
}

/** Refusals of an expired delta link; which of them devices get is not documented. */
export const SYNC_STATE_NOT_FOUND = { status: 400, code: 'syncStateNotFound' } as const;
export const RESYNC_REQUIRED = { status: 400, code: 'resyncRequired' } as const;
export const GONE = { status: 410, code: 'resyncRequired' } as const;

/**
 * Makes and reads the links of delta. Their tokens hold everything they stand for under a seal, so no link costs the
 * emulator memory, and no two links are the same.
 */
export class DeltaLinks {
  readonly #graphUrl: () => string;
  readonly #key = randomBytes(32);
  #issued = 0;
  #generation = 0;

  constructor(graphUrl: () => string) {
    this.#graphUrl = graphUrl;
  }

  /** The `@odata.nextLink` or `@odata.deltaLink` of this token. */
  link(token: DeltaToken): string {
    this.#issued += 1;
    const issued: IssuedToken = { ...token, number: this.#issued, generation: this.#generation, issued: Date.now() };
    const text = Buffer.from(JSON.stringify(issued)).toString('base64url');
    return `${this.#graphUrl()}/v1.0/devices/delta?$${token.kind}token=${text}.${this.#seal(text)}`;
  }

  /** The request from which to begin anew: the first one with an empty `$deltatoken`. */
  beginning(token: DeltaToken): string {
    const options = [
      ...(token.select === null ? [] : [`$select=${encodeURIComponent(token.select)}`]),
      ...(token.filter === null ? [] : [`$filter=${encodeURIComponent(token.filter)}`]),
      '$deltatoken=',
    ];
    return `${this.#graphUrl()}/v1.0/devices/delta?${options.join('&')}`;
  }

  /** Every delta link given so far is expired from now on. */
  expireAll(): void {
    this.#generation += 1;
  }

  /** Throws Graph's 400 for what this server did not give to this application as a token of this kind. */
  read(text: string, kind: DeltaToken['kind'], appId: string): IssuedToken {
    const token = this.#open(text);
    if (token === null || token.kind !== kind || token.appId !== appId) {
      throw new GraphFailure(400, 'Request_BadRequest', 'Badly formed token.');
    }
    return token;
  }

  /** Another link to the page of this request, which a next link must have led to. */
  again(request: EmulatorRequest): string {
    const token = this.#open(request.parameters.get('$skiptoken') ?? '');
    if (token === null) throw new Error('Only a page that a next link led to can come again.');
    return this.link(token);
  }

  /** Only delta links expire. `lifetime` in seconds. */
  isExpired(token: IssuedToken, lifetime: number): boolean {
    const expired = token.generation !== this.#generation || Date.now() - token.issued > lifetime * 1000;
    return token.kind === 'delta' && expired;
  }

  #open(text: string): IssuedToken | null {
    const [body = '', seal] = text.split('.');
    if (seal !== this.#seal(body)) return null;
    return JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as IssuedToken;
  }

  #seal(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}
