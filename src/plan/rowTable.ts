/**
 * Rows in a chunk; a power of two. A table grows by chunks, so that growing copies nothing but a first chunk that is
 * small. A chunk is a megabyte or so: memory of that size goes back to the system, and is not mixed with small pieces.
 */
const CHUNK_BITS = 14;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const FIRST_ROWS = 64;

/** No row. */
export const NONE = -1;

/** Rows of a fixed number of 32-bit words in typed arrays. They are appended and never taken away. */
export class RowTable {
  /** Words of a row. */
  readonly width: number;
  private readonly chunks: Uint32Array[] = [];
  private rows = 0;

  constructor(width: number) {
    this.width = width;
  }

  get count(): number {
    return this.rows;
  }

  /** The number of a new row, all zero. */
  append(): number {
    const row = this.rows;
    if (row < CHUNK_ROWS) this.growFirst(row);
    else if ((row & (CHUNK_ROWS - 1)) === 0) this.chunks.push(new Uint32Array(CHUNK_ROWS * this.width));
    this.rows += 1;
    return row;
  }

  word(row: number, at: number): number {
    return this.chunkOf(row)[this.start(row) + at] ?? 0;
  }

  setWord(row: number, at: number, value: number): void {
    this.chunkOf(row)[this.start(row) + at] = value;
  }

  /** Stores 128 bits in four words. @param text 32 hexadecimal digits, or a GUID */
  setBits(row: number, at: number, text: string): void {
    const chunk = this.chunkOf(row);
    let target = this.start(row) + at;
    let value = 0;
    let digits = 0;
    for (let index = 0; index < text.length; index += 1) {
      const digit = DIGITS[text.charCodeAt(index)] ?? NO_DIGIT;
      if (digit === NO_DIGIT) continue;
      value = (value << 4) | digit;
      digits += 1;
      if (digits % 8 === 0) {
        chunk[target] = value;
        target += 1;
        value = 0;
      }
    }
  }

  /** The GUID whose 128 bits begin at this word. */
  guid(row: number, at: number): string {
    const hex = [0, 1, 2, 3]
      .map((word) =>
        this.word(row, at + word)
          .toString(16)
          .padStart(8, '0'),
      )
      .join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** Whether 128 bits here and 128 bits of a row of another table, or of this one, are the same. */
  sameBits(row: number, at: number, other: RowTable, otherRow: number, otherAt: number): boolean {
    const mine = this.chunkOf(row);
    const others = other.chunkOf(otherRow);
    const from = this.start(row) + at;
    const otherFrom = other.start(otherRow) + otherAt;
    for (let word = 0; word < 4; word += 1) {
      if (mine[from + word] !== others[otherFrom + word]) return false;
    }
    return true;
  }

  sameRow(row: number, other: RowTable, otherRow: number): boolean {
    for (let word = 0; word < this.width; word += 1) {
      if (this.word(row, word) !== other.word(otherRow, word)) return false;
    }
    return true;
  }

  /** The order of two GUIDs' texts: negative where the first comes before the second. */
  compareBits(row: number, at: number, otherRow: number): number {
    for (let word = at; word < at + 4; word += 1) {
      const difference = this.word(row, word) - this.word(otherRow, word);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** 32 bits that spread the 128 well, wherever they differ. */
  hash(row: number, at: number): number {
    const chunk = this.chunkOf(row);
    const from = this.start(row) + at;
    let mixed = 0;
    for (let word = from; word < from + 4; word += 1) {
      mixed = Math.imul(mixed ^ (chunk[word] ?? 0), 0x9e3779b1);
      mixed ^= mixed >>> 15;
    }
    return mixed >>> 0;
  }

  /** Where a row begins in its chunk. */
  private start(row: number): number {
    return (row & (CHUNK_ROWS - 1)) * this.width;
  }

  private growFirst(row: number): void {
    const first = this.chunks[0];
    if (first !== undefined && row * this.width < first.length) return;
    const rows = Math.min(CHUNK_ROWS, Math.max(FIRST_ROWS, 2 * row));
    const larger = new Uint32Array(rows * this.width);
    if (first !== undefined) larger.set(first);
    this.chunks[0] = larger;
  }

  private chunkOf(row: number): Uint32Array {
    const chunk = this.chunks[row >>> CHUNK_BITS];
    if (chunk === undefined || row >= this.rows) throw new RangeError(`There is no row ${row} of ${this.rows}.`);
    return chunk;
  }
}

const NO_DIGIT = 0xff;
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit += 1) DIGITS[digit.toString(16).charCodeAt(0)] = digit;
