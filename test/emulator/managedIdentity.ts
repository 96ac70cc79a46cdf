import { json, type Answer, type EmulatorRequest } from './exchange.ts';
import type { Faults } from './faults.ts';
import type { GraphEmulator } from './graphEmulator.ts';
import type { RequestLog } from './requestLog.ts';

/** A managed identity; the roles it has on Graph are those of the application with its client id. */
export interface ManagedIdentity {
  readonly clientId: string;
  readonly objectId: string;
  /** Of the Azure resource; null for one that is assigned by the system. */
  readonly resourceId: string | null;
}

/** The identities of one machine. */
export interface Identities {
  readonly systemAssigned?: ManagedIdentity;
  readonly userAssigned?: readonly ManagedIdentity[];
}

/** An endpoint on the loopback address that gives the machine's identities tokens. */
export interface ManagedIdentityEndpoint {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly url: string;
  readonly faults: Faults;
  readonly requests: RequestLog;
  stop(): Promise<void>;
}

export const TOKEN_PATH = '/metadata/identity/oauth2/token';

/** A refusal in the form of the metadata services, which is not Graph's. */
export class IdentityRefusal extends Error {
  readonly status: number;
  readonly error: string;

  constructor(status: number, error: string, message: string) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

/** The names under which a request may say which identity it wants, and what they stand for. */
type Selectors = Readonly<Record<string, keyof ManagedIdentity>>;

/** What both services demand of a request before they look at identities; MSAL ends the path with a slash. Throws IdentityRefusal. */
export function checkRequest(request: EmulatorRequest, versions: RegExp): void {
  if (request.path.replace(/\/$/, '') !== TOKEN_PATH) throw new IdentityRefusal(404, 'not_found', 'Not found');
  if (request.method !== 'GET') throw new IdentityRefusal(405, 'method_not_allowed', 'The method is not allowed.');
  if (request.headers['metadata']?.toLowerCase() !== 'true') {
    throw new IdentityRefusal(400, 'bad_request_102', 'Required metadata header not specified');
  }
  if (!versions.test(request.parameters.get('api-version') ?? '')) {
    throw new IdentityRefusal(400, 'invalid_request', 'The api-version is missing or not supported.');
  }
  if (!request.parameters.has('resource')) {
    throw new IdentityRefusal(400, 'invalid_request', "Required query variable 'resource' is missing");
  }
}

/** The identity that the request names, or the only one that it can mean. Throws IdentityRefusal. */
export function identityOf(request: EmulatorRequest, of: Identities, selectors: Selectors): ManagedIdentity {
  const user = of.userAssigned ?? [];
  const all = of.systemAssigned === undefined ? user : [of.systemAssigned, ...user];
  const named = Object.entries(selectors).filter(([name]) => request.parameters.has(name));
  if (named.length > 1) throw new IdentityRefusal(400, 'invalid_request', 'More than one identity is specified.');
  const [selector] = named;
  if (selector === undefined) {
    const only = of.systemAssigned ?? (user.length === 1 ? user[0] : undefined);
    if (only !== undefined) return only;
    const complaint =
      user.length === 0 ? 'Identity not found' : 'Multiple user assigned identities exist, please specify one';
    throw new IdentityRefusal(400, 'invalid_request', complaint);
  }
  const [name, property] = selector;
  const value = request.parameters.get(name)?.toLowerCase();
  const found = all.find((identity) => identity[property]?.toLowerCase() === value);
  if (found === undefined) throw new IdentityRefusal(400, 'invalid_request', 'Identity not found');
  return found;
}

/** The token, numbers as text as both services write them. */
export async function tokenAnswer(
  emulator: GraphEmulator,
  identity: ManagedIdentity,
  request: EmulatorRequest,
  more: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const app = emulator.apps.get(identity.clientId);
  if (app === null) throw new IdentityRefusal(400, 'invalid_request', 'Identity not found');
  const resource = request.parameters.get('resource') ?? '';
  const lifetime = emulator.switches.tokenLifetime;
  const now = Math.floor(Date.now() / 1000);
  return json({
    access_token: await emulator.tokens.issue(app, 'managedIdentity', resource.replace(/\/$/, ''), lifetime),
    expires_in: String(lifetime),
    expires_on: String(now + lifetime),
    ext_expires_in: String(lifetime),
    not_before: String(now),
    resource,
    token_type: 'Bearer',
    ...more,
  });
}

export async function orIdentityRefusal(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (thrown) {
    if (!(thrown instanceof IdentityRefusal)) throw thrown;
    return { status: thrown.status, headers: {}, body: { error: thrown.error, error_description: thrown.message } };
  }
}
