import { CONFIGURATION_DN, ROOT } from './domain.ts';

/** The tenant that the service connection point names. */
export interface Tenant {
  readonly tenantId: string;
  readonly tenantName: string;
}

export const LAB_TENANT: Tenant = { tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47', tenantName: 'contoso.com' };

/** The container of the device objects (MS-ADSC, class msDS-DeviceContainer); only below a domain. */
export const deviceContainerDn = (domainDn: string): string => `CN=RegisteredDevices,${domainDn}`;
export const DEVICE_CONTAINER_DN = deviceContainerDn(ROOT.dn);
export const REGISTRATION_CONFIGURATION_DN = `CN=Device Registration Configuration,CN=Services,${CONFIGURATION_DN}`;
const REGISTRATION_SERVICES_DN = `CN=Device Registration Services,${REGISTRATION_CONFIGURATION_DN}`;
export const REGISTRATION_SERVICE_DN = `CN=DeviceRegistrationService,${REGISTRATION_SERVICES_DN}`;
export const CONNECTION_POINT_DN = `CN=62a0ff2e-97b9-4513-943f-0d221bd30080,${REGISTRATION_CONFIGURATION_DN}`;

/** schemaIDGUID of the class msDS-Device (MS-ADSC). */
const DEVICE_CLASS_GUID = '5df2b673-6d41-4774-b3e8-d52e8ee9ff99';

/**
 * What a forest prepared for device write-back holds: the container, the registration service that points at it, and
 * the service connection point that names the tenant. LDIF for ldapadd.
 */
export function preparationLdif(tenant: Tenant = LAB_TENANT, containerDn = DEVICE_CONTAINER_DN): string {
  return `dn: ${containerDn}
objectClass: msDS-DeviceContainer

dn: ${REGISTRATION_CONFIGURATION_DN}
objectClass: container

dn: ${REGISTRATION_SERVICES_DN}
objectClass: msDS-DeviceRegistrationServiceContainer

${registrationServiceLdif(REGISTRATION_SERVICE_DN, containerDn)}
dn: ${CONNECTION_POINT_DN}
objectClass: serviceConnectionPoint
keywords: azureADName:${tenant.tenantName}
keywords: azureADId:${tenant.tenantId}
`;
}

/** A registration service that names this container. LDIF for ldapadd. */
export function registrationServiceLdif(dn: string, containerDn: string): string {
  return `dn: ${dn}
objectClass: msDS-DeviceRegistrationService
msDS-DeviceLocation: ${containerDn}
msDS-IsEnabled: TRUE
msDS-RegistrationQuota: 10
msDS-MaximumRegistrationInactivityPeriod: 90
`;
}

/**
 * The least rights of an account that writes device objects, on the container: create and delete msDS-Device, and read
 * and write every property of those below it.
 */
export function leastRightsSddl(sid: string): string {
  return `(OA;;CCDC;${DEVICE_CLASS_GUID};;${sid})(OA;CIIO;RPWP;;${DEVICE_CLASS_GUID};${sid})`;
}
