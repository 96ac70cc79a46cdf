/** One entry as a tool printed it; attribute names as the server gave them, values as bytes, in order. */
export interface LdifEntry {
  readonly dn: string;
  readonly attributes: ReadonlyMap<string, readonly Buffer[]>;
}

/** Reads content LDIF (RFC 2849): folded lines, `::` base64 values, comments; URL values (`:<`) do not occur here. */
export function parseLdif(text: string): LdifEntry[] {
  const lines = text.replace(/\r?\n /g, '').split(/\r?\n/);
  const entries: LdifEntry[] = [];
  let attributes: Map<string, Buffer[]> | null = null;
  for (const line of lines) {
    if (line === '') attributes = null;
    const separator = line.indexOf(':');
    if (line.startsWith('#') || separator < 0) continue;
    const name = line.slice(0, separator);
    const value = valueOf(line.slice(separator + 1));
    if (name === 'dn') {
      attributes = new Map();
      entries.push({ dn: value.toString('utf8'), attributes });
    } else if (attributes) {
      const values = attributes.get(name);
      if (values) values.push(value);
      else attributes.set(name, [value]);
    }
  }
  return entries;
}

function valueOf(text: string): Buffer {
  if (text.startsWith(':')) return Buffer.from(text.slice(1).trim(), 'base64');
  return Buffer.from(text.replace(/^ +/, ''), 'utf8');
}

/** The values of an attribute as text; empty when the entry does not have it. */
export function textValues(entry: LdifEntry, attribute: string): string[] {
  return (entry.attributes.get(attribute) ?? []).map((value) => value.toString('utf8'));
}
