/**
 * A domain controller that only reads: an LDAPS server whose device objects are made from their positions when they are
 * asked for, so that a million of them need no memory. It answers what a full run asks: rootDSE, schema, registration
 * service, service connection point, container, the paged list of the devices, and devices by objectGUID. The page that
 * comes next is made while the client works on the last one.
 */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { BackwardWriter, elementAt, elementsOf, type Element } from './ber.ts';

/** An entry: values by attribute name, in the order in which they are sent. */
export interface StreamedEntry {
  readonly distinguishedName: string;
  readonly attributes: Readonly<Record<string, readonly (string | Buffer)[]>>;
}

export interface StreamingDirectoryOptions {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The DN whose one-level search lists the devices. */
  readonly container: string;
  /** Every other entry: rootDSE has the empty name. A search below a base gives those whose names end with it. */
  readonly entries: readonly StreamedEntry[];
  readonly devices: {
    readonly count: number;
    at(position: number): StreamedEntry;
    /** @param objectGuid 16 octets */
    positionOf(objectGuid: Buffer): number | null;
  };
}

export interface StreamingDirectory {
  /** `127.0.0.1:port` */
  readonly server: string;
  stop(): Promise<void>;
}

const TAG = {
  bind: 0x60,
  unbind: 0x42,
  search: 0x63,
  extended: 0x77,
  controls: 0xa0,
  and: 0xa0,
  or: 0xa1,
  equal: 0xa3,
};
const SUCCESS = 0;
const NO_SUCH_OBJECT = 32;
const UNWILLING_TO_PERFORM = 53;
const PAGED_RESULTS = '1.2.840.113556.1.4.319';
const SEQUENCE = 0x30;
const SET = 0x31;
const OCTETS = 0x04;
const INTEGER = 0x02;
const ENUMERATED = 0x0a;
const BASE_SCOPE = 0;
const ONE_LEVEL_SCOPE = 1;

interface Search {
  readonly id: number;
  readonly base: string;
  readonly scope: number;
  /** Attribute and value of each equality in the filter, in lower case and as octets. */
  readonly terms: readonly { readonly attribute: string; readonly value: Buffer }[];
  readonly attributes: ReadonlySet<string>;
  readonly page: { readonly size: number; readonly cookie: string } | null;
}

