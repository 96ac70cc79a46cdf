/** A JSON value with the offset at which it begins, so that a complaint about it can name line and column. */
export type JsonNode =
  | { readonly kind: 'object'; readonly at: number; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array'; readonly at: number; readonly elements: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'boolean'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'null'; readonly at: number };

/** Members keep their order and their repetitions. */
export interface JsonMember {
  readonly name: string;
  /** Offset of the name. */
  readonly at: number;
  readonly value: JsonNode;
}

/** Says what was expected and where, and never quotes the text: a secret may stand in it. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
const STRING_BEGINNING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** Values inside values; bounded so that no text can exhaust the stack. */
const DEEPEST = 64;

/** Parses a JSON text (RFC 8259). Throws JsonFault at the first offset that no JSON text could have. */
export function parseJson(text: string): JsonNode {
  let at = 0;

  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? null;
    at += found?.length ?? 0;
    return found;
  };
  const takeSign = (sign: string): boolean => {
    take(SPACE);
    if (text[at] !== sign) return false;
    at++;
    return true;
  };
  const takeString = (): string => {
    const token = take(STRING);
    if (token !== null) return JSON.parse(token) as string;
    take(STRING_BEGINNING);
    throw new JsonFault(
      at,
      text[at] === '\\'
        ? 'a backslash inside a text must be written twice, as in "C:\\\\folder\\\\file"'
        : 'a text is not closed with a double quote on its line',
    );
  };
  const takeMember = (depth: number): JsonMember => {
    take(SPACE);
    const start = at;
    if (text[at] !== '"') throw new JsonFault(at, 'expected a name in double quotes');
    const name = takeString();
    if (!takeSign(':')) throw new JsonFault(at, 'expected a colon after the name');
    return { name, at: start, value: takeValue(depth) };
  };
  const takeList = <T>(end: string, takeOne: () => T): T[] => {
    const list: T[] = [];
    at++;
    if (takeSign(end)) return list;
    do list.push(takeOne());
    while (takeSign(','));
    if (!takeSign(end)) throw new JsonFault(at, `expected a comma or ${end}`);
    return list;
  };
  const takeValue = (depth: number): JsonNode => {
    take(SPACE);
    const start = at;
    if (depth > DEEPEST) throw new JsonFault(at, `more than ${DEEPEST} values inside each other`);
    const first = text[at];
    if (first === '{') return { kind: 'object', at: start, members: takeList('}', () => takeMember(depth + 1)) };
    if (first === '[') return { kind: 'array', at: start, elements: takeList(']', () => takeValue(depth + 1)) };
    if (first === '"') return { kind: 'string', at: start, value: takeString() };
    const number = take(NUMBER);
    if (number !== null) return { kind: 'number', at: start, value: Number(number) };
    const word = take(WORD);
    if (word === 'null') return { kind: 'null', at: start };
    if (word !== null) return { kind: 'boolean', at: start, value: word === 'true' };
    throw new JsonFault(at, 'expected a value');
  };

  const node = takeValue(0);
  take(SPACE);
  if (at < text.length) throw new JsonFault(at, 'expected nothing more');
  return node;
}

/** Line and column of an offset, both counted from 1; columns in UTF-16 code units, as editors count. */
export function positionOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, at).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
