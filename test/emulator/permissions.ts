import { GraphFailure } from './exchange.ts';

/** On whose behalf a request comes, as its access token says. */
export interface Caller {
  readonly appId: string;
  /** Application permissions (claim `roles`) or delegated ones (claim `scp`). */
  readonly permissions: readonly string[];
  /** Template ids of the Entra roles of the signed-in user (claim `wids`); null for an application by itself. */
  readonly directoryRoles: readonly string[] | null;
}

/** Source: Graph v1.0, "Get group" and "List group transitive members". */
const GROUP_READING = [
  'GroupMember.Read.All',
  'GroupMember.ReadWrite.All',
  'Group.Read.All',
  'Group.ReadWrite.All',
  'Directory.Read.All',
  'Directory.ReadWrite.All',
];

/**
 * Which permissions, application or delegated, open what; any one of them does.
 * Source: microsoftgraph/microsoft-graph-devx-content, permissions/new/permissions.json.
 */
const OPENED_BY = {
  devices: ['Device.Read.All', 'Device.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  users: ['User.ReadBasic.All', 'User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  userDetails: ['User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  organization: ['Organization.Read.All', 'User.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  groups: GROUP_READING,
  servicePrincipals: [
    'Application.Read.All',
    'Application.ReadWrite.All',
    'Directory.Read.All',
    'Directory.ReadWrite.All',
  ],
  subscribedSkus: ['LicenseAssignment.Read.All', 'Organization.Read.All', 'Directory.Read.All'],
} as const satisfies Record<string, readonly string[]>;

export type Realm = keyof typeof OPENED_BY;

/** Entra roles, one of which a signed-in user needs to read devices, by template id. Source: Graph v1.0, "List devices". */
export const DIRECTORY_READERS = '88d8e3e3-8f55-4a1e-953a-9b9898b8876b';
const DEVICE_READING_ROLES = [
  DIRECTORY_READERS,
  'f2ef992c-3afb-46b9-b7cf-a126ee74c451', // Global Reader
  '3a2c62db-5318-420d-8d74-23affee5d9d5', // Intune Administrator
  '62e90394-69f5-4237-9190-012177145e10', // Global Administrator
];

export function permits({ permissions, directoryRoles }: Caller, realm: Realm): boolean {
  if (realm === 'devices' && directoryRoles !== null) {
    if (!directoryRoles.some((role) => DEVICE_READING_ROLES.includes(role))) return false;
  }
  return OPENED_BY[realm].some((permission) => permissions.includes(permission));
}

/** Throws Graph's 403 if no permission of the token opens the realm. */
export function demand(caller: Caller, realm: Realm): void {
  if (permits(caller, realm)) return;
  throw new GraphFailure(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}
