import type { Environment } from './environment.ts';

/** What proves that we are the application: a PEM file with certificate and private key, or a client secret. */
export type Credential =
  { readonly kind: 'certificate'; readonly path: string } | { readonly kind: 'secret'; readonly secret: string };

/** The application registration that signs in. */
export interface Application {
  /** Tenant id, or a domain name of the tenant. */
  readonly tenantId: string;
  readonly clientId: string;
  readonly environment: Environment;
  readonly credential: Credential;
}
