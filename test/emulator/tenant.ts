import type { AccessTokens } from './accessTokens.ts';
import type { AppRegistrations } from './appRegistrations.ts';
import type { Entities } from './entities.ts';
import type { Entity, StoredDevice } from './entityTypes.ts';
import type { Pages } from './pages.ts';

/** How the emulator behaves, within what Graph may do; every one may be set at any time. */
export interface Switches {
  /** Seconds that an access token is good for. */
  tokenLifetime: number;
  /** Milliseconds that the Date header of Graph is ahead of this machine's clock. */
  clockSkew: number;
  /** A page holds no more than this, whatever $top asks. */
  pageLimit: number;
  /** `$expand=registeredOwners($select=…)` is answered 400, as the known issue 13635 says. */
  refuseNestedSelect: boolean;
  /** A client assertion is taken once; MSAL sends the same one for ten minutes. */
  refuseReplayedAssertion: boolean;
}

/** Everything the tenant holds. */
export interface Tenant {
  readonly tenantId: string;
  readonly graphUrl: string;
  readonly loginUrl: string;
  readonly devices: Entities<StoredDevice>;
  readonly users: Entities<Entity>;
  organization: Entity;
  subscribedSkus: readonly Entity[];
  readonly apps: AppRegistrations;
  readonly tokens: AccessTokens;
  readonly pages: Pages;
  readonly switches: Switches;
}
