import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PowerShell, quote } from './powerShell.ts';

/** Reads each line of a file (a text in UTF-8, base64), and gives what the writer makes of it, or "!" if refused. */
const READ_AND_WRITE = `
  $bridge = [DeviceWriteback.Check].Assembly
  $reader = [Activator]::CreateInstance($bridge.GetType('DeviceWriteback.Bridge.JsonReader'))
  $read = $reader.GetType().GetMethod('Read')
  $write = $bridge.GetType('DeviceWriteback.Bridge.JsonWriter').GetMethod('WriteLine')
  foreach ($line in [IO.File]::ReadAllLines($path)) {
    # Inside a larger buffer, as a line is: what stands around it must not be read.
    $bytes = [byte[]](@(0x5b) + [Convert]::FromBase64String($line) + @(0x5d))
    try { $value = $read.Invoke($reader, [object[]]@($bytes, 1, ($bytes.Length - 2))) }
    catch {
      if ($_.Exception.InnerException -isnot [FormatException]) { throw }
      '!'
      continue
    }
    $stream = [IO.MemoryStream]::new()
    $null = $write.Invoke($null, [object[]]@($stream, $value))
    [Text.Encoding]::ASCII.GetString($stream.ToArray())
  }`;

describe('the JSON reader and writer of the bridge', function () {
  this.timeout(60_000);
  let powerShell: PowerShell;
  let folder: string;

  before(() => {
    powerShell = new PowerShell();
    folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-'));
  });

  after(async () => {
    await powerShell.close();
    rmSync(folder, { recursive: true });
  });

  /** For each text the JSON that comes back, null where the reader refused it. One reader reads them all. */
  async function readAndWrite(texts: readonly (string | Uint8Array)[]): Promise<readonly (string | null)[]> {
    const file = path.join(folder, 'texts');
    writeFileSync(file, texts.map((text) => Buffer.from(text).toString('base64')).join('\n'));
    const { output, errors, terminating } = await powerShell.run(`$path = ${quote(file)}\n${READ_AND_WRITE}`);
    expect([terminating, errors]).to.deep.equal([null, []]);
    expect(output).to.have.length(texts.length);
    return (output as string[]).map((line) => (line === '!' ? null : line));
  }

  it('keep what other readers lose', async () => {
    const texts = [
      '{"":1,"__type":"x","a b":[],"\\u0000":{}}',
      '"\\ud800 \\udfff \\ud83d\\ude00 \\u0000\\u001f\\u007f \u2028\u00e4"',
      '9223372036854775807',
      '-9223372036854775808',
      '[1.5,-0.25,1e3,1E-3,123456789012345678901234567890]',
      '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
      ' \t\r\n[ null , true , false ] \n',
      '{"a":1,"a":2}',
    ];
    const written = await readAndWrite(texts);
    expect(written.map((line) => JSON.parse(line ?? 'null') as unknown)).to.deep.equal(
      texts.map((text) => JSON.parse(text) as unknown),
    );
    expect(written[2]).to.equal('9223372036854775807\n');
    expect(written[3]).to.equal('-9223372036854775808\n');
    expect(
      written.every((line) => /^[\x20-\x7e]+\n$/.test(line ?? '')),
      'ASCII only, one line',
    ).to.equal(true);
  });

  it('refuse what is no JSON text', async () => {
    const texts = [
      '',
      ' ',
      '{',
      '{"a":1',
      '{"a":1,}',
      '{a:1}',
      "{'a':1}",
      '[1,]',
      '[1 2]',
      '[,1]',
      '01',
      '-',
      '+1',
      '.5',
      '1.',
      '1e',
      '1e+',
      '0x1',
      'NaN',
      'Infinity',
      'nul',
      'True',
      '"',
      '"\\',
      '"\\x"',
      '"\\u12"',
      '"\\u12g4"',
      '"\n"',
      '"\t"',
      '1 2',
      '{}{}',
      '[}',
      '\ufeff1',
      '1\u00a0',
      '1e999',
      '//',
    ];
    expect(await readAndWrite(texts)).to.deep.equal(texts.map(() => null));
  });

  it('refuse bytes that are not UTF-8', async () => {
    const quoted = (...bytes: number[]): Uint8Array => Uint8Array.of(0x22, ...bytes, 0x22);
    const texts = [
      quoted(0xff),
      quoted(0xc3),
      quoted(0xc0, 0x80),
      quoted(0xed, 0xa0, 0x80),
      quoted(0x5c, 0x6e, 0xe2, 0x82),
      Uint8Array.of(0xff),
    ];
    expect(await readAndWrite(texts)).to.deep.equal(texts.map(() => null));
  });

  it('take no text for another that is short and was read before', async () => {
    // More texts than the reader keeps, each twice; the bytes of the second of a pair are the characters of the first.
    const names = Array.from({ length: 3000 }, (_, number) => `name${number}`);
    const pairs = ['\u00c3\u00a4', '\u00e4', '\u00e2\u0082\u00ac', '\u20ac'];
    const texts = [...names, ...pairs, ...names, ...pairs];
    const written = await readAndWrite([JSON.stringify(texts)]);
    expect(JSON.parse(written[0] ?? 'null')).to.deep.equal(texts);
  });

  it('read 64 levels and refuse more', async () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    const deep = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
    const [fits, tooDeep, objectFits, objectTooDeep, far] = await readAndWrite([
      nested(64),
      nested(65),
      deep(64),
      deep(65),
      nested(100_000),
    ]);
    expect([fits?.trim(), objectFits?.trim()]).to.deep.equal([nested(64), deep(64)]);
    expect([tooDeep, objectTooDeep, far]).to.deep.equal([null, null, null]);
  });

  it('agree with JSON.parse on random texts and on damaged ones', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const random = randomFrom(seed);
    const texts = Array.from({ length: 4000 }, (_, number) => {
      const text = randomText(random, 0);
      // Half of a pair has no bytes in UTF-8; as an escape it is there all the same.
      return (number % 2 === 0 ? text : damage(random, text)).toWellFormed();
    });
    const written = await readAndWrite(texts);
    for (const [index, text] of texts.entries()) {
      const line = written[index] ?? null;
      const label = `seed ${seed}, text ${JSON.stringify(text)}`;
      expect(line === null ? 'refused' : plain(JSON.parse(line)), label).to.deep.equal(parsed(text));
    }
    expect(written.filter((line) => line === null)).to.have.length.within(500, 2000);
  });
});

