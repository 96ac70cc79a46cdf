import { expect } from 'chai';
import { quotedText } from '../../src/device/visibleText.ts';

describe('quotedText', () => {
  it('quotes a name of any script as it is', () => {
    expect(quotedText('Prüfstand-日本-😀')).to.equal('"Prüfstand-日本-😀"');
  });

  const dangerous = [
    ['a line feed', 'a\nb', '"a\\nb"'],
    ['a quote', 'a"b', '"a\\"b"'],
    ['a backslash', 'a\\b', '"a\\\\b"'],
    ['an escape sequence', '\u001b[2J', '"\\u001b[2J"'],
    ['a C1 control', '\u009b2J', '"\\u009b2J"'],
    ['DEL', '\u007f', '"\\u007f"'],
    ['a line separator', '\u2028', '"\\u2028"'],
    ['a right-to-left override', '\u202e', '"\\u202e"'],
    ['half a surrogate pair', '\ud83d', '"\\ud83d"'],
  ] as const;
  for (const [what, text, expected] of dangerous) {
    it(`escapes ${what}`, () => {
      expect(quotedText(text)).to.equal(expected);
    });
  }
});
