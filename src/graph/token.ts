import type { AuthenticationResult } from '@azure/msal-node';
import { visibleText } from '../device/visibleText.ts';
import { cancelled, throwIfCancelled, WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Clock, SignIn } from '../ports.ts';
import type { Application } from './application.ts';
import { confidentialClient, type ConfidentialClientParts } from './confidentialClient.ts';
import { CODE_EXPIRED, deviceCode } from './deviceCode.ts';
import { guidOf, parseObject, textOf } from './json.ts';
import { managedIdentity } from './managedIdentity.ts';
import { msalErrorCode, type AskForToken } from './msal.ts';
import type { Attempt, Retry } from './retry.ts';
import { signInRefused, signInUnreachable } from './signInFailure.ts';
import { createTokenEndpoint, type TokenEndpoint } from './tokenEndpoint.ts';

export interface Token {
  readonly text: string;
  /** From when on it is to be replaced. */
  readonly stale: Date;
  /** What the token says of itself; empty if it is opaque. */
  readonly signIn: SignIn;
}

/** Signs in. The token lives in memory only and is replaced before it expires. */
export interface Tokens {
  /**
   * A token that is good for some minutes more.
   * Throws ParameterMissing, CertificateUnusable, CertificateExpired, HostServiceUnavailable, SignInRefused,
   * SignInUnreachable, Cancelled.
   */
  get(signal: AbortSignal): Promise<Token>;
  /** Forgets a token that Graph refused, so that the next one is new. */
  refuse(token: Token): void;
  /** Whether there can be another token than the one that was given. */
  readonly renewable: boolean;
}

export interface TokensParts extends ConfidentialClientParts {
  readonly application: Application;
  readonly retry: Retry;
  /** Time limit of one request, in milliseconds. */
  readonly requestTimeout: number;
}

/** A token is replaced so many milliseconds before it expires, a short-lived one when half of its time is over. */
const RENEWED_BEFORE = 300_000;
/** What the metadata service answers while it is updated; a later try may find it. Source: Microsoft Learn, as in managedIdentity. */
const IDENTITY_UPDATING: ReadonlySet<number> = new Set([404, 410]);
const NEVER = new Date(8.64e15);

export function createTokens(parts: TokensParts): Tokens {
  const { application, log } = parts;
  const { credential } = application;
  switch (credential.kind) {
    case 'accessToken':
      return givenToken(credential.token, log);
    case 'managedIdentity': {
      const ask = managedIdentity(application);
      return renewedTokens(async () => ask, parts);
    }
    case 'deviceCode': {
      const ask = deviceCode(application, credential.tell);
      return renewedTokens(async () => ask, parts);
    }
    case 'certificate':
    case 'secret':
    case 'thumbprint':
      // A certificate is read anew for each token: it may have been replaced.
      return renewedTokens(() => confidentialClient(application, credential, parts), parts);
  }
}

function renewedTokens(prepare: () => Promise<AskForToken>, parts: TokensParts): Tokens {
  const { retry, clock } = parts;
  let current: Token | null = null;
  let coming: Promise<Token> | null = null;
  const fetchToken = async (signal: AbortSignal): Promise<Token> => {
    const ask = await prepare();
    return retry('Sign-in', () => askOnce(ask, parts, signal), signal);
  };
  return {
    renewable: true,
    async get(signal) {
      throwIfCancelled(signal);
      if (current !== null && clock.now() < current.stale) return current;
      coming ??= fetchToken(signal).finally(() => {
        coming = null;
      });
      current = await coming;
      return current;
    },
    refuse(token) {
      if (current === token) current = null;
    },
  };
}

const OPAQUE =
  'The access token that was given cannot be read: its tenant, its application and its permissions were not verified.';

function givenToken(text: string, log: Log): Tokens {
  log.secret(text);
  const token: Token = { text, stale: NEVER, signIn: describeToken(text) };
  const { tenantId, clientId, roles } = token.signIn;
  let warned = tenantId !== null || clientId !== null || roles.length > 0;
  return {
    renewable: false,
    async get(signal) {
      throwIfCancelled(signal);
      if (!warned) log.warning(OPAQUE);
      warned = true;
      return token;
    },
    refuse: () => undefined,
  };
}

async function askOnce(
  ask: AskForToken,
  { application, requestTimeout, clock, log }: TokensParts,
  signal: AbortSignal,
): Promise<Attempt<Token>> {
  const endpoint = createTokenEndpoint(requestTimeout, clock, log, signal);
  let failure: unknown;
  try {
    const token = tokenOf(await ask(endpoint, signal), clock, log);
    if (token !== null) return { value: token };
  } catch (error) {
    failure = error;
  }
  if (signal.aborted) throw cancelled();
  return failedAttempt(application, endpoint, failure, log);
}

function tokenOf(result: AuthenticationResult | null, clock: Clock, log: Log): Token | null {
  if (result === null || result.accessToken === '' || result.expiresOn === null) return null;
  log.secret(result.accessToken);
  const expires = result.expiresOn.getTime();
  const before = Math.min(RENEWED_BEFORE, (expires - clock.now().getTime()) / 2);
  return { text: result.accessToken, stale: new Date(expires - before), signIn: describeToken(result.accessToken) };
}

function failedAttempt(application: Application, endpoint: TokenEndpoint, failure: unknown, log: Log): Attempt<Token> {
  const last = endpoint.last();
  const words = visibleText(log.redact(failure instanceof Error ? failure.message : 'there is no token in the answer'));
  if (failure instanceof WritebackError) throw failure;
  if (last === null && msalErrorCode(failure) === null) throw failure;
  if (msalErrorCode(failure) === CODE_EXPIRED) {
    throw signInRefused(application, {
      error: CODE_EXPIRED,
      text: 'the code was not entered in time',
      errorNumber: null,
    });
  }
  // MSAL found something wrong with the computer, such as a key file that cannot be read.
  const ofComputer = failure instanceof Error && failure.name === 'ManagedIdentityError';
  if (last === null || (ofComputer && last.trouble === null)) {
    throw signInRefused(application, { error: msalErrorCode(failure), text: words, errorNumber: null });
  }
  const { why, refusal, retryAfter } = last;
  const updating = application.credential.kind === 'managedIdentity' && IDENTITY_UPDATING.has(last.status);
  const trouble = last.trouble ?? (updating ? 'broken' : null);
  if (refusal !== null && trouble === null) {
    throw signInRefused(application, { ...refusal, text: log.redact(refusal.text) });
  }
  const error = signInUnreachable(application, last.host, last.network, log.redact(why ?? words));
  if (trouble === null) throw error;
  const giveUp = (): never => {
    throw error;
  };
  return { trouble, why: log.redact(why ?? words), retryAfter, giveUp };
}

/**
 * What an access token says: for diagnosis only, a client must not rely on tokens made for another API.
 * Source: Microsoft Learn, "Access token claims reference".
 */
export function describeToken(text: string): SignIn {
  const claims = parseObject(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) ?? {};
  const roles = Array.isArray(claims.roles) ? claims.roles : (textOf(claims.scp)?.split(' ') ?? []);
  return {
    tenantId: guidOf(claims.tid),
    clientId: guidOf(claims.appid) ?? guidOf(claims.azp),
    roles: roles.filter((role) => typeof role === 'string' && role !== ''),
  };
}
