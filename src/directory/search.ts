/** Filters and single-object reads, so that no filter is ever made by joining text. */
import { AndFilter, EqualityFilter, OrFilter, PresenceFilter, type Control, type Filter } from 'ldapts';
import type { Connection } from './connection.ts';
import type { Entry } from './entry.ts';
import { LdapRefusal, operationFailure, RESULT } from './failure.ts';

export const anything: Filter = new PresenceFilter({ attribute: 'objectClass' });

/** Values cross as octets in the request, so nothing in them can have a meaning in the filter. */
export function equal(attribute: string, value: string | Buffer): Filter {
  return new EqualityFilter({ attribute, value });
}

export function anyOf(filters: readonly Filter[]): Filter {
  return new OrFilter({ filters: [...filters] });
}

export function allOf(...filters: Filter[]): Filter {
  return new AndFilter({ filters });
}

export interface Single {
  readonly base: string;
  readonly attributes: readonly string[];
  readonly filter?: Filter;
  readonly controls?: readonly Control[];
}

/** The object of this name if there is one and the filter fits it, else null. */
export async function readObject(connection: Connection, single: Single, signal: AbortSignal): Promise<Entry | null> {
  try {
    const entries = await connection.search({ scope: 'base', filter: anything, ...single }, signal);
    return entries[0] ?? null;
  } catch (error) {
    if (error instanceof LdapRefusal && error.code === RESULT.noSuchObject) return null;
    throw operationFailure(error, { doing: 'Reading', target: single.base }, connection.server);
  }
}

/** Every object below the base that the filter fits. */
export async function searchBelow(
  connection: Connection,
  base: string,
  filter: Filter,
  attributes: readonly string[],
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  try {
    return await connection.search({ base, scope: 'sub', filter, attributes }, signal);
  } catch (error) {
    throw operationFailure(error, { doing: 'Searching below', target: base }, connection.server);
  }
}
