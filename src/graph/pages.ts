import type { WritebackError } from '../errors.ts';
import { invalidAnswer, isPageTokenRefusal, type GraphRequest } from './failure.ts';
import type { GraphClient } from './client.ts';
import { isObject, textOf, type JsonObject } from './json.ts';

export interface Page {
  /** Counts from 1. */
  readonly number: number;
  readonly values: readonly unknown[];
  /** The link that ends a round of a delta query; null on every other page. */
  readonly deltaLink: string | null;
}

/** Repetitions of a page's objects that are taken for an endless circle. */
const MOST_REPETITIONS = 100;

/**
 * Pages in a row without an object that are taken for a collection without end. A delta round passes over what was not
 * asked for in pages that are empty, so a great tenant may have thousands of them.
 */
const MOST_EMPTY_PAGES = 20_000;

/**
 * The pages of a collection to the last one, each link followed as Graph gave it. An empty page with a link is not the
 * end. Where Graph does not know the page token that it gave, as it happens with the link of an answer to a repeated
 * request, the page with that link is asked for once more, and its objects come again.
 * Throws GraphAnswerInvalid for a page without a collection, for a link that is no address or was given before, for a
 * page that names both a next page and the end of a delta round, for pages that go round in a circle, and for more than
 * `mostEmptyPages` empty pages in a row.
 * Sources: Microsoft Learn, "Paging Microsoft Graph data in your app", "Use delta query to track changes".
 */
export async function* pages(
  client: GraphClient,
  first: GraphRequest,
  signal: AbortSignal,
  mostEmptyPages = MOST_EMPTY_PAGES,
): AsyncGenerator<Page> {
  const invalid = (what: string): Error => invalidAnswer(first.purpose, client.host, what);
  const followed = new Set<string>();
  const circle = createCircleCheck();
  let request = first;
  let previous: GraphRequest | null = null;
  let refused: WritebackError | null = null;
  let empty = 0;
  let answer = client.get(request, signal);
  for (let number = 1; ; number += 1) {
    let content: JsonObject;
    try {
      content = await answer;
    } catch (error) {
      if (previous === null || refused !== null || !isPageTokenRefusal(error)) throw error;
      refused = error;
      request = previous;
      answer = client.get(request, signal);
      previous = null;
      number -= 2;
      continue;
    }
    if (previous !== null) refused = null;
    const values: unknown = content.value;
    if (!Array.isArray(values)) throw invalid(`page ${number} holds no collection "value"`);
    const link = content['@odata.nextLink'] ?? null;
    const end = content['@odata.deltaLink'] ?? null;
    const deltaLink = textOf(end);
    if (end !== null && (link !== null || deltaLink === null || !URL.canParse(deltaLink))) {
      throw invalid(`page ${number} names an end of changes that is none`);
    }
    if (circle(number, values)) {
      throw invalid(`page ${number} and those before it bring the same objects again and again`);
    }
    if (link === null) {
      yield { number, values, deltaLink };
      return;
    }
    empty = values.length === 0 ? empty + 1 : 0;
    if (empty > mostEmptyPages) {
      throw invalid(`${empty} pages in a row are empty, and the last of them, page ${number}, names a further one`);
    }
    const target = textOf(link);
    if (target === null || !URL.canParse(target)) {
      throw invalid(`page ${number} names a next page that is no address`);
    }
    if (followed.has(target)) {
      throw refused ?? invalid(`page ${number} names a page as the next one that was read before`);
    }
    followed.add(target);
    previous = request;
    request = { ...first, target };
    // Graph makes the next page while this one is used; whether it failed is told when it is awaited.
    answer = client.get(request, signal);
    answer.catch(() => undefined);
    yield { number, values, deltaLink };
  }
}

/**
 * Tells whether pages go round in a circle: the objects of one page come again and again. The page that is looked for is
 * a later one each time the number of pages has doubled, as in Brent's cycle detection, so only its ids are held; a few
 * repetitions are no circle, as objects move between pages while they are read.
 */
function createCircleCheck(): (number: number, values: readonly unknown[]) => boolean {
  let looked: ReadonlySet<unknown> = new Set();
  let next = 1;
  let repetitions = 0;
  return (number, values) => {
    const ids = values.map((value) => (isObject(value) ? value.id : undefined)).filter((id) => id !== undefined);
    repetitions += ids.filter((id) => looked.has(id)).length;
    const turns = repetitions > Math.max(MOST_REPETITIONS, 3 * looked.size);
    if (number >= next && ids.length > 0) {
      looked = new Set(ids);
      repetitions = 0;
      next = 2 * number;
    }
    return turns;
  };
}
