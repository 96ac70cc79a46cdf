/** Basic Encoding Rules as LDAP uses them (RFC 4511, 5.1), quick enough to stream a directory. */

export interface Element {
  readonly tag: number;
  /** Where its content begins and ends. */
  readonly start: number;
  readonly end: number;
}

/** The element at this position, or null if the octets end before it does. */
export function elementAt(octets: Buffer, at: number): Element | null {
  const tag = octets[at];
  const first = octets[at + 1];
  if (tag === undefined || first === undefined) return null;
  const size = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + size;
  if (start > octets.length) return null;
  const length = size === 0 ? first : octets.readUIntBE(at + 2, size);
  return start + length > octets.length ? null : { tag, start, end: start + length };
}

/** The elements inside of one. Throws where one is cut off. */
export function elementsOf(octets: Buffer, { start, end }: Pick<Element, 'start' | 'end'>): readonly Element[] {
  const elements: Element[] = [];
  for (let at = start; at < end;) {
    const element = elementAt(octets, at);
    if (element === null) throw new Error(`An element is cut off at octet ${at}.`);
    elements.push(element);
    at = element.end;
  }
  return elements;
}

const SMALLEST = 64 * 1024;

/** Writes from the end to the beginning, so that each length is known when it is written. */
export class BackwardWriter {
  private buffer: Buffer = Buffer.allocUnsafe(SMALLEST);
  /** How many octets stand at the end of the buffer. */
  private used = 0;

  get length(): number {
    return this.used;
  }

  /** What was written; the writer begins anew in other memory. */
  take(): Buffer {
    const written = this.buffer.subarray(this.buffer.length - this.used);
    this.buffer = Buffer.allocUnsafe(Math.max(SMALLEST, this.used));
    this.used = 0;
    return written;
  }

  octets(tag: number, value: Buffer | string): void {
    const end = this.used;
    const size = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
    const at = this.room(size);
    if (typeof value === 'string') this.buffer.write(value, at);
    else value.copy(this.buffer, at);
    this.wrap(tag, end);
  }

  /** @param value from 0 up to 2^31 - 1 */
  integer(tag: number, value: number): void {
    const size = value < 0x80 ? 1 : value < 0x8000 ? 2 : value < 0x80_0000 ? 3 : 4;
    const end = this.used;
    const at = this.room(size);
    this.buffer.writeUIntBE(value, at, size);
    this.wrap(tag, end);
  }

  /** Puts tag and length before what was written since the writer had this length. */
  wrap(tag: number, length: number): void {
    const size = this.used - length;
    if (size < 0x80) {
      const at = this.room(2);
      this.buffer[at] = tag;
      this.buffer[at + 1] = size;
      return;
    }
    const digits = size < 0x100 ? 1 : size < 0x1_0000 ? 2 : size < 0x100_0000 ? 3 : 4;
    const at = this.room(2 + digits);
    this.buffer[at] = tag;
    this.buffer[at + 1] = 0x80 | digits;
    this.buffer.writeUIntBE(size, at + 2, digits);
  }

  /** Where so many octets go. */
  private room(size: number): number {
    if (this.used + size > this.buffer.length) {
      const larger = Buffer.allocUnsafe(2 * (this.used + size));
      this.buffer.copy(larger, larger.length - this.used, this.buffer.length - this.used);
      this.buffer = larger;
    }
    this.used += size;
    return this.buffer.length - this.used;
  }
}
