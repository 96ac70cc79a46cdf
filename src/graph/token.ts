import type { ConfidentialClientApplication, Configuration } from '@azure/msal-node';
import { cancelled, throwIfCancelled } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Clock, SignIn } from '../ports.ts';
import type { Application } from './application.ts';
import { readCertificate } from './certificate.ts';
import { guidOf, parseObject, textOf } from './json.ts';
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
   * Throws CertificateUnusable, CertificateExpired, SignInRefused, SignInUnreachable, Cancelled.
   */
  get(signal: AbortSignal): Promise<Token>;
  /** Forgets a token that Graph refused, so that the next one is new. */
  refuse(token: Token): void;
}

/** A token is replaced so many milliseconds before it expires, a short-lived one when half of its time is over. */
const RENEWED_BEFORE = 300_000;

export function createTokens(
  application: Application,
  retry: Retry,
  requestTimeout: number,
  clock: Clock,
  log: Log,
): Tokens {
  let current: Token | null = null;
  let coming: Promise<Token> | null = null;
  const fetchToken = async (signal: AbortSignal): Promise<Token> => {
    const configuration = await configure(application, clock, log);
    return retry('Sign-in', () => askOnce(application, configuration, requestTimeout, clock, log, signal), signal);
  };
  return {
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

/**
 * One request for a token, with an MSAL application of its own: one that lives longer would send the same assertion
 * again for ten minutes, and refuse by itself for a minute after one bad answer.
 */
async function askOnce(
  application: Application,
  configuration: Configuration,
  requestTimeout: number,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<Attempt<Token>> {
  const { ConfidentialClientApplication: Msal, LogLevel } = await import('@azure/msal-node');
  const endpoint = createTokenEndpoint(requestTimeout, clock, log, signal);
  const system = {
    networkClient: endpoint.network,
    loggerOptions: { loggerCallback: () => undefined, piiLoggingEnabled: false, logLevel: LogLevel.Error },
  };
  let failure: unknown;
  try {
    const msal = new Msal({ ...configuration, system });
    const token = await acquire(msal, application, clock, log);
    if (token !== null) return { value: token };
  } catch (error) {
    failure = error;
  }
  if (signal.aborted) throw cancelled();
  return failedAttempt(application, endpoint, failure, log);
}

async function acquire(
  msal: ConfidentialClientApplication,
  application: Application,
  clock: Clock,
  log: Log,
): Promise<Token | null> {
  const result = await msal.acquireTokenByClientCredential({
    scopes: [application.environment.scope],
    azureRegion: 'DisableMsalForceRegion',
    skipCache: true,
  });
  if (result === null || result.accessToken === '' || result.expiresOn === null) return null;
  log.secret(result.accessToken);
  const expires = result.expiresOn.getTime();
  const before = Math.min(RENEWED_BEFORE, (expires - clock.now().getTime()) / 2);
  return { text: result.accessToken, stale: new Date(expires - before), signIn: describeToken(result.accessToken) };
}

function failedAttempt(application: Application, endpoint: TokenEndpoint, failure: unknown, log: Log): Attempt<Token> {
  const last = endpoint.last();
  const words = log.redact(failure instanceof Error ? failure.message : 'there is no token in the answer');
  if (last === null && !(failure instanceof Error && 'errorCode' in failure)) throw failure;
  if (last === null) throw signInRefused(application, { text: words, errorNumber: null });
  const { why, refusal, trouble, retryAfter } = last;
  if (refusal !== null && trouble === null) {
    throw signInRefused(application, { text: log.redact(refusal.text), errorNumber: refusal.errorNumber });
  }
  const error = signInUnreachable(application, last.network, log.redact(why ?? words));
  if (trouble === null) throw error;
  const giveUp = (): never => {
    throw error;
  };
  return { trouble, why: log.redact(why ?? words), retryAfter, giveUp };
}

async function configure(application: Application, clock: Clock, log: Log): Promise<Configuration> {
  const { clientId, credential } = application;
  const auth = { clientId, ...authorityOf(application) };
  if (credential.kind === 'secret') {
    log.secret(credential.secret);
    return { auth: { ...auth, clientSecret: credential.secret } };
  }
  const { privateKey, thumbprint } = await readCertificate(credential.path, clock.now());
  return { auth: { ...auth, clientCertificate: { privateKey, thumbprintSha256: thumbprint } } };
}

/**
 * MSAL knows the sign-in hosts of the named environments. Of another it would ask Microsoft and then the host itself
 * for metadata; given them it asks only the token endpoint, which may then be plain http on loopback, though the
 * authority's own name must be https.
 */
function authorityOf({ environment, tenantId }: Application): Omit<Configuration['auth'], 'clientId'> {
  const base = `${environment.login}/${encodeURIComponent(tenantId)}`;
  if (environment.known) return { authority: base };
  const url = new URL(base);
  return {
    authority: `https://${url.host}${url.pathname}`,
    knownAuthorities: [url.host],
    authorityMetadata: JSON.stringify({
      token_endpoint: `${base}/oauth2/v2.0/token`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      issuer: `${base}/v2.0`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    }),
  };
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
