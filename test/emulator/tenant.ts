import type { AccessTokens } from './accessTokens.ts';
import type { AppRegistrations } from './appRegistrations.ts';
import type { DeltaLinks } from './deltaLinks.ts';
import type { Entities } from './entities.ts';
import type { Entity, StoredDevice, StoredGroup } from './entityTypes.ts';
import type { Pages } from './pages.ts';
import type { SignIns } from './signIns.ts';
import type { Switches } from './switches.ts';

/** Everything the tenant holds. */
export interface Tenant {
  readonly tenantId: string;
  readonly graphUrl: string;
  readonly loginUrl: string;
  readonly devices: Entities<StoredDevice>;
  readonly users: Entities<Entity>;
  readonly groups: Entities<StoredGroup>;
  readonly servicePrincipals: Entities<Entity>;
  organization: Entity;
  subscribedSkus: readonly Entity[];
  readonly apps: AppRegistrations;
  readonly tokens: AccessTokens;
  /** The jti of each client assertion taken so far. */
  readonly assertions: Set<string>;
  readonly signIns: SignIns;
  readonly pages: Pages;
  readonly deltaLinks: DeltaLinks;
  readonly switches: Switches;
}
