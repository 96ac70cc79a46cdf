import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Directory, NewObject, Outside, RootDse } from '../ports.ts';
import type { Outputs, WireStep } from '../protocol/messages.ts';
import { directorySettings, type Options } from './options.ts';
import { CONTAINER_CLASS, requireDomain, requireSchema, theOneOrNone } from './place.ts';

/** What one step does, as data, so that it can be shown before it is done. */
type Deed =
  | { readonly kind: 'create'; readonly object: NewObject }
  | { readonly kind: 'grant'; readonly container: string; readonly sid: string }
  | {
      readonly kind: 'addCertificates';
      readonly distinguishedName: string;
      readonly certificates: readonly Uint8Array[];
    };

interface Step {
  readonly id: string;
  readonly target: string;
  readonly description: string;
  readonly detail: string | null;
  /** null: it is there already. */
  readonly deed: Deed | null;
  /** Ids of the steps without which this one cannot be done. */
  readonly needs: readonly string[];
}

/** The preparation of one forest: what is there, what is to be made, and the connection to make it with. */
export interface Preparation {
  readonly steps: readonly Step[];
  readonly directory: Directory;
  close(): Promise<void>;
}

/** Looks at what device writeback needs and says what is missing. Reads only. */
export async function planPreparation(
  options: Options,
  outside: Outside,
  log: Log,
  signal: AbortSignal,
): Promise<Preparation> {
  const certificatePath = options.text('cloudIssuerCertificatePath');
  const certificates = certificatePath === null ? [] : outside.readCertificates(certificatePath);
  const directory = await outside.openDirectory(directorySettings(options), log);
  try {
    const rootDse = await directory.rootDse(signal);
    requireSchema(await directory.schema(signal), rootDse, directory);
    requireDomain(options.text('domainName'), rootDse, directory);
    const account = options.text('adConnectorAccount');
    const objects = await objectSteps(directory, rootDse, certificates, signal);
    const rights =
      account === null
        ? []
        : [await rightsStep(directory, objects.container, objects.containerExists, account, signal)];
    if (account === null) {
      log.warning(
        'No -AdConnectorAccount was given: only Domain Admins can write device objects until an account is granted the rights.',
      );
    }
    return { steps: [...objects.steps, ...rights], directory, close: () => directory.close() };
  } catch (error) {
    await directory.close();
    throw error;
  }
}

/** Numbers of the steps that change something, in their order. */
export function plannedSteps(preparation: Preparation): readonly WireStep[] {
  let number = 0;
  return preparation.steps.map((step) =>
    step.deed === null ? wireStep(step, -1, 'Present') : wireStep(step, number++, 'Planned'),
  );
}

/** Does the steps that were not declined, nor need one that was. */
export async function prepare(
  preparation: Preparation,
  declined: ReadonlySet<number>,
  outputs: Outputs,
  signal: AbortSignal,
): Promise<void> {
  const left = new Set<string>();
  let number = -1;
  for (const step of preparation.steps) {
    if (step.deed === null) continue;
    number += 1;
    if (declined.has(number) || step.needs.some((id) => left.has(id))) {
      left.add(step.id);
      await outputs.emit('step', wireStep(step, number, 'Declined'));
      continue;
    }
    await doDeed(preparation.directory, step.deed, signal);
    await outputs.emit('step', wireStep(step, number, 'Done'));
  }
}

async function doDeed(directory: Directory, deed: Deed, signal: AbortSignal): Promise<void> {
  switch (deed.kind) {
    case 'create':
      return directory.create(deed.object, signal);
    case 'grant':
      return directory.addGrant(deed.container, deed.sid, signal);
    case 'addCertificates':
      return directory.addValues(deed.distinguishedName, CLOUD_ISSUERS, deed.certificates, signal);
  }
}

const CLOUD_ISSUERS = 'msDS-CloudIssuerPublicCertificates';

