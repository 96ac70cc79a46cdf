/** One change of one object. */
export interface LoggedChange {
  readonly id: string;
  readonly kind: 'added' | 'updated' | 'removed' | 'purged' | 'restored';
  /** The properties whose value is another now; empty unless updated. */
  readonly properties: readonly string[];
}

/** Every change since the start, by number. What was there from the start is not in it, so it is as long as the changes. */
export class ChangeLog {
  readonly #changes: LoggedChange[] = [];

  /** The number that the next change gets. */
  get end(): number {
    return this.#changes.length;
  }

  add(id: string, kind: LoggedChange['kind'], properties: readonly string[] = []): void {
    this.#changes.push({ id, kind, properties });
  }

  /** The changes numbered from `start` to before `end`, by object in the order of its first one. */
  byObject(start: number, end: number): ReadonlyMap<string, readonly LoggedChange[]> {
    const grouped = new Map<string, LoggedChange[]>();
    for (const change of this.#changes.slice(start, end)) {
      const before = grouped.get(change.id);
      if (before === undefined) grouped.set(change.id, [change]);
      else before.push(change);
    }
    return grouped;
  }
}
