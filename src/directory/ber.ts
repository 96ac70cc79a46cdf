/** Reading of the Basic Encoding Rules as LDAP uses them (RFC 4511 5.1): definite lengths, tags of one octet. */

export const TAG = { integer: 0x02, octets: 0x04, sequence: 0x30, set: 0x31, searchEntry: 0x64 } as const;

/** Walks through the elements of one message. Every method throws RangeError where the octets are not what it expects. */
export class BerWalk {
  private readonly octets: Buffer;
  /** Where the next element begins. */
  position: number;

  constructor(octets: Buffer, position = 0) {
    this.octets = octets;
    this.position = position;
  }

  /** Goes into an element and gives the position of its end. */
  enter(tag: number): number {
    if (this.octets[this.position] !== tag) throw malformed();
    const first = this.octets[this.position + 1] ?? 0x80;
    let start = this.position + 2;
    let length = first;
    if (first >= 0x80) {
      const size = first & 0x7f;
      if (size === 0 || size > 4 || start + size > this.octets.length) throw malformed();
      length = this.octets.readUIntBE(start, size);
      start += size;
    }
    if (start + length > this.octets.length) throw malformed();
    this.position = start;
    return start + length;
  }

  /** The content of an element; the walk goes on behind it. */
  content(tag: number): Buffer {
    const end = this.enter(tag);
    const content = this.octets.subarray(this.position, end);
    this.position = end;
    return content;
  }

  text(tag: number): string {
    const end = this.enter(tag);
    const text = this.octets.toString('utf8', this.position, end);
    this.position = end;
    return text;
  }

  tag(): number | null {
    return this.octets[this.position] ?? null;
  }
}

function malformed(): RangeError {
  return new RangeError('the server sent octets that are no LDAP message');
}
