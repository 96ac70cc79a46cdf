import type { DeviceSource } from '../ports.ts';
import type { Guid } from '../device/guid.ts';
import { fail, pass, warn, type Checklist } from './checklist.ts';

const NEEDED_ROLES = ['Device.Read.All', 'User.Read.All', 'Organization.Read.All'] as const;

/** Source: service plan ids AAD_PREMIUM and AAD_PREMIUM_P2; suites show them only among their service plans. */
const PREMIUM_PLANS: ReadonlyMap<Guid, string> = new Map([
  ['41781fb2-bc02-4b7c-bd55-b576c07bb09d', 'Entra ID P1'],
  ['eec0eb4f-6444-4f95-aba0-50c24d67f998', 'Entra ID P2'],
]);

/** The source: sign-in, permissions, licence. Roles in the token are for diagnosis; the proof is a request. */
export async function checkGraph(
  list: Checklist,
  open: () => Promise<DeviceSource>,
  tenantId: Guid,
  groups: readonly Guid[],
  signal: AbortSignal,
): Promise<DeviceSource | null> {
  const signedIn = await list.check('GraphSignIn', 'Sign-in to Entra', open, async (make) => {
    const source = await make();
    const signIn = await source.signIn(signal);
    return pass(
      { source, signIn },
      `Signed in to tenant ${signIn.tenantId ?? tenantId} as application ${signIn.clientId ?? ''}.`,
    );
  });
  await list.check('GraphPermissions', 'Permissions in the token', signedIn, async ({ signIn }) => {
    const needed = groups.length === 0 ? NEEDED_ROLES : [...NEEDED_ROLES, 'GroupMember.Read.All'];
    const missing = needed.filter((role) => !signIn.roles.includes(role));
    const evidence = `The token has ${signIn.roles.length === 0 ? 'no roles' : signIn.roles.join(', ')}.`;
    if (missing.length === 0) return pass(true, evidence);
    const remedy = `Grant the application permissions ${missing.join(', ')} and give admin consent; a new token shows them.`;
    return missing.some((role) => role !== 'User.Read.All' && role !== 'Organization.Read.All')
      ? fail(evidence, remedy)
      : warn(true, evidence, remedy);
  });
  await list.check('GraphDevices', 'Devices can be read', signedIn, async ({ source }) => {
    await source.probeDevices(signal);
    return pass(true, `${source.host} answered a read of /devices.`);
  });
  await list.check('GraphOwners', 'Owners can be read', signedIn, async ({ source }) => {
    await source.probeUsers(signal);
    return pass(true, `${source.host} answered a read of /users with onPremisesSecurityIdentifier.`);
  });
  for (const group of groups) {
    await list.check('GraphGroup', `Members of group ${group} can be read`, signedIn, async ({ source }) => {
      const { size } = await source.groupMembers(group, signal);
      if (size > 0) return pass(true, `Group ${group} has ${size} devices.`);
      return warn(
        true,
        `Group ${group} has no device.`,
        'With this scope no Entra device is in scope: every sync is refused.',
      );
    });
  }
  await list.check('Tenant', 'Tenant', signedIn, async ({ source }) => {
    const { id, displayName, defaultDomain } = await source.organization(signal);
    const evidence = `${displayName ?? ''} (${defaultDomain ?? 'no default domain'}), ${id}.`;
    if (id === tenantId) return pass(true, evidence);
    return fail(evidence, `The token is for another tenant than ${tenantId}: correct TenantId.`);
  });
  await list.check('Licence', 'Licence plan', signedIn, async ({ source }) => {
    const plans = await source.servicePlans(signal);
    const premium = [...PREMIUM_PLANS].filter(([id]) => plans.has(id)).map(([, name]) => name);
    if (premium.length > 0) return pass(true, `The tenant has ${premium.join(' and ')}.`);
    return warn(
      true,
      'The tenant has neither Entra ID P1 nor P2.',
      'Microsoft asks for P1 or P2 for device writeback; nothing is blocked here.',
    );
  });
  return signedIn?.source ?? null;
}
