import { expect } from 'chai';
import { guidOf, isObject, parseObject, textOf } from '../../src/graph/json.ts';

describe('graph/json', () => {
  it('reads an object and nothing else', () => {
    expect(parseObject('{"a":1}')).to.deep.equal({ a: 1 });
    for (const text of ['', '[1]', 'null', '"a"', '1', '{"a":1', '<html></html>'])
      expect(parseObject(text)).to.equal(null);
  });

  it('tells an object from an array and from null', () => {
    expect(isObject({})).to.equal(true);
    for (const value of [[], null, undefined, 'a', 1]) expect(isObject(value)).to.equal(false);
  });

  it('takes the text of a GUID in lower case', () => {
    expect(guidOf('0EDA3F45-7DFD-4EE9-9212-896271787BF5')).to.equal('0eda3f45-7dfd-4ee9-9212-896271787bf5');
    for (const value of ['x', '', 5, null, undefined, {}]) expect(guidOf(value)).to.equal(null);
  });

  it('takes text as text', () => {
    expect(textOf('a')).to.equal('a');
    for (const value of [1, null, undefined, {}, true]) expect(textOf(value)).to.equal(null);
  });
});