export async function startStreamingDirectory(options: StreamingDirectoryOptions): Promise<StreamingDirectory> {
  const { certificateFile, keyFile } = options;
  const sockets = new Set<TLSSocket>();
  const secure = { cert: await readFile(certificateFile), key: await readFile(keyFile) };
  const server = createServer(secure, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serveClient(socket, options);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serveClient(socket: TLSSocket, options: StreamingDirectoryOptions): void {
  let unread: Buffer = Buffer.alloc(0);
  const pages = new Pages(options);
  socket.on('data', (octets: Buffer) => {
    unread = unread.length === 0 ? octets : Buffer.concat([unread, octets]);
    for (let message = elementAt(unread, 0); message !== null; message = elementAt(unread, 0)) {
      const answer = answerTo(unread, message, options, pages);
      if (answer === null) socket.end();
      else socket.write(answer, () => pages.prepare());
      unread = unread.subarray(message.end);
    }
  });
}

/** null: the client says goodbye. */
function answerTo(octets: Buffer, message: Element, options: StreamingDirectoryOptions, pages: Pages): Buffer | null {
  const [number, operation, controls] = elementsOf(octets, message);
  if (number === undefined || operation === undefined) throw new Error('A message without an operation.');
  const id = octets.readUIntBE(number.start, number.end - number.start);
  if (operation.tag === TAG.unbind) return null;
  if (operation.tag === TAG.bind) return result(id, 0x61, SUCCESS);
  if (operation.tag === TAG.extended) return result(id, 0x78, SUCCESS);
  if (operation.tag !== TAG.search) return result(id, operation.tag + 1, UNWILLING_TO_PERFORM);
  const search = parseSearch(id, octets, operation, controls);
  if (search.base === options.container && search.scope === ONE_LEVEL_SCOPE) return pages.answer(search);
  const found = options.entries.filter(({ distinguishedName }) =>
    search.scope === BASE_SCOPE ? distinguishedName === search.base : distinguishedName.endsWith(search.base),
  );
  if (search.scope === BASE_SCOPE && found.length === 0) return result(id, 0x65, NO_SUCH_OBJECT);
  return entriesAndResult(
    found.filter((entry) => fits(entry, search)),
    search,
    null,
  );
}

/** A search below a base is answered by what has one of the filter's values. */
function fits({ attributes }: StreamedEntry, { scope, terms }: Search): boolean {
  if (scope === BASE_SCOPE) return true;
  return terms.some(({ attribute, value }) =>
    Object.entries(attributes).some(
      ([name, values]) =>
        name.toLowerCase() === attribute && values.some((one) => Buffer.from(one as string).equals(value)),
    ),
  );
}

/** The answers about devices of one client. */
class Pages {
  private readonly options: StreamingDirectoryOptions;
  private expected: Search | null = null;
  private prepared: { readonly key: string; readonly answer: Buffer } | null = null;

  constructor(options: StreamingDirectoryOptions) {
    this.options = options;
  }

  answer(search: Search): Buffer {
    const wanted = search.terms.filter(({ attribute }) => attribute === 'objectguid');
    const answer =
      wanted.length > 0
        ? this.byGuid(search)
        : this.prepared?.key === keyOf(search)
          ? this.prepared.answer
          : this.page(search);
    this.prepared = null;
    return answer;
  }

  /** Makes the page that the client will ask for next. */
  prepare(): void {
    const next = this.expected;
    this.expected = null;
    if (next !== null) this.prepared = { key: keyOf(next), answer: this.page(next) };
  }

  private page(search: Search): Buffer {
    const { devices } = this.options;
    const start = Number(search.page?.cookie ?? 0);
    const end = Math.min(devices.count, start + (search.page?.size ?? devices.count));
    const entries = Array.from({ length: end - start }, (_, index) => devices.at(start + index));
    const cookie = end < devices.count ? String(end) : '';
    const next = { size: search.page?.size ?? 0, cookie };
    this.expected = cookie === '' ? null : { ...search, id: search.id + 1, page: next };
    return entriesAndResult(entries, search, cookie);
  }

  private byGuid(search: Search): Buffer {
    const { devices } = this.options;
    const entries = search.terms.flatMap(({ attribute, value }) => {
      const position = attribute === 'objectguid' ? devices.positionOf(value) : null;
      return position === null ? [] : [devices.at(position)];
    });
    return entriesAndResult(entries, search, '');
  }
}

function keyOf({ id, page, attributes }: Search): string {
  return `${id} ${page?.size} ${page?.cookie} ${[...attributes].join()}`;
}

function parseSearch(id: number, octets: Buffer, operation: Element, controls: Element | undefined): Search {
  const [base, scope, , , , , filter, attributes] = elementsOf(octets, operation);
  if (base === undefined || scope === undefined || filter === undefined || attributes === undefined) {
    throw new Error('A search request without all its parts.');
  }
  const text = ({ start, end }: Element): string => octets.toString('utf8', start, end);
  const terms: { attribute: string; value: Buffer }[] = [];
  const collect = (part: Element): void => {
    if (part.tag === TAG.and || part.tag === TAG.or) elementsOf(octets, part).forEach(collect);
    const [attribute, value] = part.tag === TAG.equal ? elementsOf(octets, part) : [];
    if (attribute === undefined || value === undefined) return;
    terms.push({ attribute: text(attribute).toLowerCase(), value: octets.subarray(value.start, value.end) });
  };
  collect(filter);
  return {
    id,
    base: text(base),
    scope: octets[scope.start] ?? 0,
    terms,
    attributes: new Set(elementsOf(octets, attributes).map((name) => text(name).toLowerCase())),
    page: controls?.tag === TAG.controls ? parsePage(octets, controls) : null,
  };
}

/** Source: RFC 2696. */
function parsePage(octets: Buffer, controls: Element): Search['page'] {
  for (const control of elementsOf(octets, controls)) {
    const [type, ...rest] = elementsOf(octets, control);
    const value = rest.at(-1);
    if (type === undefined || value === undefined) continue;
    if (octets.toString('utf8', type.start, type.end) !== PAGED_RESULTS) continue;
    const content = elementAt(octets, value.start);
    const [size, cookie] = content === null ? [] : elementsOf(octets, content);
    if (size === undefined || cookie === undefined) continue;
    return {
      size: octets.readUIntBE(size.start, size.end - size.start),
      cookie: octets.toString('utf8', cookie.start, cookie.end),
    };
  }
  return null;
}

function result(id: number, tag: number, code: number): Buffer {
  const writer = new BackwardWriter();
  writeResult(writer, id, tag, code, null);
  return writer.take();
}

function writeResult(writer: BackwardWriter, id: number, tag: number, code: number, cookie: string | null): void {
  const end = writer.length;
  if (cookie !== null) {
    writer.octets(OCTETS, cookie);
    writer.integer(INTEGER, 0);
    writer.wrap(SEQUENCE, end);
    writer.wrap(OCTETS, end);
    writer.octets(OCTETS, PAGED_RESULTS);
    writer.wrap(SEQUENCE, end);
    writer.wrap(TAG.controls, end);
  }
  const operation = writer.length;
  writer.octets(OCTETS, '');
  writer.octets(OCTETS, '');
  writer.integer(ENUMERATED, code);
  writer.wrap(tag, operation);
  writer.integer(INTEGER, id);
  writer.wrap(SEQUENCE, end);
}

/** The page's entries and its end; the cookie makes a paged results control of it. */
function entriesAndResult(entries: readonly StreamedEntry[], search: Search, cookie: string | null): Buffer {
  const writer = new BackwardWriter();
  writeResult(writer, search.id, 0x65, SUCCESS, search.page === null ? null : cookie);
  for (const entry of entries.toReversed()) writeEntry(writer, entry, search);
  return writer.take();
}

function writeEntry(writer: BackwardWriter, entry: StreamedEntry, { id, attributes }: Search): void {
  const end = writer.length;
  for (const [name, values] of Object.entries(entry.attributes)) {
    if (!attributes.has(name.toLowerCase()) || values.length === 0) continue;
    const start = writer.length;
    for (const value of values) writer.octets(OCTETS, value);
    writer.wrap(SET, start);
    writer.octets(OCTETS, name);
    writer.wrap(SEQUENCE, start);
  }
  writer.wrap(SEQUENCE, end);
  writer.octets(OCTETS, entry.distinguishedName);
  writer.wrap(0x64, end);
  writer.integer(INTEGER, id);
  writer.wrap(SEQUENCE, end);
}
