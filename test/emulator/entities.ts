import { isDeepStrictEqual } from 'node:util';
import { ChangeLog } from './changeLog.ts';

/** Things by position that are made when asked for, so that a million of them need no memory. */
export interface Sequence<T> {
  readonly count: number;
  at(index: number): T;
  /** The index of the one with this id, or null. */
  indexOf(id: string): number | null;
}

/**
 * The devices or users of the tenant: a generated sequence below and every change above it. An entity keeps its
 * position for life and a removed one leaves its position empty, so a page begins where it would have begun anyway.
 */
export class Entities<T extends { readonly id: string; readonly [property: string]: unknown }> {
  /** Fed by every call that changes something. */
  readonly changes = new ChangeLog();
  readonly #base: Sequence<T> | null;
  /** What differs from the base; null is an empty position. */
  readonly #changed = new Map<number, T | null>();
  readonly #added = new Map<string, number>();
  readonly #deleted = new Map<string, T>();
  #end: number;
  #size: number;

  constructor(base: Sequence<T> | null) {
    this.#base = base;
    this.#end = base?.count ?? 0;
    this.#size = this.#end;
  }

  get size(): number {
    return this.#size;
  }

  /** Positions are below this. */
  get end(): number {
    return this.#end;
  }

  get(id: string): T | null {
    const position = this.#position(id);
    return position === null ? null : this.#at(position);
  }

  /** Throws if the id is taken. */
  add(entity: T): T {
    this.#append(entity);
    this.changes.add(entity.id, 'added');
    return entity;
  }

  /**
   * Sets these properties, of any type, as a server's fault would. A property set to undefined is left out of answers
   * even when it is selected. Throws if there is no such object.
   */
  update(id: string, changes: Partial<T> & Readonly<Record<string, unknown>>): T {
    const position = this.#position(id);
    const entity = position === null ? null : this.#at(position);
    if (position === null || entity === null) throw new Error(`There is no object with the id ${id}.`);
    const updated = { ...entity, ...changes };
    this.#changed.set(position, updated);
    const properties = Object.keys(changes).filter((name) => !isDeepStrictEqual(entity[name], updated[name]));
    if (properties.length > 0) this.changes.add(entity.id, 'updated', properties);
    return updated;
  }

  /** Soft-deletes: gone from every answer, and restorable. Throws if there is no such object. */
  remove(id: string): void {
    const entity = this.#take(id);
    this.#deleted.set(id.toLowerCase(), entity);
    this.changes.add(entity.id, 'removed');
  }

  /** Deletes for good, a live or a soft-deleted one. Throws if there is neither. */
  purge(id: string): void {
    const entity = this.#deleted.get(id.toLowerCase()) ?? this.#take(id);
    this.#deleted.delete(id.toLowerCase());
    this.changes.add(entity.id, 'purged');
  }

  /** Takes a soft-deleted one back, as it was. Throws if there is none. */
  restore(id: string): T {
    const entity = this.#deleted.get(id.toLowerCase());
    if (entity === undefined) throw new Error(`There is no soft-deleted object with the id ${id}.`);
    this.#append(entity);
    this.#deleted.delete(id.toLowerCase());
    this.changes.add(entity.id, 'restored');
    return entity;
  }

  /** Each live one from this position on, with its position. */
  *from(start: number): Generator<readonly [number, T]> {
    for (let position = start; position < this.#end; position += 1) {
      const entity = this.#at(position);
      if (entity !== null) yield [position, entity];
    }
  }

  /** Those of these ids that live, from this position on, with their positions; the order is that of `from`. */
  *among(ids: readonly string[], start: number): Generator<readonly [number, T]> {
    const positions = new Set(ids.map((id) => this.#position(id)).filter((position) => position !== null));
    for (const position of [...positions].sort((a, b) => a - b)) {
      const entity = position < start ? null : this.#at(position);
      if (entity !== null) yield [position, entity];
    }
  }

  find(fits: (entity: T) => boolean): T | null {
    for (const entity of this) if (fits(entity)) return entity;
    return null;
  }

  *[Symbol.iterator](): Generator<T> {
    for (const [, entity] of this.from(0)) yield entity;
  }

  #append(entity: T): void {
    if (this.get(entity.id) !== null) throw new Error(`There is already an object with the id ${entity.id}.`);
    this.#added.set(entity.id.toLowerCase(), this.#end);
    this.#changed.set(this.#end, entity);
    this.#end += 1;
    this.#size += 1;
  }

  #take(id: string): T {
    const position = this.#position(id);
    const entity = position === null ? null : this.#at(position);
    if (position === null || entity === null) throw new Error(`There is no object with the id ${id}.`);
    this.#changed.set(position, null);
    this.#added.delete(id.toLowerCase());
    this.#size -= 1;
    return entity;
  }

  #position(id: string): number | null {
    const key = id.toLowerCase();
    return this.#added.get(key) ?? this.#base?.indexOf(key) ?? null;
  }

  #at(position: number): T | null {
    const changed = this.#changed.get(position);
    if (changed !== undefined) return changed;
    return this.#base !== null && position < this.#base.count ? this.#base.at(position) : null;
  }
}
