import { WritebackError } from '../errors.ts';
import type { SignInWay } from '../ports.ts';
import type { Environment } from './environment.ts';

/** Who signs in, where and how. */
export interface Application {
  /** Tenant id, or a domain name of the tenant. */
  readonly tenantId: string;
  /** The application registration; of a managed identity a user-assigned one or null. */
  readonly clientId: string | null;
  readonly environment: Environment;
  readonly credential: SignInWay;
}

/** The application's client id. Throws ParameterMissing where the way to sign in needs one and there is none. */
export function clientIdOf({ clientId }: Application): string {
  if (clientId !== null) return clientId;
  throw new WritebackError('ParameterMissing', 'ClientId is missing: the app registration that signs in.', {
    target: 'ClientId',
    remedy: 'Give the client id of the app registration.',
  });
}
