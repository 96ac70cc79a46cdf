import { json, type Answer, type EmulatorRequest } from './exchange.ts';
import { ORGANIZATION, project, SUBSCRIBED_SKU, type Entity } from './entityTypes.ts';
import { parseQuery } from './odata.ts';
import { demand, type Caller } from './permissions.ts';
import type { Tenant } from './tenant.ts';

/** Service plan ids of Entra ID P1 and P2. */
export const AAD_PREMIUM = '41781fb2-bc02-4b7c-bd55-b576c07bb09d';
export const AAD_PREMIUM_P2 = 'eec0eb4f-6444-4f95-aba0-50c24d67f998';

/** `GET /organization`: one element, the tenant. */
export function listOrganization(request: EmulatorRequest, tenant: Tenant, caller: Caller): Answer {
  demand(caller, 'organization');
  const { select } = parseQuery(request, ORGANIZATION, ['$select']);
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#organization`,
    value: [project(tenant.organization, ORGANIZATION, select)],
  });
}

/** `GET /subscribedSkus`: not paged. */
export function listSubscribedSkus(request: EmulatorRequest, tenant: Tenant, caller: Caller): Answer {
  demand(caller, 'subscribedSkus');
  const { select } = parseQuery(request, SUBSCRIBED_SKU, ['$select']);
  return json({
    '@odata.context': `${tenant.graphUrl}/v1.0/$metadata#subscribedSkus`,
    value: tenant.subscribedSkus.map((sku) => project(sku, SUBSCRIBED_SKU, select)),
  });
}

export function newOrganization(tenantId: string): Entity {
  return {
    id: tenantId,
    displayName: 'Contoso',
    countryLetterCode: 'CH',
    onPremisesSyncEnabled: true,
    onPremisesLastSyncDateTime: '2026-11-20T08:00:00Z',
    tenantType: 'AAD',
    verifiedDomains: [
      { name: 'contoso.onmicrosoft.com', isDefault: false, isInitial: true, type: 'Managed', capabilities: 'Email' },
      { name: 'contoso.com', isDefault: true, isInitial: false, type: 'Federated', capabilities: 'Email' },
    ],
  };
}

/** An enabled suite whose service plans are these, each an id and a name. */
export function newSku(tenantId: string, plans: readonly (readonly [string, string])[]): Entity {
  const skuId = '05e9a617-0261-4cee-bb44-138d3ef5d965';
  return {
    id: `${tenantId}_${skuId}`,
    accountId: tenantId,
    accountName: 'contoso',
    appliesTo: 'User',
    capabilityStatus: 'Enabled',
    consumedUnits: 320,
    prepaidUnits: { enabled: 500, suspended: 0, warning: 0, lockedOut: 0 },
    servicePlans: plans.map(([servicePlanId, servicePlanName]) => ({
      servicePlanId,
      servicePlanName,
      appliesTo: 'User',
      provisioningStatus: 'Success',
    })),
    skuId,
    skuPartNumber: 'SPE_E3',
    subscriptionIds: ['ba3d2f8a-4d4e-4c1a-9d0f-6a1b6b7d9f11'],
  };
}
