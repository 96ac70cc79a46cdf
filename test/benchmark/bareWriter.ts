/**
 * What ldapts alone costs: signs in, and adds the entries one after another when told so. The first line of standard
 * input is the JSON of a BareWrite, the second starts the adds; "bound" and "added" on standard output tell when each is
 * done. The end of the input ends the program.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Attribute, Client } from 'ldapts';

export interface BareWrite {
  readonly url: string;
  readonly caFile: string;
  readonly userName: string;
  readonly password: string;
  /** Values in base64. */
  readonly entries: readonly {
    readonly dn: string;
    readonly attributes: Readonly<Record<string, readonly string[]>>;
  }[];
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = await lines.next();
const { url, caFile, userName, password, entries } = JSON.parse(String(given.value)) as BareWrite;
const adds = entries.map(({ dn, attributes }) => ({
  dn,
  octets: Object.entries(attributes).map(([type, values]) => ({
    type,
    values: values.map((value) => Buffer.from(value, 'base64')),
  })),
}));
const client = new Client({ url, tlsOptions: { ca: readFileSync(caFile) } });
await client.bind(userName, password);
process.stdout.write('bound\n');
await lines.next();
for (const { dn, octets } of adds) {
  await client.add(
    dn,
    octets.map((attribute) => new Attribute(attribute)),
  );
}
process.stdout.write('added\n');
await lines.next();
await client.unbind();
