/** What is asked of the directory, as LDAP messages of ldapts. The wire gives each its id. */
import {
  AddRequest,
  Attribute,
  Change as Modification,
  DeleteRequest,
  ModifyRequest,
  SearchRequest,
  type Control,
  type Filter,
  type Message,
} from 'ldapts';
import type { Request } from './toRequest.ts';

export interface Query {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  readonly filter: Filter;
  readonly attributes: readonly string[];
  readonly controls?: readonly Control[];
}

/** @param seconds The time limit of the search. */
export function searchRequest(query: Query, seconds: number, controls: readonly Control[]): Message {
  return new SearchRequest({
    messageId: 0,
    baseDN: query.base,
    scope: query.scope,
    filter: query.filter,
    attributes: [...query.attributes],
    timeLimit: seconds,
    controls: [...controls],
  });
}

export function describeQuery({ base, scope, filter, attributes }: Query): string {
  return `Search ${base === '' ? 'rootDSE' : base}, scope ${scope}, filter ${filter.toString()}: ${attributes.join(', ')}`;
}

export function writeRequest(request: Request, controls: readonly Control[]): Message {
  const common = { messageId: 0, dn: request.name, controls: [...controls] };
  if (request.operation === 'delete') return new DeleteRequest(common);
  if (request.operation === 'add') {
    return new AddRequest({
      ...common,
      attributes: request.attributes.map(({ name, values }) => toAttribute(name, values)),
    });
  }
  const changes = request.modifications.map(
    ({ operation, name, values }) => new Modification({ operation, modification: toAttribute(name, values) }),
  );
  return new ModifyRequest({ ...common, changes });
}

function toAttribute(type: string, values: readonly Buffer[]): Attribute {
  return new Attribute({ type, values: [...values] });
}
