import { invalidAnswer, type GraphRequest } from './failure.ts';
import type { GraphClient } from './client.ts';
import { textOf } from './json.ts';

export interface Page {
  /** Counts from 1. */
  readonly number: number;
  readonly values: readonly unknown[];
}

/**
 * The pages of a collection to the last one, each link followed as Graph gave it. An empty page with a link is not the
 * end. Throws GraphAnswerInvalid for a page without a collection and for a link that was given before.
 * Source: Microsoft Learn, "Paging Microsoft Graph data in your app".
 */
export async function* pages(client: GraphClient, first: GraphRequest, signal: AbortSignal): AsyncGenerator<Page> {
  const followed = new Set<string>();
  let request = first;
  for (let number = 1; ; number += 1) {
    const content = await client.get(request, signal);
    const values: unknown = content.value;
    if (!Array.isArray(values)) {
      throw invalidAnswer(first.purpose, client.host, `page ${number} holds no collection "value"`);
    }
    yield { number, values };
    const link = content['@odata.nextLink'];
    if (link === undefined || link === null) return;
    const target = textOf(link);
    if (target === null || !URL.canParse(target)) {
      throw invalidAnswer(first.purpose, client.host, `page ${number} names a next page that is no address`);
    }
    if (followed.has(target)) {
      throw invalidAnswer(
        first.purpose,
        client.host,
        `page ${number} names a page as the next one that was read before`,
      );
    }
    followed.add(target);
    request = { ...first, target };
  }
}
