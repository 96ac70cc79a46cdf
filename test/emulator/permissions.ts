import { GraphFailure } from './exchange.ts';

/**
 * Which application permissions open what; any one of them does.
 * Source: microsoftgraph/microsoft-graph-devx-content, permissions/new/permissions.json.
 */
const OPENED_BY = {
  devices: ['Device.Read.All', 'Device.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  users: ['User.ReadBasic.All', 'User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  userDetails: ['User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  organization: ['Organization.Read.All', 'User.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  subscribedSkus: ['LicenseAssignment.Read.All', 'Organization.Read.All', 'Directory.Read.All'],
} as const satisfies Record<string, readonly string[]>;

export type Realm = keyof typeof OPENED_BY;

export function permits(roles: readonly string[], realm: Realm): boolean {
  return OPENED_BY[realm].some((role) => roles.includes(role));
}

/** Throws Graph's 403 if none of the token's roles opens the realm. */
export function demand(roles: readonly string[], realm: Realm): void {
  if (permits(roles, realm)) return;
  throw new GraphFailure(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}
