import type { Readable, Writable } from 'node:stream';

/** A duplex of lines: one JSON object each, UTF-8 in, ASCII out. Knows nothing of what the lines mean. */
export interface Channel {
  /** Resolves when the stream takes more; lines leave in the order of the calls. */
  send(message: object): Promise<void>;
  /** Each message, as parsed; ends when the input does. */
  messages(): AsyncIterable<unknown>;
}

/** The longest line that is read; a longer one ends the channel. */
const LONGEST_LINE = 16 * 1024 * 1024;

const BYTE_ORDER_MARK = /^\uFEFF/;

export function createChannel(input: Readable, output: Writable): Channel {
  let sent: Promise<void> = Promise.resolve();
  return {
    send(message) {
      const line = `${asciiJson(message)}\n`;
      sent = sent.then(() => write(output, line));
      return sent;
    },
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

/** A pipe may take less than it is given: without waiting for drain, output is lost or fails (ENOBUFS). */
function write(output: Writable, line: string): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed || output.write(line)) resolve();
    else {
      const done = (): void => {
        output.off('drain', done);
        output.off('close', done);
        resolve();
      };
      output.once('drain', done);
      output.once('close', done);
    }
  });
}

async function* readMessages(input: Readable): AsyncGenerator {
  let first = true;
  for await (const line of readLines(input)) {
    const text = first ? line.replace(BYTE_ORDER_MARK, '') : line;
    first = false;
    if (text.trim() !== '') yield JSON.parse(text);
  }
}

async function* readLines(input: Readable): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      pieces.push(chunk.subarray(start, end));
      yield Buffer.concat(pieces).toString('utf8');
      pieces = [];
      length = 0;
      start = end + 1;
    }
    pieces.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > LONGEST_LINE) throw new RangeError(`A line of the bridge is longer than ${LONGEST_LINE} bytes.`);
  }
}