/** What JSON.parse makes of it; a number beyond the range of double is refused, where JSON.parse gives infinity. */
function parsed(text: string): unknown {
  try {
    return plain(
      JSON.parse(text, (_, value: unknown) => {
        if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError();
        return value;
      }),
    );
  } catch {
    return 'refused';
  }
}

/** Without the sign of zero, which whole numbers of .NET do not have. */
function plain(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

type Random = (below: number) => number;

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const pick = <T>(random: Random, values: readonly [T, ...T[]]): T => values[random(values.length)] ?? values[0];

function randomText(random: Random, depth: number): string {
  const space = pick(random, ['', '', ' ', '\n\t']);
  const list = (one: () => string): string => Array.from({ length: random(4) }, one).join(`${space},`);
  switch (random(depth > 5 ? 4 : 6)) {
    case 0:
      return pick(random, ['true', 'false', 'null']);
    case 1:
      return randomNumber(random);
    case 2:
    case 3:
      return randomString(random);
    case 4:
      return `[${space}${list(() => randomText(random, depth + 1))}]${space}`;
    default:
      return `{${list(() => `${space}${randomString(random)}${space}:${randomText(random, depth + 1)}`)}}`;
  }
}

function randomNumber(random: Random): string {
  const digits =
    String(random(1_000_000_000)) +
    pick(random, ['', String(random(1_000_000_000)).padStart(9, '0'), '000000000123456789012']);
  const whole = (random(2) === 0 ? '-' : '') + digits.replace(/^0+(?=\d)/, '');
  return whole + pick(random, ['', '', `.${random(100_000)}`, `e${random(20) - 10}`, `.5E+${random(20)}`]);
}

function randomString(random: Random): string {
  const characters = Array.from({ length: random(12) }, () => {
    const code = pick(random, [random(128), random(0x800), 0xd800 + random(0x800), random(0x10000)]);
    const character = String.fromCharCode(code);
    return random(3) === 0 ? `\\u${code.toString(16).padStart(4, '0')}` : JSON.stringify(character).slice(1, -1);
  });
  return `"${characters.join('')}"`;
}

/** One character removed, doubled or replaced. */
function damage(random: Random, text: string): string {
  const at = random(text.length);
  const character = pick(random, [
    '',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '0',
    '-',
    'e',
    '.',
    ' ',
    '\u0000',
    't',
    text.charAt(at).repeat(2),
  ]);
  return text.slice(0, at) + character + text.slice(at + 1);
}
