import type { AuthenticationResult, Configuration } from '@azure/msal-node';
import type { Application } from './application.ts';
import type { TokenEndpoint } from './tokenEndpoint.ts';

/**
 * One request for a token, or several that belong together; its HTTP goes through the endpoint. Ends with MSAL's result
 * or with what MSAL throws.
 */
export type AskForToken = (endpoint: TokenEndpoint, signal: AbortSignal) => Promise<AuthenticationResult | null>;

export const SILENT: NonNullable<NonNullable<Configuration['system']>['loggerOptions']> = {
  loggerCallback: () => undefined,
  piiLoggingEnabled: false,
};

/**
 * MSAL knows the sign-in hosts of the named environments. Of another it would ask Microsoft and then the host itself
 * for metadata; given them it asks only the token endpoint, which may then be plain http on loopback, though the
 * authority's own name must be https.
 */
export function authorityOf({ environment, tenantId }: Application): Omit<Configuration['auth'], 'clientId'> {
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

/** The code of an error that MSAL made, or null for any other thing. Its classes are not all exported. */
export function msalErrorCode(thrown: unknown): string | null {
  return thrown instanceof Error && 'errorCode' in thrown ? String(thrown.errorCode) : null;
}