/** The four objects of device registration, each made if it is not there. An existing registration service is kept. */
async function objectSteps(
  directory: Directory,
  rootDse: RootDse,
  certificates: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<{ readonly steps: readonly Step[]; readonly container: string; readonly containerExists: boolean }> {
  const configuration = `CN=Device Registration Configuration,CN=Services,${rootDse.configurationNamingContext}`;
  const services = `CN=Device Registration Services,${configuration}`;
  const existing = theOneOrNone(await directory.registrationServices(signal), rootDse);
  const container = existing?.deviceLocation ?? `CN=RegisteredDevices,${rootDse.defaultNamingContext}`;
  const found = await directory.container(container, signal);
  if (found !== null && !found.objectClasses.includes(CONTAINER_CLASS)) {
    throw new WritebackError('ContainerInvalid', `${container} exists and is no ${CONTAINER_CLASS}.`, {
      target: container,
      remedy: 'Rename or remove that object, then run Enable-DeviceWriteback again.',
      detail: found.objectClasses.join(', '),
    });
  }
  const create = async (
    id: string,
    distinguishedName: string,
    objectClass: string,
    description: string,
    needs: readonly string[] = [],
    attributes: NewObject['attributes'] = {},
  ): Promise<Step> => {
    const there = await directory.container(distinguishedName, signal);
    const deed: Deed = { kind: 'create', object: { distinguishedName, objectClass, attributes } };
    return {
      id,
      target: distinguishedName,
      description,
      detail: objectClass,
      deed: there === null ? deed : null,
      needs,
    };
  };
  const certificateValues = certificates.length === 0 ? {} : { [CLOUD_ISSUERS]: certificates };
  const steps = [
    await create('DeviceContainer', container, CONTAINER_CLASS, 'Create the container of the device objects'),
    await create('Configuration', configuration, 'container', 'Create the device registration configuration'),
    await create(
      'Services',
      services,
      'msDS-DeviceRegistrationServiceContainer',
      'Create the container of the registration service',
      ['Configuration'],
    ),
    existing === null
      ? await create(
          'RegistrationService',
          `CN=DeviceRegistrationService,${services}`,
          'msDS-DeviceRegistrationService',
          `Create the registration service that names ${container}`,
          ['DeviceContainer', 'Services'],
          { 'msDS-DeviceLocation': [container], 'msDS-IsEnabled': ['TRUE'], ...certificateValues },
        )
      : {
          id: 'RegistrationService',
          target: existing.distinguishedName,
          description: `Create the registration service that names ${container}`,
          detail: 'msDS-DeviceRegistrationService',
          deed: null,
          needs: [],
        },
  ];
  if (existing !== null && certificates.length > 0) {
    const there = new Set(existing.cloudIssuerCertificates);
    const missing = certificates.filter((certificate) => !there.has(Buffer.from(certificate).toString('hex')));
    steps.push({
      id: 'CloudIssuerCertificates',
      target: existing.distinguishedName,
      description: 'Add the issuer certificates of Entra device certificates',
      detail: `${missing.length} of ${certificates.length} are missing`,
      deed:
        missing.length === 0
          ? null
          : { kind: 'addCertificates', distinguishedName: existing.distinguishedName, certificates: missing },
      needs: [],
    });
  }
  return { steps, container, containerExists: found !== null };
}

async function rightsStep(
  directory: Directory,
  container: string,
  containerExists: boolean,
  identity: string,
  signal: AbortSignal,
): Promise<Step> {
  const account = await directory.account(identity, signal);
  if (account === null) {
    throw new WritebackError('AccountNotFound', `The account "${identity}" was not found in the directory.`, {
      target: identity,
      remedy: 'Give -AdConnectorAccount as sAMAccountName (a gMSA ends in $), DOMAIN\\name, UPN, SID or DN.',
    });
  }
  const missing = containerExists
    ? (await directory.grant(container, account.sid, signal)).missing
    : directory.leastRights(account.sid);
  return {
    id: 'Rights',
    target: container,
    description: `Grant ${account.name} the right to create, change and delete device objects`,
    detail: missing.length === 0 ? account.sid : missing.join(' '),
    deed: missing.length === 0 ? null : { kind: 'grant', container, sid: account.sid },
    needs: ['DeviceContainer'],
  };
}

function wireStep(step: Step, number: number, state: WireStep['state']): WireStep {
  const { id, target, description, detail } = step;
  return { number, id, state, target, description, detail };
}
