import { NONE, RowTable } from './rowTable.ts';

/**
 * Finds the rows of a table by 128 bits of theirs: a hash table with open addressing (linear probing, at most half full)
 * whose slots hold the first row; rows of the same bits are chained. It is made when the table is complete.
 */
export class RowIndex {
  private readonly table: RowTable;
  private readonly at: number;
  /** Row + 1; 0 is free. */
  private readonly slots: Uint32Array;
  /** Row + 1 of the next row of the same bits; made when two rows share them. */
  private chain: Uint32Array | null = null;
  /** 1 for each row of a chain of two or more; made with the chain. */
  private inChain: Uint8Array | null = null;
  private readonly sought = new RowTable(4);

  /**
   * @param at where in a row the bits begin
   * @param has which rows are in the index
   * @param leads whether a row comes before the one that was the first of its chain so far
   */
  constructor(
    table: RowTable,
    at: number,
    has: (row: number) => boolean = () => true,
    leads: (row: number, first: number) => boolean = () => false,
  ) {
    this.table = table;
    this.at = at;
    this.sought.append();
    let size = 2;
    while (size < 2 * table.count) size *= 2;
    this.slots = new Uint32Array(size);
    for (let row = 0; row < table.count; row += 1) if (has(row)) this.add(row, leads);
  }

  /** The first row that has these bits of a row of any table, or NONE. */
  first(of: RowTable, row: number, at: number): number {
    return (this.slots[this.slotOf(of, row, at)] ?? 0) - 1;
  }

  /** The first row of this GUID, or NONE. */
  find(guid: string): number {
    this.sought.setBits(0, 0, guid);
    return this.first(this.sought, 0, 0);
  }

  /** Whether any two rows have the same bits. */
  get hasShared(): boolean {
    return this.chain !== null;
  }

  /** Whether another row in the index has the bits of this row, which is in it. */
  shares(row: number): boolean {
    return this.inChain?.[row] === 1;
  }

  /** Whether more than one row has these bits. */
  isShared(of: RowTable, row: number, at: number): boolean {
    return this.next(this.first(of, row, at)) !== NONE;
  }

  /** The row after this one among those of the same bits; NONE after the last, and after NONE. */
  next(row: number): number {
    return this.chain === null || row === NONE ? NONE : (this.chain[row] ?? 0) - 1;
  }

  private add(row: number, leads: (row: number, first: number) => boolean): void {
    const slot = this.slotOf(this.table, row, this.at);
    const head = (this.slots[slot] ?? 0) - 1;
    if (head === NONE) {
      this.slots[slot] = row + 1;
      return;
    }
    this.chain ??= new Uint32Array(this.table.count);
    this.inChain ??= new Uint8Array(this.table.count);
    this.inChain[row] = 1;
    this.inChain[head] = 1;
    if (leads(row, head)) {
      this.slots[slot] = row + 1;
      this.chain[row] = head + 1;
    } else {
      this.chain[row] = this.chain[head] ?? 0;
      this.chain[head] = row + 1;
    }
  }

  /** The slot that holds the row of these bits, or the free one where it would be. */
  private slotOf(of: RowTable, row: number, at: number): number {
    const last = this.slots.length - 1;
    for (let slot = of.hash(row, at) & last; ; slot = (slot + 1) & last) {
      const held = this.slots[slot] ?? 0;
      if (held === 0 || this.table.sameBits(held - 1, this.at, of, row, at)) return slot;
    }
  }
}
