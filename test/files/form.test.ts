import { expect } from 'chai';
import { count, FormFault, guid, listOf, object, oneOf, orNull, partial, text, time } from '../../src/files/form.ts';

const point = object<{ x: number; name: string | null }>({ x: count, name: orNull(text) });

describe('form', () => {
  it('gives the value that it has checked', () => {
    expect(listOf(point)([{ x: 1, name: null }], 'list')).to.deep.equal([{ x: 1, name: null }]);
    expect(partial(['a', 'b'], count)({ b: 0 }, '')).to.deep.equal({ b: 0 });
    expect(oneOf([1, 2])(2, '')).to.equal(2);
  });

  it('says where and what was expected', () => {
    const faults: readonly (readonly [() => unknown, string])[] = [
      [() => point([], ''), 'the file must be an object'],
      [() => listOf(point)([{ x: -1, name: '' }], 'list'), 'list[0].x must be a whole number, 0 or more'],
      [() => point({ x: 1 }, 'a'), 'a.name is missing'],
      [() => point({ x: 1, name: 2 }, 'a'), 'a.name must be a text'],
      [() => point({ x: 1, name: null, y: 1 }, 'a'), 'a."y" is not known'],
      [() => partial(['a'], count)({ c: 1 }, 'p'), 'p.c is not known'],
      [() => oneOf(['a', 'b'])('c', 'w'), 'w must be one of a, b'],
      [() => oneOf([1])(2, 'w'), 'w must be 1'],
      [() => guid('{0}', 'g'), 'g must be a GUID in lower case'],
      [() => time('2026-02-31', 't'), 't must be a time such as 2026-11-22T14:23:12Z'],
    ];
    for (const [work, message] of faults) expect(work).to.throw(FormFault, message);
  });

  it('takes no member of the prototype for one of the object', () => {
    expect(() => object<{ toString: string }>({ toString: text })({}, '')).to.throw('toString is missing');
    expect(() => point(JSON.parse('{"x":1,"name":null,"__proto__":{}}'), '')).to.throw('"__proto__" is not known');
  });
});
