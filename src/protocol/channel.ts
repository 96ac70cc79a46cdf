import type { Readable, Writable } from 'node:stream';

/** A duplex of lines: one JSON value each, UTF-8 in, ASCII out. Knows nothing of what the lines mean. */
export interface Channel {
  /** Resolves when the line has left the process, or can no longer; lines leave in the order of the calls. */
  send(message: object): Promise<void>;
  /** The same of a message that is ASCII JSON already, shorter than LONGEST_SENT. */
  sendText(text: string): Promise<void>;
  /** Each message, as parsed, and a MalformedLine for each that cannot be; ends when the input does. */
  messages(): AsyncIterable<unknown>;
}

/** A line that holds no message. Why is said without its text, which may hold a secret. */
export class MalformedLine {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** The longest line that is read, in bytes; what is longer is passed over. */
export const LONGEST_LINE = 16 * 1024 * 1024;

/** A line that is sent is shorter, in characters: a host may read lines into a buffer of fixed size. */
export const LONGEST_SENT = 1_000_000;

const BYTE_ORDER_MARK = /^\uFEFF/;

export function createChannel(input: Readable, output: Writable): Channel {
  // A host that is gone hears nothing more, which must not keep a run from being finished.
  output.on('error', () => undefined);
  let sent: Promise<void> = Promise.resolve();
  const sendText = (text: string): Promise<void> => {
    sent = sent.then(() => write(output, `${text}\n`));
    return sent;
  };
  return {
    send: (message) => sendText(fittingJson(message, LONGEST_SENT - 1)),
    sendText,
    messages: () => readMessages(input),
  };
}

/** JSON in ASCII, so that no code page between the two processes matters. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** ASCII JSON of at most so many characters; the texts and lists of texts of a value that has more are cut until it fits. */
export function fittingJson(value: unknown, longest: number): string {
  let text = asciiJson(value);
  for (let most = 1024; text.length > longest && most >= 1; most /= 4) text = asciiJson(cut(value, most));
  return text;
}

const CUT = '\u2026';
const CHARACTERS_FOR_EACH_TEXT_OF_A_LIST = 64;

function cut(value: unknown, most: number): unknown {
  if (typeof value === 'string') {
    const longest = most * CHARACTERS_FOR_EACH_TEXT_OF_A_LIST;
    return value.length > longest ? `${value.slice(0, longest)}${CUT}` : value;
  }
  if (Array.isArray(value)) {
    const tooMany = value.length > most && typeof value[0] === 'string';
    const kept = (tooMany ? value.slice(0, most) : value).map((one) => cut(one, most));
    return tooMany ? [...kept, CUT] : kept;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cut(one, most)]));
}

/** A pipe may take less than it is given: without waiting, output piles up, fails (ENOBUFS) or is lost at the exit. */
function write(output: Writable, line: string): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) resolve();
    else output.write(line, () => resolve());
  });
}

async function* readMessages(input: Readable): AsyncGenerator {
  let first = true;
  for await (const line of readLines(input)) {
    if (line === null) yield new MalformedLine(`The line is longer than ${LONGEST_LINE} bytes.`);
    else {
      const text = first ? line.replace(BYTE_ORDER_MARK, '') : line;
      if (text.trim() !== '') yield parse(text);
    }
    first = false;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return new MalformedLine('The line is not JSON.');
  }
}

/** Each line without its end, null for one that is too long; what follows the last line end is no line. */
async function* readLines(input: Readable): AsyncGenerator<string | null> {
  let pieces: Buffer[] = [];
  let length = 0;
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length <= LONGEST_LINE) pieces.push(piece);
    else pieces = [];
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      take(chunk.subarray(start, end));
      yield length > LONGEST_LINE ? null : Buffer.concat(pieces).toString('utf8');
      pieces = [];
      length = 0;
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
}
