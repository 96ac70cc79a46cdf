import { createHash, randomUUID } from 'node:crypto';
import { GraphFailure, type EmulatorRequest } from './exchange.ts';
import type { Entities } from './entities.ts';
import type { Entity } from './entityTypes.ts';
import type { EntityQuery } from './odata.ts';

export interface Page<T> {
  readonly entities: readonly T[];
  readonly nextLink: string | null;
}

const SKIP_TOKEN = /^\$?skiptoken$/i;

/**
 * Makes and reads `@odata.nextLink`. A link keeps path and query as they were sent and carries an opaque token, which
 * no two links share and which is good for this path, query and server alone.
 */
export class Pages {
  readonly #graphUrl: () => string;
  readonly #key = randomUUID();
  #issued = 0;

  constructor(graphUrl: () => string) {
    this.#graphUrl = graphUrl;
  }

  /** One page of the entities that the filter lets through, of at most `limit`. */
  read<T extends Entity>(entities: Entities<T>, query: EntityQuery, request: EmulatorRequest, limit: number): Page<T> {
    const found: T[] = [];
    const start = this.position(request);
    const ids = query.filter?.ids ?? null;
    for (const [position, entity] of ids === null ? entities.from(start) : entities.among(ids, start)) {
      if (query.filter !== null && !query.filter.fits(entity)) continue;
      if (found.length === limit) return { entities: found, nextLink: this.link(request, position) };
      found.push(entity);
    }
    return { entities: found, nextLink: null };
  }

  isFirst(request: EmulatorRequest): boolean {
    return skipToken(request) === null;
  }

  /** Where the page of this request begins. Throws Graph's 400 for a token that is not good here. */
  position(request: EmulatorRequest): number {
    const token = skipToken(request);
    if (token === null) return 0;
    const text = Buffer.from(/^X'(.*)'$/.exec(token)?.[1] ?? '', 'base64url').toString('utf8');
    const [position, , seal] = text.split(' ');
    if (position === undefined || seal !== this.#seal(request)) {
      throw new GraphFailure(400, 'Request_BadRequest', 'The specified page token value is not valid.');
    }
    return Number(position);
  }

  /** Another link to the page of this request. */
  again(request: EmulatorRequest): string {
    return this.link(request, this.position(request));
  }

  link(request: EmulatorRequest, position: number): string {
    this.#issued += 1;
    const token = Buffer.from(`${position} ${this.#issued} ${this.#seal(request)}`).toString('base64url');
    const query = [...keptQuery(request), `$skiptoken=X%27${token}%27`].join('&');
    return `${this.#graphUrl()}${request.path}?${query}`;
  }

  #seal(request: EmulatorRequest): string {
    const sealed = [this.#key, request.path, ...keptQuery(request)].join('\n');
    return createHash('sha256').update(sealed).digest('base64url').slice(0, 16);
  }
}

function skipToken(request: EmulatorRequest): string | null {
  for (const [name, value] of request.parameters) if (SKIP_TOKEN.test(name)) return value;
  return null;
}

function keptQuery(request: EmulatorRequest): readonly string[] {
  return request.query.split('&').filter((part) => {
    const name = part.split('=')[0] ?? '';
    return part !== '' && !SKIP_TOKEN.test(name.replace(/%24/i, '$'));
  });
}
