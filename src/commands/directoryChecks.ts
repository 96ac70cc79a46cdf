import type { Container, Directory, RegistrationService } from '../ports.ts';
import type { Guid } from '../device/guid.ts';
import { fail, pass, warn, type Checklist } from './checklist.ts';
import { CONTAINER_CLASS, missingClasses, parseConnectionPoint, requireDomain } from './place.ts';

const ENABLE = 'Run Enable-DeviceWriteback as an administrator of the forest.';
const SCHEMA_2016 = 87;

/**
 * The directory: connection, schema, registration service, container, rights.
 * @param binder whom the bind is as, where the directory does not say it
 */
export async function checkDirectory(
  list: Checklist,
  open: () => Promise<Directory>,
  tenantId: Guid,
  account: string | null,
  binder: string,
  domainName: string | null,
  signal: AbortSignal,
): Promise<Directory | null> {
  const bound = await list.check('DirectoryBind', 'Bind to the domain controller', open, async (make) => {
    const directory = await make();
    const rootDse = await directory.rootDse(signal);
    requireDomain(domainName, rootDse, directory);
    const who = (await directory.whoAmI(signal)) ?? binder;
    return pass({ directory, rootDse }, `${rootDse.dnsHostName} of ${rootDse.defaultNamingContext} accepted ${who}.`);
  });
  await list.check('DirectoryProtection', 'Protection of the connection', bound, async ({ directory }) =>
    pass(true, `${await directory.protection(signal)}.`),
  );
  const schema = await list.check('SchemaClasses', 'Schema classes', bound, async ({ directory, rootDse }) => {
    const found = await directory.schema(signal);
    const lacking = missingClasses(found);
    const version = `objectVersion ${found.objectVersion} of ${rootDse.schemaNamingContext}`;
    if (lacking.length === 0) return pass(found, `${version} has all four device registration classes.`);
    return fail(
      `${version} lacks ${lacking.join(', ')}.`,
      'Extend the schema to Windows Server 2012 R2 (69) or later: adprep /forestprep.',
    );
  });
  await list.check('SchemaAttributes', 'Schema attributes of Windows Server 2016', schema, async (found) => {
    const lacking = ['msDS-IsCompliant', 'msDS-KeyCredentialLink'].filter((name) => !found.attributes.has(name));
    if (lacking.length === 0) return pass(true, `objectVersion ${found.objectVersion} has them.`);
    return warn(
      true,
      `objectVersion ${found.objectVersion} lacks ${lacking.join(', ')}; they are left out.`,
      `AD FS 2016 device rules and Windows Hello for Business need the schema of Windows Server 2016 (${SCHEMA_2016}).`,
    );
  });
  const service = await list.check(
    'RegistrationService',
    'One registration service object',
    schema && bound,
    async ({ directory, rootDse }) => {
      const services = await directory.registrationServices(signal);
      const [one, another] = services;
      if (one === undefined) return fail(`None below ${rootDse.configurationNamingContext}.`, ENABLE);
      if (another === undefined) return pass(one, one.distinguishedName);
      const all = services.map(
        (each) => `${each.distinguishedName} (created ${each.whenCreated?.toISOString() ?? '?'})`,
      );
      return fail(
        `${services.length}: ${all.join('; ')}.`,
        'Delete all but the one that Get-AdfsDeviceRegistration shows as DrsObjectDN.',
      );
    },
  );
  await checkService(list, service);
  const container = await checkContainer(list, bound?.directory ?? null, service, signal);
  await checkRights(list, bound?.directory ?? null, container, account, signal);
  await list.check('ConnectionPoint', 'Service connection point', bound, async ({ directory }) => {
    const keywords = await directory.serviceConnectionPoint(signal);
    const point = parseConnectionPoint(keywords ?? []);
    const evidence = keywords === null ? 'There is none.' : `keywords: ${keywords.join(', ') || 'none'}.`;
    if (point.kind === 'cloud' && point.tenantId !== tenantId) {
      return fail(
        evidence,
        `The forest is joined to another tenant than ${tenantId}: sync that one, or correct azureADId.`,
      );
    }
    if (point.kind === 'cloud') return pass(true, evidence);
    return warn(
      true,
      evidence,
      'Without a connection point that names the tenant, AD FS may take itself for the authority and delete devices that it thinks stale.',
    );
  });
  return bound?.directory ?? null;
}

