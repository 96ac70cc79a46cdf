import { parseGuid, type Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import { DEFAULT_POLICY, type Policy } from '../plan/policy.ts';
import type { Scope } from '../plan/scope.ts';
import type {
  BindWay,
  Credential,
  DirectorySettings,
  Outside,
  SignInWay,
  SourceSettings,
  StateSettings,
} from '../ports.ts';

/**
 * What a command was asked to do: the parameters that crossed the bridge over those of the configuration file. Each
 * command asks for what it needs. Defaults live here and nowhere deeper.
 */
export interface Options {
  text(name: string): string | null;
  texts(name: string): readonly string[];
  count(name: string): number | null;
  flag(name: string): boolean | null;
  credential(name: string): Credential | null;
  environment(): SourceSettings['environment'] | null;
}

/** Throws ConfigurationInvalid for a file that cannot be used; the readers throw ParameterInvalid for a value that cannot. */
export function readOptions(params: unknown, outside: Outside, log: Log): Options {
  const given = isObject(params) ? params : {};
  const path = optionsOf(given).text('configurationPath');
  const options = optionsOf({ ...(path === null ? {} : fromFile(outside.readConfiguration(path), given)), ...given });
  const secrets = [
    ...['clientSecretCredential', 'credential'].map((name) => options.credential(name)?.password),
    ...['certificatePassword', 'accessToken'].map((name) => options.text(name)),
  ];
  for (const secret of secrets) if (typeof secret === 'string') log.secret(secret);
  return options;
}

const SIGN_IN_WAYS = [
  'clientSecretCredential',
  'certificatePath',
  'certificateThumbprint',
  'managedIdentity',
  'useDeviceCode',
  'accessToken',
] as const;

/** A way to sign in that is given as a parameter replaces the file's, whichever that is. */
function fromFile(
  file: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  // Its user name is the application, whatever the file says.
  const replacesClient = given['clientSecretCredential'] !== undefined;
  const isGiven = SIGN_IN_WAYS.some((name) => given[name] !== undefined && given[name] !== false);
  const ways: readonly string[] = isGiven
    ? [...SIGN_IN_WAYS, 'clientId'].filter((name) => name !== 'clientId' || replacesClient)
    : [];
  return Object.fromEntries(Object.entries(file).filter(([name]) => !ways.includes(name)));
}

/** How to reach Graph. Throws ParameterMissing, ParameterInvalid. */
export function sourceSettings(options: Options, log: Log): SourceSettings {
  const tenantId = asGuid(required(options.text('tenantId'), 'TenantId', 'the Entra tenant'), 'TenantId');
  const way = signInWay(options, log);
  const named = options.credential('clientSecretCredential')?.userName ?? null;
  const clientId = options.text('clientId') ?? named;
  if (named !== null && clientId !== null && asGuid(named, 'ClientId') !== asGuid(clientId, 'ClientId')) {
    throw invalid(
      'ClientId',
      `ClientId ${clientId} is not the application of ClientSecretCredential`,
      'Give one of them.',
    );
  }
  const optionalClient = way.kind === 'managedIdentity' || way.kind === 'accessToken';
  const client = optionalClient ? clientId : required(clientId, 'ClientId', 'the app registration that signs in');
  return {
    tenantId,
    clientId: client === null ? null : asGuid(client, 'ClientId'),
    environment: options.environment() ?? 'Global',
    credential: way,
    timeLimit: milliseconds(options.count('graphTimeLimit'), MINUTE),
    waitLimit: milliseconds(options.count('graphWaitLimit'), SECOND),
  };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function milliseconds(count: number | null, unit: number): number | null {
  return count === null ? null : count * unit;
}

/** The one way to sign in that was given; a parameter beats none, two are an error. */
function signInWay(options: Options, log: Log): SignInWay {
  const secret = options.credential('clientSecretCredential');
  const path = options.text('certificatePath');
  const thumbprint = options.text('certificateThumbprint');
  const token = options.text('accessToken');
  const ways: Readonly<Record<string, SignInWay | null>> = {
    ClientSecretCredential: secret && { kind: 'secret', secret: secret.password },
    CertificatePath:
      path === null ? null : { kind: 'certificate', path, password: options.text('certificatePassword') },
    CertificateThumbprint: thumbprint === null ? null : { kind: 'thumbprint', thumbprint: asThumbprint(thumbprint) },
    ManagedIdentity: options.flag('managedIdentity') === true ? { kind: 'managedIdentity' } : null,
    UseDeviceCode:
      options.flag('useDeviceCode') === true ? { kind: 'deviceCode', tell: (message) => log.warning(message) } : null,
    AccessToken: token === null ? null : { kind: 'accessToken', token },
  };
  const given = Object.entries(ways).flatMap(([name, way]) => (way === null ? [] : [{ name, way }]));
  const [one, another] = given;
  if (one === undefined) {
    throw new WritebackError(
      'ParameterMissing',
      'CertificatePath is missing: the certificate, or another way, to sign in to Entra with.',
      {
        target: 'CertificatePath',
        remedy: `Give one of ${Object.keys(ways)
          .map((name) => `-${name}`)
          .join(', ')}.`,
      },
    );
  }
  if (another === undefined) return one.way;
  const names = given.map(({ name }) => name);
  throw invalid(one.name, `${names.join(' and ')} are more than one way to sign in`, 'Give one.');
}

const THUMBPRINT = /^[0-9A-F]{40}$/;

function asThumbprint(text: string): string {
  const digits = text.replaceAll(/[^0-9A-Fa-f]/g, '').toUpperCase();
  if (THUMBPRINT.test(digits)) return digits;
  throw invalid(
    'CertificateThumbprint',
    `CertificateThumbprint "${text}" is no SHA-1 thumbprint`,
    'Give its 40 hexadecimal digits.',
  );
}

/**
 * How to reach the domain controller: with a credential a simple bind, without one Negotiate as the account that runs the
 * command. Throws ParameterInvalid.
 */
export function directorySettings(options: Options): DirectorySettings {
  return {
    server: options.text('server'),
    domainName: options.text('domainName'),
    bind: bindWay(options),
    startTls: options.flag('startTls') ?? false,
    trustedCertificate: options.text('trustedCertificate'),
  };
}

const AUTH_TYPES = ['Negotiate', 'Basic', 'External'] as const;

function bindWay(options: Options): BindWay {
  const credential = options.credential('credential');
  const given = options.text('authType') ?? (credential === null ? 'Negotiate' : 'Basic');
  const authType = AUTH_TYPES.find((name) => name.toLowerCase() === given.toLowerCase());
  const certificatePath = options.text('directoryCertificatePath');
  if (authType === undefined)
    throw invalid('AuthType', `AuthType "${given}" is not known`, `Give ${AUTH_TYPES.join(', ')}.`);
  if (authType === 'Negotiate') return { kind: 'negotiate', credential };
  if (authType === 'Basic') {
    if (credential !== null) return { kind: 'simple', credential };
    throw new WritebackError('ParameterMissing', 'Credential is missing: the account of the simple bind.', {
      target: 'Credential',
      remedy: 'Give -Credential; a configuration file holds no secret.',
    });
  }
  return {
    kind: 'external',
    certificatePath: required(certificatePath, 'DirectoryCertificatePath', 'the client certificate of the bind'),
    password: credential?.password ?? null,
  };
}

/** Where a plan to apply comes from. Throws ParameterMissing, ParameterInvalid. */
export function planFileOptions(options: Options): {
  readonly path: string;
  readonly digest: string;
  readonly maximumAgeHours: number;
} {
  const digest = required(
    options.text('planDigest'),
    'Digest',
    'the digest of the plan that was reviewed',
  ).toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw invalid(
      'Digest',
      'Digest is no SHA-256',
      'Give the 64 hexadecimal digits that were shown when the plan was saved.',
    );
  }
  return {
    path: required(options.text('planFile'), 'Plan', 'the plan file'),
    digest,
    maximumAgeHours: options.count('planMaximumAge') ?? 24,
  };
}

const FORMATS = ['Json', 'Text', 'Ldif'] as const;

/** How -OutFile saves a plan. Throws ParameterInvalid. */
export function savedFormat(options: Options): (typeof FORMATS)[number] {
  const given = options.text('format') ?? 'Json';
  const format = FORMATS.find((name) => name.toLowerCase() === given.toLowerCase());
  if (format !== undefined) return format;
  throw invalid('Format', `Format "${given}" is not known`, `Give ${FORMATS.join(', ')}.`);
}

export function stateSettings(options: Options, tenantId: Guid, domain: string): StateSettings {
  return { statePath: options.text('statePath'), tenantId, domain, keepReports: options.count('keepReports') };
}

export function policyOf(options: Options): Policy {
  return {
    deleteAfterDays: options.count('deleteAfter') ?? DEFAULT_POLICY.deleteAfterDays,
    keepRemoved: options.flag('keepRemoved') ?? DEFAULT_POLICY.keepRemoved,
    maximumRemoval: options.count('maximumRemoval'),
    adopt: options.flag('adopt') ?? false,
  };
}

/** Which Entra devices should have a device object. Throws ParameterInvalid. */
export function scopeOptions(options: Options): Scope {
  return {
    trustTypes: options.texts('trustType').map(trustType),
    operatingSystems: options.texts('operatingSystem'),
    groups: options.texts('group').map((id) => asGuid(id, 'Group')),
  };
}

const TRUST_TYPES = ['AzureAd', 'ServerAd', 'Workplace'] as const;

function trustType(given: string): string {
  const known = TRUST_TYPES.find((name) => name.toLowerCase() === given.toLowerCase());
  if (known !== undefined) return known;
  throw invalid('TrustType', `TrustType "${given}" is not known`, `Give ${TRUST_TYPES.join(', ')}.`);
}

/** Hours after the last complete read at which everything is read again: what Entra does not report heals then. */
export function fullAfterHours(options: Options): number {
  return options.count('fullAfter') ?? 24;
}

function optionsOf(all: Readonly<Record<string, unknown>>): Options {
  const one = <T>(name: string, accepts: (value: unknown) => value is T, what: string): T | null => {
    const value = all[name];
    if (value === undefined || value === null) return null;
    if (accepts(value)) return value;
    const parameter = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    throw invalid(parameter, `${parameter} must be ${what}`, `Correct ${parameter}.`);
  };
  return {
    text: (name) => one(name, isText, 'a text that is not empty'),
    texts: (name) => one(name, isTexts, 'a list of texts') ?? [],
    count: (name) => one(name, isCount, 'a whole number from 0 up'),
    flag: (name) => one(name, isFlag, 'true or false'),
    credential: (name) => one(name, isCredential, 'a credential with a user name and a password that is not empty'),
    environment: () =>
      one('environment', isEnvironment, 'the name of an environment, or both base addresses: graph and login'),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
// A simple bind with an empty password is an anonymous bind that succeeds (RFC 4513, 5.1.2).
const isCredential = (value: unknown): value is Credential =>
  isObject(value) && isText(value['userName']) && typeof value['password'] === 'string' && value['password'] !== '';
const isEnvironment = (value: unknown): value is SourceSettings['environment'] =>
  isText(value) || (isObject(value) && isText(value['graph']) && isText(value['login']));

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function required(value: string | null, name: string, what: string): string {
  if (value !== null) return value;
  throw new WritebackError('ParameterMissing', `${name} is missing: ${what}.`, {
    target: name,
    remedy: `Give -${name}, or put ${name} into the file that -ConfigurationPath names.`,
  });
}

function asGuid(text: string, name: string): Guid {
  const guid = parseGuid(text);
  if (guid !== null) return guid;
  throw invalid(name, `${name} "${text}" is no GUID`, 'Give the id as Entra shows it, 32 digits with hyphens.');
}

function invalid(target: string, message: string, remedy: string): WritebackError {
  return new WritebackError('ParameterInvalid', `${message}.`, { target, remedy });
}
