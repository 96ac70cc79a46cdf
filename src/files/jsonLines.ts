/** UTF-16 code units that are gathered for one write. */
const WRITE_SIZE = 256 * 1024;

/**
 * One JSON object in pieces of some size: the head's members, then each list with one element a line, for people and
 * line-wise tools; a reader of JSON sees no difference. An element is asked for when its turn comes, so that memory does
 * not grow with the lists.
 * @param head an object with at least one member
 */
export function* jsonLines(head: object, lists: Readonly<Record<string, Iterable<unknown>>>): Generator<string> {
  let waiting: string[] = [];
  let length = 0;
  for (const part of parts(head, lists)) {
    waiting.push(part);
    length += part.length;
    if (length < WRITE_SIZE) continue;
    yield waiting.join('');
    waiting = [];
    length = 0;
  }
  yield waiting.join('');
}

function* parts(head: object, lists: Readonly<Record<string, Iterable<unknown>>>): Generator<string> {
  yield JSON.stringify(head, null, 2).replace(/\n\}$/, '');
  for (const [name, list] of Object.entries(lists)) {
    yield `,\n  "${name}": [`;
    let separator = '\n    ';
    for (const each of list) {
      yield `${separator}${JSON.stringify(each)}`;
      separator = ',\n    ';
    }
    yield separator.startsWith(',') ? '\n  ]' : ']';
  }
  yield '\n}\n';
}