async function checkService(list: Checklist, service: RegistrationService | null): Promise<void> {
  await list.check('RegistrationServiceEnabled', 'Registration service enabled', service, async ({ isEnabled }) =>
    isEnabled === false
      ? warn(
          true,
          'msDS-IsEnabled is FALSE.',
          'The device registration service of AD FS stops at start while it is FALSE.',
        )
      : pass(true, `msDS-IsEnabled is ${isEnabled === null ? 'not readable' : 'TRUE'}.`),
  );
  await list.check('CloudIssuerCertificates', 'Issuer certificates of Entra devices', service, async (found) => {
    const number = found.cloudIssuerCertificates.length;
    if (number > 0) return pass(true, `msDS-CloudIssuerPublicCertificates has ${number}.`);
    return warn(
      true,
      'msDS-CloudIssuerPublicCertificates is empty.',
      'AD FS probably trusts no Entra device certificate without them, and Graph does not give them: set them with Enable-DeviceWriteback -CloudIssuerCertificatePath.',
    );
  });
}

async function checkContainer(
  list: Checklist,
  directory: Directory | null,
  service: RegistrationService | null,
  signal: AbortSignal,
): Promise<Container | null> {
  const location = await list.check(
    'DeviceLocation',
    'Location of the container',
    service,
    async ({ deviceLocation, distinguishedName }) =>
      deviceLocation === null
        ? fail(
            `msDS-DeviceLocation of ${distinguishedName} cannot be read.`,
            'Check the rights of the bound account on it.',
          )
        : pass(deviceLocation, `msDS-DeviceLocation: ${deviceLocation}`),
  );
  const ground = directory === null || location === null ? null : { directory, location };
  return list.check(
    'DeviceContainer',
    'Container of the device objects',
    ground,
    async ({ directory: asked, location: dn }) => {
      const found = await asked.container(dn, signal);
      if (found === null)
        return fail(`${dn} is not there.`, `If it was deleted, delete the registration service object too. ${ENABLE}`);
      if (found.objectClasses.includes(CONTAINER_CLASS))
        return pass(found, `${found.distinguishedName} is an ${CONTAINER_CLASS}.`);
      return fail(
        `${dn} is ${found.objectClasses.at(-1) ?? 'of no class'}, no ${CONTAINER_CLASS}.`,
        'msDS-DeviceLocation cannot be changed: delete the registration service object and run Enable-DeviceWriteback.',
      );
    },
  );
}

async function checkRights(
  list: Checklist,
  directory: Directory | null,
  container: Container | null,
  account: string | null,
  signal: AbortSignal,
): Promise<void> {
  const ground = directory === null || container === null ? null : { directory, dn: container.distinguishedName };
  await list.check(
    'Rights',
    'Rights of the bound account on the container',
    ground,
    async ({ directory: asked, dn }) => {
      const rights = await asked.effectiveRights(dn, signal);
      // What one object grants or denies by itself says nothing of the others: the container's inherited grants do.
      const denied = rights.inheritedWrite === null ? [] : rights.missingAttributes;
      const write =
        denied.length > 0 ? false : (rights.inheritedWrite ?? rights.writeAttributes?.has('msDS-IsEnabled') ?? null);
      const word = (value: boolean | null): string => (value === null ? 'not known' : value ? 'yes' : 'no');
      const evidence = `Create device objects: ${word(rights.createDevices)}; change: ${word(write)}; delete: ${word(rights.deleteDevices)}.${denied.length === 0 ? '' : ` May not write ${denied.join(', ')}.`}`;
      if (rights.createDevices && write !== false && rights.deleteDevices !== false) return pass(true, evidence);
      return fail(evidence, 'Run Enable-DeviceWriteback -AdConnectorAccount with this account, as an administrator.');
    },
  );
  if (account === null) return;
  await list.check(
    'AccountRights',
    `Rights of ${account} on the container`,
    ground,
    async ({ directory: asked, dn }) => {
      const found = await asked.account(account, signal);
      if (found === null)
        return fail(`${account} was not found.`, 'Give it as sAMAccountName, DOMAIN\\name, UPN, SID or DN.');
      const { missing } = await asked.grant(dn, found.sid, signal);
      if (missing.length === 0) return pass(true, `${found.distinguishedName} has both access control entries.`);
      return fail(
        `${found.distinguishedName} lacks ${missing.join(' ')}.`,
        `Run Enable-DeviceWriteback -AdConnectorAccount ${account}.`,
      );
    },
  );
}
