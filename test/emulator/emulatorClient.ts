import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { GraphEmulator } from './graphEmulator.ts';

export const CLIENT_ID = '0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f';
export const SECRET = 'a throwaway secret';

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Speaks to the emulator by bare fetch, so that nothing lies between the test and the wire. */
export interface EmulatorClient {
  /** Path below the version, or a whole link. */
  get(pathOrLink: string, headers?: Record<string, string>): Promise<Received>;
  batch(requests: readonly object[]): Promise<Received>;
}

/** A client whose token has these roles at the time of the call; all of writeback's if not given. */
export async function connect(emulator: GraphEmulator, roles?: readonly string[]): Promise<EmulatorClient> {
  emulator.apps.register({ clientId: CLIENT_ID, secrets: [SECRET], ...(roles === undefined ? {} : { roles }) });
  const { body } = await requestToken(emulator, { client_secret: SECRET });
  const authorization = `Bearer ${String(body['access_token'])}`;
  const send = async (url: string, init: RequestInit): Promise<Received> => {
    const response = await fetch(url, {
      ...init,
      headers: { authorization, ...(init.headers as Record<string, string>) },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as Record<string, unknown> };
  };
  return {
    get: async (target, headers = {}) =>
      await send(target.startsWith('http') ? target : `${emulator.graphUrl}/v1.0${target}`, { headers }),
    batch: async (requests) =>
      await send(`${emulator.graphUrl}/v1.0/$batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ requests }),
      }),
  };
}

/** Posts to the token endpoint with these fields over the usual ones; an empty one is left out. */
export async function requestToken(
  emulator: GraphEmulator,
  fields: Readonly<Record<string, string>>,
  tenantId = emulator.tenantId,
): Promise<Received> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: CLIENT_ID,
    scope: 'https://graph.microsoft.com/.default',
  });
  for (const [name, value] of Object.entries(fields)) {
    if (value === '') form.delete(name);
    else form.set(name, value);
  }
  const response = await fetch(`${emulator.loginUrl}/${tenantId}/oauth2/v2.0/token`, { method: 'POST', body: form });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

/** The members of `value`. */
export function valueOf(received: Received): readonly Record<string, unknown>[] {
  return received.body['value'] as readonly Record<string, unknown>[];
}

export function nextLinkOf(received: Received): string | undefined {
  return received.body['@odata.nextLink'] as string | undefined;
}

export function deltaLinkOf(received: Received | undefined): string | undefined {
  return received?.body['@odata.deltaLink'] as string | undefined;
}

/** All pages, at most a hundred. */
export async function readPages(client: EmulatorClient, path: string): Promise<readonly Received[]> {
  const pages: Received[] = [];
  for (let next: string | undefined = path; next !== undefined && pages.length < 100;) {
    const page: Received = await client.get(next);
    pages.push(page);
    next = nextLinkOf(page);
  }
  return pages;
}

export function errorCode(received: Received): unknown {
  return (received.body['error'] as Record<string, unknown> | undefined)?.['code'];
}

const description = JSON.parse(
  readFileSync(new URL('../vectors/graph-device-openapi.json', import.meta.url), 'utf8'),
) as object;
const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(description, 'graph');
const validators = new Map<string, ValidateFunction>();

/** Throws, naming each deviation, unless the body fits this schema of the Graph description. */
export function assertSchema(received: Received, schema: string): void {
  const key = `graph#/components/schemas/${schema}`;
  const validate = validators.get(key) ?? ajv.compile({ $ref: key });
  validators.set(key, validate);
  if (validate(received.body)) return;
  throw new Error(`The answer does not fit ${schema}: ${ajv.errorsText(validate.errors)}`);
}

export const ODATA_ERROR = 'microsoft.graph.ODataErrors.ODataError';
