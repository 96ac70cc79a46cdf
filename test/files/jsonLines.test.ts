import { expect } from 'chai';
import { jsonLines } from '../../src/files/jsonLines.ts';

const textOf = (lists: Record<string, Iterable<unknown>>): string => [...jsonLines({ a: 1 }, lists)].join('');

describe('jsonLines', () => {
  it('is one JSON object with one element of a list a line', () => {
    const text = textOf({ one: [{ x: 'a\nb' }, null], none: [] });
    expect(JSON.parse(text)).to.deep.equal({ a: 1, one: [{ x: 'a\nb' }, null], none: [] });
    expect(text).to.equal('{\n  "a": 1,\n  "one": [\n    {"x":"a\\nb"},\n    null\n  ],\n  "none": []\n}\n');
  });

  it('asks for an element when its turn comes and gives pieces meanwhile', () => {
    let asked = 0;
    const long = (function* () {
      for (; asked < 1000; asked += 1) yield 'x'.repeat(10_000);
    })();
    const pieces = jsonLines({ a: 1 }, { long });
    expect(pieces.next().value).to.have.length.above(200_000);
    expect(asked).to.be.below(100);
  });
});
