import { expect } from 'chai';
import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  asciiJson,
  createChannel,
  fittingJson,
  LONGEST_LINE,
  LONGEST_SENT,
  MalformedLine,
} from '../../src/protocol/channel.ts';

async function received(...chunks: readonly (string | Buffer)[]): Promise<unknown[]> {
  const channel = createChannel(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), new PassThrough());
  const messages: unknown[] = [];
  for await (const message of channel.messages()) messages.push(message);
  return messages;
}

/** A pipe whose reader takes a line only when it is told to. */
class SlowPipe extends Writable {
  readonly taken: string[] = [];
  #pending: (() => void) | null = null;

  constructor() {
    super({ highWaterMark: 8, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.taken.push(chunk);
    this.#pending = done;
  }

  takeOne(): void {
    const done = this.#pending;
    this.#pending = null;
    done?.();
  }
}

describe('protocol/channel', () => {
  describe('messages', () => {
    it('gives each line as the JSON value that it holds', async () => {
      expect(await received('{"a":1}\n[2]\n"drei"\n')).to.deep.equal([{ a: 1 }, [2], 'drei']);
    });

    it('passes over a byte order mark at the beginning, but not later', async () => {
      const [first, second] = await received('\uFEFF{"a":1}\n\uFEFF{"a":2}\n');
      expect(first).to.deep.equal({ a: 1 });
      expect(second).to.be.instanceOf(MalformedLine);
    });

    it('takes lines that end in CR LF and passes over empty ones', async () => {
      expect(await received('{"a":1}\r\n\r\n\n  \n{"a":2}\r\n')).to.deep.equal([{ a: 1 }, { a: 2 }]);
    });

    it('puts a line together that arrives byte by byte, in the middle of characters too', async () => {
      const bytes = Buffer.from('\uFEFF{"name":"Zoë 📱 会議"}\r\n{"b":2}\n');
      const chunks = Array.from(bytes, (byte) => Buffer.from([byte]));
      expect(await received(...chunks)).to.deep.equal([{ name: 'Zoë 📱 会議' }, { b: 2 }]);
    });

    it('takes many lines that arrive at once', async () => {
      const texts = Array.from({ length: 5000 }, (_, index) => `{"n":${index}}\n`);
      expect(await received(texts.join(''))).to.have.length(5000);
    });

    it('does not take a line for whole whose end has not come', async () => {
      expect(await received('{"a":1}\n{"a":2}')).to.deep.equal([{ a: 1 }]);
    });

    it('tells a malformed line without its text and goes on', async () => {
      const [bad, good] = await received('{"password":"Pa55-w0rd"\n{"a":2}\n');
      expect(bad).to.be.instanceOf(MalformedLine);
      expect(JSON.stringify(bad)).to.contain('not JSON').and.not.contain('Pa55');
      expect(good).to.deep.equal({ a: 2 });
    });

    it('takes a line of megabytes', async () => {
      const text = 'x'.repeat(LONGEST_LINE - 10);
      expect(await received(`"${text}"\n`)).to.deep.equal([text]);
    });

    it('passes over a line that is too long, without keeping it, and goes on', async () => {
      const piece = Buffer.alloc(1024 * 1024, 0x78);
      const pieces = Array.from({ length: LONGEST_LINE / piece.length + 1 }, () => piece);
      const [bad, good, ...others] = await received(...pieces, '\n{"a":2}\n');
      expect(bad).to.be.instanceOf(MalformedLine);
      expect((bad as MalformedLine).why).to.contain(String(LONGEST_LINE));
      expect(good).to.deep.equal({ a: 2 });
      expect(others).to.deep.equal([]);
    });
  });

  describe('asciiJson', () => {
    it('writes every character outside ASCII as an escape that reads back the same', () => {
      const text = 'Zoë 📱 会議\u2028\u007f\u0000"\\';
      expect(asciiJson({ text })).to.match(/^[ -~]*$/);
      expect(JSON.parse(asciiJson({ text }))).to.deep.equal({ text });
    });

    it('writes lone surrogates as escapes, so that no byte of the line is undefined', () => {
      const text = '\ud83d lone \udcf1';
      expect(asciiJson(text)).to.equal(String.raw`"\ud83d lone \udcf1"`);
      expect(JSON.parse(asciiJson(text))).to.equal(text);
    });
  });

  describe('fittingJson', () => {
    it('leaves what fits as it is', () => {
      expect(fittingJson({ a: ['b'] }, 1000)).to.equal('{"a":["b"]}');
    });

    it('cuts texts and lists of texts until the whole fits', () => {
      const many = { name: 'PC', values: Array.from({ length: 2000 }, () => 'é'.repeat(1024)) };
      const text = fittingJson(many, 100_000);
      expect(text.length).to.be.at.most(100_000);
      const read = JSON.parse(text) as typeof many;
      expect(read.name).to.equal('PC');
      expect(read.values.at(-1)).to.equal('…');
      expect(many.values[0]?.startsWith(read.values[0]?.slice(0, -1) ?? 'nothing')).to.equal(true);
    });

    it('cuts one long text', () => {
      const text = fittingJson({ message: '会'.repeat(1_000_000) }, 100_000);
      expect(text.length).to.be.within(10_000, 100_000);
      expect((JSON.parse(text) as { message: string }).message).to.match(/^会+…$/);
    });
  });

  describe('send', () => {
    it('writes one line for each message, in the order of the calls', async () => {
      const output = new PassThrough();
      const channel = createChannel(Readable.from([]), output);
      await Promise.all([channel.send({ a: 1 }), channel.sendText('{"b":"é"}'), channel.send({ c: '会' })]);
      expect(String(output.read())).to.equal('{"a":1}\n{"b":"é"}\n{"c":"\\u4f1a"}\n');
    });

    it('waits until a slow reader has taken a line before it writes the next', async () => {
      const pipe = new SlowPipe();
      const channel = createChannel(Readable.from([]), pipe);
      let sent = 0;
      const all = [1, 2, 3].map((number) => channel.send({ number }).then(() => (sent += 1)));
      await delay(10);
      expect([pipe.taken.length, sent]).to.deep.equal([1, 0]);
      pipe.takeOne();
      await delay(10);
      expect([pipe.taken.length, sent]).to.deep.equal([2, 1]);
      pipe.takeOne();
      await delay(10);
      pipe.takeOne();
      await Promise.all(all);
      expect(pipe.taken.join('')).to.equal('{"number":1}\n{"number":2}\n{"number":3}\n');
    });

    it('writes no line that is longer than a host reads', async () => {
      const output = new PassThrough();
      const channel = createChannel(Readable.from([]), output);
      output.resume();
      const written = once(output, 'data');
      await channel.send({ message: '会'.repeat(LONGEST_SENT) });
      const [line] = (await written) as [Buffer];
      expect(line.length).to.be.within(1000, LONGEST_SENT);
    });

    it('resolves when the reader is gone, so that nobody waits for it', async () => {
      const output = new PassThrough();
      const channel = createChannel(Readable.from([]), output);
      const closed = new Promise((resolve) => output.once('close', resolve));
      output.destroy(new Error('EPIPE'));
      await closed;
      await channel.send({ a: 1 });
    });
  });
});
