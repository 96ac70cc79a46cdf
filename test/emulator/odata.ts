import { GraphFailure, type EmulatorRequest } from './exchange.ts';
import { USER, type Entity, type EntityType } from './entityTypes.ts';

export type QueryOption = '$select' | '$expand' | '$top' | '$filter' | '$count' | '$skiptoken' | '$deltatoken';

export interface Expansion {
  readonly navigation: string;
  readonly select: readonly string[] | null;
}

export interface Filter {
  readonly fits: (entity: Entity) => boolean;
  /** The ids that it names where it names nothing else, so that they can be looked up; null otherwise. */
  readonly ids: readonly string[] | null;
}

export interface EntityQuery {
  readonly select: readonly string[] | null;
  readonly expand: Expansion | null;
  readonly top: number;
  readonly filter: Filter | null;
  /** Asked for with the ConsistencyLevel header, without which Graph ignores it. */
  readonly count: boolean;
}

const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 999;
const MOST_FILTER_VALUES = 15;

/** Reads the OData options of a request; what Graph refuses is thrown as its 400. */
export function parseQuery(
  request: EmulatorRequest,
  type: EntityType,
  allowed: readonly QueryOption[],
  filterable: readonly string[] = [],
): EntityQuery {
  const options = readOptions(request, allowed);
  const text = (name: QueryOption): string | null => options.get(name) ?? null;
  const advanced = isAdvanced(request);
  const expand = text('$expand');
  if (expand !== null && advanced && text('$count') === 'true') {
    throw new GraphFailure(400, 'Request_UnsupportedQuery', 'The $expand option cannot be used with advanced queries.');
  }
  const select = text('$select');
  const filter = text('$filter');
  return {
    select: select === null ? null : parseSelect(select, type),
    expand: expand === null ? null : parseExpand(expand),
    top: parseTop(text('$top')),
    filter: filter === null ? null : parseFilter(filter, filterable),
    count: text('$count') === 'true' && advanced,
  };
}

export function isAdvanced(request: EmulatorRequest): boolean {
  return request.headers['consistencylevel']?.toLowerCase() === 'eventual';
}

/** The options by name. Graph takes their names without the dollar sign and in any case. */
export function readOptions(request: EmulatorRequest, allowed: readonly QueryOption[]): Map<QueryOption, string> {
  const options = new Map<QueryOption, string>();
  for (const [name, value] of request.parameters) {
    const option = allowed.find((one) => one === `$${name.replace(/^\$/, '').toLowerCase()}`);
    if (option === undefined) {
      throw new GraphFailure(400, 'Request_UnsupportedQuery', `The query option '${name}' is not supported here.`);
    }
    if (options.has(option)) {
      throw new GraphFailure(400, 'Request_BadRequest', `Query option '${option}' was specified more than once.`);
    }
    options.set(option, value);
  }
  return options;
}

export function parseSelect(text: string, type: EntityType): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (!type.properties.has(name)) {
      const complaint = `Could not find a property named '${name}' on type 'microsoft.graph.${type.name}'.`;
      throw new GraphFailure(400, 'BadRequest', `Parsing OData Select and Expand failed: ${complaint}`);
    }
  }
  return names;
}

/** One navigation to users, with $select as its only inner option. */
function parseExpand(text: string): Expansion {
  const parts = /^(registeredOwners|registeredUsers)(?:\(\$select=([\w,]+)\))?$/.exec(text);
  const navigation = parts?.[1];
  if (navigation === undefined) {
    throw new GraphFailure(400, 'BadRequest', `Parsing OData Select and Expand failed: cannot expand '${text}'.`);
  }
  return { navigation, select: parts?.[2] === undefined ? null : parseSelect(parts[2], USER) };
}

function parseTop(text: string | null): number {
  if (text === null) return DEFAULT_PAGE;
  const top = /^\d+$/.test(text) ? Number(text) : 0;
  if (top < 1 || top > LARGEST_PAGE) {
    const complaint = `Invalid page size specified: '${text}'. Must be between 1 and ${LARGEST_PAGE} inclusive.`;
    throw new GraphFailure(400, 'Request_BadRequest', complaint);
  }
  return top;
}

const LITERAL = `'(?:[^']|'')*'|true|false|null`;
const CLAUSE = new RegExp(`\\s*(\\w+)\\s+(?:eq\\s+(${LITERAL})|in\\s*\\(((?:\\s*(?:${LITERAL})\\s*,?)+)\\))\\s*`, 'y');
const OR = /or\b/y;

/** `name eq literal` and `name in (literal, …)`, joined by `or`; at most 15 literals together. */
function parseFilter(text: string, filterable: readonly string[]): Filter {
  const unsupported = (): GraphFailure =>
    new GraphFailure(400, 'Request_UnsupportedQuery', `Unsupported or invalid query filter clause: ${text}`);
  const clauses: { name: string; values: readonly unknown[] }[] = [];
  let position = 0;
  do {
    CLAUSE.lastIndex = position;
    const clause = CLAUSE.exec(text);
    const name = clause?.[1];
    if (clause === null || name === undefined || !filterable.includes(name)) throw unsupported();
    const literals = (clause[2] ?? clause[3] ?? '').match(new RegExp(LITERAL, 'g')) ?? [];
    clauses.push({ name, values: literals.map(literalValue) });
    OR.lastIndex = CLAUSE.lastIndex;
    if (CLAUSE.lastIndex < text.length && !OR.test(text)) throw unsupported();
    position = CLAUSE.lastIndex < text.length ? OR.lastIndex : text.length;
  } while (position < text.length);

  if (clauses.reduce((sum, clause) => sum + clause.values.length, 0) > MOST_FILTER_VALUES) {
    const complaint = `Too many child clauses specified in search filter expression. Max allowed: ${MOST_FILTER_VALUES}.`;
    throw new GraphFailure(400, 'Request_UnsupportedQuery', complaint);
  }
  return {
    fits: (entity) => clauses.some(({ name, values }) => values.includes(comparable(entity[name] ?? null))),
    ids: clauses.every(({ name }) => name === 'id') ? clauses.flatMap(({ values }) => values.map(String)) : null,
  };
}

function literalValue(literal: string): unknown {
  if (literal.startsWith("'")) return comparable(literal.slice(1, -1).replaceAll("''", "'"));
  return literal === 'null' ? null : literal === 'true';
}

/** Strings are compared without regard to case. */
function comparable(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}
