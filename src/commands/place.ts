import { ATTRIBUTE_NAMES, type AttributeName } from '../device/attributes.ts';
import { parseGuid, type Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { Clock, Directory, RegistrationService, RootDse, Schema, SignIn } from '../ports.ts';

/** The classes without which there is no device writeback. */
export const DEVICE_CLASSES = [
  'msDS-Device',
  'msDS-DeviceContainer',
  'msDS-DeviceRegistrationService',
  'msDS-DeviceRegistrationServiceContainer',
] as const;

export const CONTAINER_CLASS = 'msDS-DeviceContainer';

/** Where device objects are kept, as the directory says it. */
export interface Place {
  readonly rootDse: RootDse;
  readonly container: string;
  readonly objectGuid: Guid;
}

/** Follows the registration service to the container, checking each step. */
export async function findPlace(directory: Directory, domainName: string | null, signal: AbortSignal): Promise<Place> {
  const rootDse = await directory.rootDse(signal);
  requireDomain(domainName, rootDse, directory);
  const service = theOneOrNone(await directory.registrationServices(signal), rootDse);
  if (service === null) {
    // A schema that lacks the class has no such object either, and is the better reason.
    requireSchema(await directory.schema(signal), rootDse, directory);
    throw new WritebackError(
      'RegistrationServiceMissing',
      `There is no registration service object (msDS-DeviceRegistrationService) below ${rootDse.configurationNamingContext}.`,
      {
        target: rootDse.configurationNamingContext,
        remedy: 'Run Enable-DeviceWriteback as an administrator of the forest.',
      },
    );
  }
  const location = service.deviceLocation;
  const container = location === null ? null : await directory.container(location, signal);
  if (location === null || container === null) {
    throw new WritebackError(
      'ContainerMissing',
      `The registration service ${service.distinguishedName} names ${location ?? 'no container'}, which is not there.`,
      {
        target: location ?? service.distinguishedName,
        remedy: 'Run Enable-DeviceWriteback as an administrator of the forest.',
      },
    );
  }
  if (!container.objectClasses.includes(CONTAINER_CLASS)) {
    throw new WritebackError('ContainerInvalid', `${location} is no ${CONTAINER_CLASS}.`, {
      target: location,
      remedy:
        'msDS-DeviceLocation cannot be changed: delete the registration service object and run Enable-DeviceWriteback.',
      detail: container.objectClasses.join(', '),
    });
  }
  return { rootDse, container: container.distinguishedName, objectGuid: container.objectGuid };
}

/** Attributes of the flow that the schema has. Throws SchemaMissing. */
export async function availableAttributes(
  directory: Directory,
  { rootDse }: Place,
  signal: AbortSignal,
): Promise<ReadonlySet<AttributeName>> {
  const schema = await directory.schema(signal);
  requireSchema(schema, rootDse, directory);
  return new Set(ATTRIBUTE_NAMES.filter((name) => schema.attributes.has(name)));
}

export function missingClasses(schema: Schema): readonly string[] {
  return DEVICE_CLASSES.filter((name) => !schema.classes.has(name));
}

/** Throws SchemaMissing. */
export function requireSchema(schema: Schema, rootDse: RootDse, directory: Directory): void {
  const lacking = missingClasses(schema);
  if (lacking.length === 0) return;
  throw new WritebackError('SchemaMissing', `The schema of ${directory.server} lacks ${lacking.join(', ')}.`, {
    target: rootDse.schemaNamingContext,
    remedy: 'Extend the schema to Windows Server 2012 R2 (objectVersion 69) or later with adprep /forestprep.',
    detail: `objectVersion ${schema.objectVersion}`,
  });
}

/** AD FS and Entra Connect expect one registration service object; the directory itself takes several. */
export function theOneOrNone(services: readonly RegistrationService[], rootDse: RootDse): RegistrationService | null {
  if (services.length <= 1) return services[0] ?? null;
  const all = services.map((one) => one.distinguishedName).join('; ');
  throw new WritebackError(
    'RegistrationServiceAmbiguous',
    `There are ${services.length} registration service objects: ${all}.`,
    {
      target: rootDse.configurationNamingContext,
      remedy: 'Delete all but the one that AD FS uses (Get-AdfsDeviceRegistration shows it as DrsObjectDN).',
    },
  );
}

/**
 * What the keywords of the service connection point say.
 * Source: Microsoft Learn, "Configure Microsoft Entra hybrid join manually".
 */
export type ConnectionPoint =
  | { readonly kind: 'none' }
  | { readonly kind: 'cloud'; readonly tenantId: Guid; readonly tenantName: string | null }
  | { readonly kind: 'enterprise'; readonly host: string }
  | { readonly kind: 'conflict' | 'incomplete' | 'invalid'; readonly keywords: readonly string[] };

/** Keywords have no order; only one registration service, cloud or enterprise, may be named. */
export function parseConnectionPoint(keywords: readonly string[]): ConnectionPoint {
  const valueOf = (name: string): string | null =>
    keywords.find((keyword) => keyword.toLowerCase().startsWith(`${name.toLowerCase()}:`))?.slice(name.length + 1) ??
    null;
  const id = valueOf('azureADId');
  const name = valueOf('azureADName');
  const host = valueOf('enterpriseDrsName');
  const cloud = id !== null || name !== null;
  if (cloud && host !== null) return { kind: 'conflict', keywords };
  if (host !== null) return { kind: 'enterprise', host };
  if (!cloud) return { kind: 'none' };
  if (id === null) return { kind: 'incomplete', keywords };
  const tenantId = parseGuid(id);
  return tenantId === null ? { kind: 'invalid', keywords } : { kind: 'cloud', tenantId, tenantName: name };
}

/** The DNS name of the server's domain. Source: RFC 2247. */
export function domainOf({ defaultNamingContext }: RootDse): string {
  return defaultNamingContext.replaceAll(/,?DC=/gi, '.').slice(1);
}

/** Throws OtherTenant where the token is of another tenant: what is missing there would count as gone. */
export function refuseOtherToken(tenantId: Guid, signIn: SignIn): void {
  if (signIn.tenantId === null || signIn.tenantId === tenantId) return;
  throw new WritebackError('OtherTenant', `The token is of tenant ${signIn.tenantId}, not ${tenantId}.`, {
    target: signIn.tenantId,
    remedy: 'Correct TenantId, or sign in to that tenant.',
  });
}

/** Throws OtherTenant where the connection point of the forest names another tenant. */
export function refuseOtherTenant(tenantId: Guid, keywords: readonly string[] | null): void {
  const point = parseConnectionPoint(keywords ?? []);
  if (point.kind !== 'cloud' || point.tenantId === tenantId) return;
  throw new WritebackError(
    'OtherTenant',
    `The service connection point of this forest names tenant ${point.tenantId}, not ${tenantId}.`,
    {
      target: point.tenantId,
      remedy: 'Sync the tenant that the forest is joined to, or correct azureADId in its keywords.',
    },
  );
}

const SECOND = 1000;

/**
 * The domain controller's clock as it goes on since `read` by ours. It gives whole seconds, so the time is rounded up:
 * whatever was created until now is not later.
 */
export function directoryClock({ currentTime }: RootDse, read: Date, clock: Clock): () => Date {
  return () => new Date(currentTime.getTime() + SECOND + clock.now().getTime() - read.getTime());
}

/** 0 where the clock was set back meanwhile. */
export function millisecondsSince(began: Date, clock: Clock): number {
  return Math.max(0, clock.now().getTime() - began.getTime());
}

/** A container is read and made only in the domain of the server that is asked. Throws ParameterInvalid. */
export function requireDomain(domainName: string | null, rootDse: RootDse, directory: Directory): void {
  if (domainName === null) return;
  const wanted = domainName
    .split('.')
    .map((label) => `DC=${label}`)
    .join(',');
  if (wanted.toLowerCase() === rootDse.defaultNamingContext.toLowerCase()) return;
  throw new WritebackError(
    'ParameterInvalid',
    `${directory.server} serves ${rootDse.defaultNamingContext}, not ${domainName}.`,
    {
      target: domainName,
      remedy: 'Give as -Server a domain controller of the domain that -DomainName names.',
    },
  );
}
