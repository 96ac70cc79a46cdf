import { expect } from 'chai';
import {
  oneBoolean,
  oneInteger,
  oneOctets,
  oneText,
  oneTime,
  requiredGuid,
  requiredText,
  texts,
  toEntry,
  type Entry,
} from '../../src/directory/entry.ts';
import { answered } from './sample.ts';

const NAME = 'CN=a,DC=test';

const entryOf = (attributes: Readonly<Record<string, readonly (string | Buffer)[]>>): Entry =>
  toEntry(answered(NAME, attributes));

describe('entry', () => {
  it('gives each value as the octets that the server sent, whatever they look like', () => {
    const entry = entryOf({ none: [], one: ['a'], two: ['a', Buffer.from('ff00', 'hex')], empty: [''] });
    expect(entry.distinguishedName).to.equal(NAME);
    expect(oneOctets(entry, 'none')).to.equal(null);
    expect(oneOctets(entry, 'one')?.toString()).to.equal('a');
    expect(oneOctets(entry, 'empty')?.length).to.equal(0);
    expect(() => oneOctets(entry, 'two'))
      .to.throw('more than one value')
      .with.property('code', 'DirectoryAnswerInvalid');
  });

  it('finds an attribute in any spelling of its name', () => {
    expect(oneText(entryOf({ DISPLAYNAME: ['a'] }), 'displayName')).to.equal('a');
  });

  it('keeps a byte order mark at the beginning of a text', () => {
    expect(texts(entryOf({ name: ['\uFEFFa', '😀'] }), 'name')).to.deep.equal(['\uFEFFa', '😀']);
  });

  it('refuses octets that are no text, naming object and attribute', () => {
    const entry = entryOf({ displayName: [Buffer.from('c328', 'hex')] });
    expect(() => oneText(entry, 'displayName'))
      .to.throw(/displayName of CN=a,DC=test.*no UTF-8/)
      .with.property('target', NAME);
  });

  it('refuses octets that are no entry, cut off anywhere or with another length', () => {
    const octets = answered(NAME, { one: ['a'], two: ['b', 'c'] });
    for (let end = 0; end < octets.length; end += 1) {
      expect(() => toEntry(octets.subarray(0, end)))
        .to.throw('no LDAP message')
        .with.property('code', 'DirectoryAnswerInvalid');
    }
    for (const length of [0x7f, 0x80, 0x85, 0xff]) {
      const changed = Buffer.from(octets);
      changed[octets.indexOf('one') - 1] = length;
      expect(() => toEntry(changed))
        .to.throw()
        .with.property('code', 'DirectoryAnswerInvalid');
    }
  });

  it('takes the last part of a long attribute and refuses one that has more parts', () => {
    expect(texts(entryOf({ 'member;range=0-*': ['a', 'b'] }), 'member')).to.deep.equal(['a', 'b']);
    expect(() => entryOf({ 'member;range=0-1499': ['a'] })).to.throw('only a part of its values');
  });

  it('reads integers, booleans, times and GUIDs strictly', () => {
    const entry = entryOf({
      integer: ['-2147483648'],
      boolean: ['FALSE'],
      time: ['20261122142312.0Z'],
      guid: [Buffer.from('fac6539d8eb309458fb151dedb421aac', 'hex')],
    });
    expect(oneInteger(entry, 'integer')).to.equal(-2147483648);
    expect(oneBoolean(entry, 'boolean')).to.equal(false);
    expect(oneTime(entry, 'time')?.toISOString()).to.equal('2026-11-22T14:23:12.000Z');
    expect(requiredGuid(entry, 'guid')).to.equal('9d53c6fa-b38e-4509-8fb1-51dedb421aac');
    expect([oneInteger(entry, 'x'), oneBoolean(entry, 'x'), oneTime(entry, 'x')]).to.deep.equal([null, null, null]);
  });

  for (const [read, attribute, values] of [
    [oneInteger, 'integer', ['01', '1.5', 'two', '4294967296', '']],
    [oneBoolean, 'boolean', ['true', '1', '']],
    [oneTime, 'time', ['20261322142312.0Z', '20261122142312', '2026-11-22']],
    [requiredGuid, 'guid', ['9d53c6fa', '']],
    [requiredText, 'absent', []],
  ] as const) {
    it(`refuses what is no ${attribute} value`, () => {
      for (const value of values.length === 0 ? [null] : values) {
        const entry = entryOf(value === null ? {} : { [attribute]: [value] });
        expect(() => read(entry, attribute), String(value)).to.throw(`Reading ${attribute} of ${NAME}`);
      }
    });
  }
});
