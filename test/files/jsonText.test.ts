import { expect } from 'chai';
import { JsonFault, parseJson, positionOf, type JsonNode } from '../../src/files/jsonText.ts';

function plain(node: JsonNode): unknown {
  if (node.kind === 'object') {
    return Object.fromEntries(node.members.map((member) => [member.name, plain(member.value)]));
  }
  if (node.kind === 'array') return node.elements.map(plain);
  return node.kind === 'null' ? null : node.value;
}

function attempt(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch (thrown) {
    if (thrown instanceof JsonFault || thrown instanceof SyntaxError) return 'refused';
    throw thrown;
  }
}

const SAMPLES = [
  '{}',
  ' [ ] ',
  '{"a": [1, -2.5e+3, 0, 0.1E-2, true, false, null], "b": {"c": "\\u00e9\\n\\\\\\/\\"", "": ""}}',
  '"\u007f\u0085 é 💻"',
  '[[[[[1]]]], {"a": {"b": [{}]}}]',
  '-0',
  '1e400',
];

const fault = (text: string): [number, string] => {
  try {
    parseJson(text);
  } catch (thrown) {
    if (thrown instanceof JsonFault) return [thrown.at, thrown.message];
    throw thrown;
  }
  throw new Error('not refused');
};

describe('jsonText', () => {
  it('reads what JSON.parse reads, and refuses what it refuses, also after every small damage', () => {
    const signs = [
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
      '.',
      'e',
      't',
      ' ',
      '\n',
      '\t',
      '\u0001',
      'ü',
    ];
    let compared = 0;
    for (const sample of SAMPLES) {
      for (let at = 0; at <= sample.length; at++) {
        for (const sign of signs) {
          for (const text of [
            sample.slice(0, at) + sign + sample.slice(at),
            sample.slice(0, at) + sign + sample.slice(at + 1),
          ]) {
            const ours = attempt(() => plain(parseJson(text)));
            expect(ours, JSON.stringify(text)).to.deep.equal(attempt(() => JSON.parse(text) as unknown));
            compared++;
          }
        }
      }
    }
    expect(compared).to.be.greaterThan(5000);
  });

  it('keeps members in order with their repetitions and offsets', () => {
    const node = parseJson('{"b": 1, "a": 2, "b": 3}');
    if (node.kind !== 'object') throw new Error('not an object');
    expect(node.members.map(({ name, at }) => [name, at])).to.deep.equal([
      ['b', 1],
      ['a', 9],
      ['b', 17],
    ]);
  });

  it('names the offset of the first fault and what was expected there', () => {
    expect(fault('{"a" 1}')).to.deep.equal([5, 'expected a colon after the name']);
    expect(fault('{"a": 1 "b": 2}')).to.deep.equal([8, 'expected a comma or }']);
    expect(fault('{"a": 1,}')).to.deep.equal([8, 'expected a name in double quotes']);
    expect(fault('[1, x]')).to.deep.equal([4, 'expected a value']);
    expect(fault('{} {}')).to.deep.equal([3, 'expected nothing more']);
    expect(fault('"abc')).to.deep.equal([4, 'a text is not closed with a double quote on its line']);
    expect(fault('"C:\\certs"')[0]).to.equal(3);
    expect(fault('"C:\\certs"')[1]).to.include('backslash');
    expect(fault('')).to.deep.equal([0, 'expected a value']);
  });

  it('refuses a text nested too deep instead of exhausting the stack', () => {
    expect(() => parseJson('['.repeat(100_000))).to.throw(JsonFault, 'inside each other');
  });

  it('counts lines by any line ending and columns from 1', () => {
    expect(positionOf('a\nb\r\nc\rdef', 9)).to.deep.equal({ line: 4, column: 3 });
    expect(positionOf('', 0)).to.deep.equal({ line: 1, column: 1 });
  });
});
