import type { Guid } from '../device/guid.ts';

/** What is known of an owner: its SID, null for none, undefined while it is not known. */
export interface OwnerSids {
  get(id: Guid): string | null | undefined;
  set(id: Guid, sid: string | null): void;
  /** Owners known. */
  size(): number;
}

const NONE = 1;
const FIRST_DOMAIN = 2;
const FIRST_CAPACITY = 1024;
const SID = /^(S-1(?:-\d+)+)-(0|[1-9]\d{0,9})$/;
const LARGEST_RID = 0xffffffff;

/**
 * A table of 24 bytes a slot, at most three quarters full: between 32 and 64 bytes an owner, 64 MB at most for a million.
 * A SID is kept as its last part and the number of its domain, as most owners have one of a few domains ([MS-DTYP] 2.4.2).
 */
export function createOwnerSids(): OwnerSids {
  let capacity = FIRST_CAPACITY;
  let ids = new Uint32Array(capacity * 4);
  let rids = new Uint32Array(capacity);
  // 0 for a free slot.
  let domains = new Uint32Array(capacity);
  let size = 0;
  const domainNames: string[] = [];
  const domainNumbers = new Map<string, number>();
  const key = new Uint32Array(4);
  /** Texts that are no SID in its usual form. */
  const unusual = new Map<Guid, string>();

  const load = (id: Guid): void => {
    const digits = id.replaceAll('-', '');
    for (let word = 0; word < 4; word += 1) key[word] = Number.parseInt(digits.slice(word * 8, word * 8 + 8), 16);
  };

  const holdsKey = (from: number): boolean =>
    ids[from] === key[0] && ids[from + 1] === key[1] && ids[from + 2] === key[2] && ids[from + 3] === key[3];

  /** The slot of the loaded key, or the free one where it belongs. */
  const slot = (): number => {
    const mix = Math.imul((key[0] ?? 0) ^ (key[3] ?? 0), 0x9e3779b1) ^ (key[1] ?? 0) ^ (key[2] ?? 0);
    for (let at = mix & (capacity - 1); ; at = (at + 1) & (capacity - 1)) {
      if (domains[at] === 0 || holdsKey(at * 4)) return at;
    }
  };

  const grow = (): void => {
    const [oldIds, oldRids, oldDomains, oldCapacity] = [ids, rids, domains, capacity];
    capacity *= 2;
    ids = new Uint32Array(capacity * 4);
    rids = new Uint32Array(capacity);
    domains = new Uint32Array(capacity);
    for (let old = 0; old < oldCapacity; old += 1) {
      if (oldDomains[old] === 0) continue;
      key.set(oldIds.subarray(old * 4, old * 4 + 4));
      place(oldDomains[old] ?? 0, oldRids[old] ?? 0);
    }
  };

  const place = (domain: number, rid: number): void => {
    const at = slot();
    if (domains[at] === 0) ids.set(key, at * 4);
    domains[at] = domain;
    rids[at] = rid;
  };

  const numberOf = (domain: string): number => {
    const known = domainNumbers.get(domain);
    if (known !== undefined) return known;
    domainNumbers.set(domain, FIRST_DOMAIN + domainNames.length);
    return FIRST_DOMAIN + domainNames.push(domain) - 1;
  };

  return {
    get(id) {
      load(id);
      const at = slot();
      const domain = domains[at] ?? 0;
      if (domain === 0) return undefined;
      if (domain === NONE) return unusual.get(id) ?? null;
      return `${domainNames[domain - FIRST_DOMAIN]}-${rids[at]}`;
    },
    set(id, sid) {
      if (size * 4 >= capacity * 3) grow();
      const [, domain = '', rid = ''] = SID.exec(sid ?? '') ?? [];
      const compact = domain !== '' && Number(rid) <= LARGEST_RID;
      unusual.delete(id);
      if (sid !== null && !compact) unusual.set(id, sid);
      load(id);
      if (domains[slot()] === 0) size += 1;
      place(compact ? numberOf(domain) : NONE, compact ? Number(rid) : 0);
    },
    size: () => size,
  };
}
