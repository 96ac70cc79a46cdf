import { expect } from 'chai';
import { html, NOTHING } from '../../src/files/html.ts';

describe('html', () => {
  it('escapes every text that is put in, in elements and attributes alike', () => {
    const evil = `<script>"x" & 'y'</script>`;
    const safe = '&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;&lt;/script&gt;';
    expect(html`<p title="${evil}">${evil}</p>`.html).to.equal(`<p title="${safe}">${safe}</p>`);
  });

  it('puts HTML in as it is, lists one a line, numbers as they are', () => {
    const items = ['a', '<b>'].map((text) => html`<i>${text}</i>`);
    expect(html`${items}${NOTHING}${5}`.html).to.equal('<i>a</i>\n<i>&lt;b&gt;</i>5');
  });

  it('shows characters that are not seen, half ones and those that turn text about', () => {
    expect(html`${'a\u202eb\0c\nd\ud800e\ufefff💻'}`.html).to.equal('a\\u202eb\\u0000c\\u000ad\\ud800e\\ufefff💻');
  });
});
