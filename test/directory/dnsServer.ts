/** A DNS server on loopback that knows service records only. Source: RFC 1035 4, RFC 2782. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';

export interface ServiceRecord {
  readonly priority?: number;
  readonly weight?: number;
  readonly port?: number;
  /** Host name; an empty one says that there is no such service. */
  readonly host: string;
}

export interface DnsServer {
  /** A resolver that asks this server only. */
  readonly resolver: Resolver;
  /** Names that were asked for, each question once. */
  readonly asked: string[];
  stop(): Promise<void>;
}

const SRV = 33;
const NO_SUCH_NAME = 3;
const POINTER_TO_QUESTION = 0xc00c;

/** @param records By name, lower case; null answers SERVFAIL, a name that is absent does not exist. */
export async function startDnsServer(
  records: Readonly<Record<string, readonly ServiceRecord[] | null>>,
): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, sender) => {
    const question = readQuestion(query);
    if (asked.at(-1) !== question.name) asked.push(question.name);
    socket.send(answer(query, question, records[question.name]), sender.port, sender.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    resolver,
    asked,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

interface Question {
  readonly name: string;
  readonly type: number;
  /** Where it ends in the message. */
  readonly end: number;
}

function readQuestion(query: Buffer): Question {
  const labels: string[] = [];
  let offset = 12;
  for (let length = query.readUInt8(offset); length !== 0; length = query.readUInt8(offset)) {
    labels.push(query.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(offset + 1), end: offset + 5 };
}

function answer(query: Buffer, question: Question, found: readonly ServiceRecord[] | null | undefined): Buffer {
  const records = question.type === SRV ? (found ?? []) : [];
  const code = found === null ? 2 : found === undefined ? NO_SUCH_NAME : 0;
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8580 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(12, question.end), ...records.map(resourceRecord)]);
}

function resourceRecord({ priority = 0, weight = 100, port = 389, host }: ServiceRecord): Buffer {
  const head = Buffer.alloc(18);
  const labels = host === '' ? [] : host.split('.');
  const target = Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
  head.writeUInt16BE(POINTER_TO_QUESTION, 0);
  head.writeUInt16BE(SRV, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(6 + target.length, 10);
  head.writeUInt16BE(priority, 12);
  head.writeUInt16BE(weight, 14);
  head.writeUInt16BE(port, 16);
  return Buffer.concat([head, target]);
}
