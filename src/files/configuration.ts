import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseGuid, type Guid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { CommonParams, PlanParams, TestParams } from '../protocol/messages.ts';
import { JsonFault, parseJson, positionOf, type JsonMember, type JsonNode } from './jsonText.ts';

/** What a configuration file can set, checked, its paths absolute: parameters that are neither secret nor for one run. */
export type Configuration = Omit<
  CommonParams,
  | 'verbose'
  | 'debug'
  | 'configurationPath'
  | 'clientSecretCredential'
  | 'credential'
  | 'certificatePassword'
  | 'accessToken'
  | 'useDeviceCode'
> &
  Pick<TestParams, 'adConnectorAccount'> &
  Pick<PlanParams, 'deleteAfter' | 'keepRemoved' | 'fullAfter' | 'trustType' | 'operatingSystem' | 'group'>;

/** A complaint about one place of the file. */
class ConfigurationFault extends Error {
  readonly at: number;
  readonly remedy: string;

  constructor(at: number, message: string, remedy: string) {
    super(message);
    this.at = at;
    this.remedy = remedy;
  }
}

type Reader<T> = (value: JsonNode, member: JsonMember, folder: string) => T;

const expected = (member: JsonMember, value: JsonNode, what: string): ConfigurationFault =>
  new ConfigurationFault(
    value.at,
    `${member.name} must be ${what}`,
    `Correct ${member.name}, or take it out of the file and give it as a parameter.`,
  );

/** No control characters, no space at either end. */
const TEXT = /^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u;
const BASE_ADDRESS = /^https?:\/\/[^\s\p{Cc}/](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u;
const THUMBPRINT = /^[0-9A-Fa-f]{40}$/;
const LONGEST_RETENTION = 36_500;

const text: Reader<string> = (value, member) => {
  if (value.kind === 'string' && TEXT.test(value.value)) return value.value;
  throw expected(
    member,
    value,
    'a text that is not empty, without control characters and without spaces at its ends (write a backslash twice)',
  );
};

const path: Reader<string> = (value, member, folder) => resolve(folder, text(value, member, folder));

const guid: Reader<Guid> = (value, member) => {
  const parsed = value.kind === 'string' ? parseGuid(value.value) : null;
  if (parsed !== null) return parsed;
  throw expected(member, value, 'a GUID such as "00000000-0000-0000-0000-000000000000"');
};

const thumbprint: Reader<string> = (value, member) => {
  if (value.kind === 'string' && THUMBPRINT.test(value.value)) return value.value;
  throw expected(member, value, 'the SHA-1 thumbprint of a certificate: 40 hexadecimal digits');
};

const boolean: Reader<boolean> = (value, member) => {
  if (value.kind === 'boolean') return value.value;
  throw expected(member, value, 'true or false, without quotes');
};

const listOf =
  <T>(reader: Reader<T>, what: string): Reader<readonly T[]> =>
  (value, member, folder) => {
    if (value.kind === 'array' && value.elements.length > 0)
      return value.elements.map((item) => reader(item, member, folder));
    throw expected(member, value, `a list that is not empty, of ${what}`);
  };

const texts = listOf(text, 'texts');
const guids = listOf(guid, 'GUIDs');

const wholeNumber =
  (least: number, most: number, of: string): Reader<number> =>
  (value, member) => {
    const fits = value.kind === 'number' && Number.isInteger(value.value);
    if (fits && value.value >= least && value.value <= most) return value.value;
    throw expected(member, value, `a whole number of ${of} from ${least} to ${most}`);
  };

const baseAddress: Reader<string> = (value, member) => {
  if (value.kind === 'string' && BASE_ADDRESS.test(value.value)) return value.value;
  throw expected(member, value, 'a base address such as "https://graph.microsoft.com"');
};

const environment: Reader<string | { readonly graph: string; readonly login: string }> = (value, member, folder) => {
  if (value.kind !== 'object') return text(value, member, folder);
  const { graph, login } = readMembers(value.members, { graph: baseAddress, login: baseAddress }, folder);
  if (graph !== undefined && login !== undefined) return { graph, login };
  throw expected(member, value, 'the name of an environment, or both of its base addresses: graph and login');
};

const SETTINGS: {
  readonly [K in keyof Configuration as Capitalize<K>]-?: Reader<Exclude<Configuration[K], undefined>>;
} = {
  TenantId: guid,
  ClientId: guid,
  CertificatePath: path,
  CertificateThumbprint: thumbprint,
  Environment: environment,
  Server: text,
  TrustedCertificate: path,
  DomainName: text,
  StatePath: path,
  AdConnectorAccount: text,
  DeleteAfter: wholeNumber(0, LONGEST_RETENTION, 'days'),
  KeepRemoved: boolean,
  KeepReports: wholeNumber(1, 10_000, 'reports'),
  GraphTimeLimit: wholeNumber(1, 1440, 'minutes'),
  GraphWaitLimit: wholeNumber(1, 3600, 'seconds'),
  // A delta token lives for a week.
  FullAfter: wholeNumber(0, 168, 'hours'),
  TrustType: texts,
  OperatingSystem: texts,
  Group: guids,
  ManagedIdentity: boolean,
  AuthType: text,
  StartTls: boolean,
  DirectoryCertificatePath: path,
};

const SECRET = /secret|password|passwd|passphrase|pwd|credential|token|apikey|privatekey|assertion/i;

/** Refuses a name before its value is looked at, so that no message can show a secret's value. */
function refuseName(member: JsonMember, known: readonly string[]): ConfigurationFault {
  const name = JSON.stringify(member.name.slice(0, 64));
  if (SECRET.test(member.name)) {
    return new ConfigurationFault(
      member.at,
      `${name} is the name of a secret, and a secret must not stand in the file`,
      'Take it out, change the secret if others can read the file, and give it as a parameter (-ClientSecretCredential, -Credential) or use a certificate.',
    );
  }
  if (member.name.toLowerCase() === 'maximumremoval') {
    return new ConfigurationFault(
      member.at,
      `${name} is for one run and must not stand in the file, where it would lift the removal threshold of every run`,
      'Take it out and give -MaximumRemoval to the one run whose plan you have looked at.',
    );
  }
  return new ConfigurationFault(member.at, `${name} is not known`, `Use only these names: ${known.join(', ')}.`);
}

type Settings<R> = {
  -readonly [K in keyof R as K extends string ? Uncapitalize<K> : never]?: R[K] extends Reader<infer T> ? T : never;
};

/** Names are compared without case; each may stand once. */
function readMembers<R extends Readonly<Record<string, Reader<unknown>>>>(
  members: readonly JsonMember[],
  readers: R,
  folder: string,
): Settings<R> {
  const known = Object.keys(readers);
  const settings: Record<string, unknown> = {};
  for (const member of members) {
    const name = known.find((each) => each.toLowerCase() === member.name.toLowerCase());
    const reader = name === undefined ? undefined : readers[name];
    if (name === undefined || reader === undefined) throw refuseName(member, known);
    const key = name.charAt(0).toLowerCase() + name.slice(1);
    if (key in settings) {
      throw new ConfigurationFault(member.at, `${name} stands in the file twice`, `Take out one of the two ${name}.`);
    }
    settings[key] = reader(member.value, member, folder);
  }
  return settings as Settings<R>;
}

/**
 * Reads a configuration file: a JSON object whose names are those of the cmdlet parameters, as
 * docs/configuration.schema.json publishes. Relative paths in it are relative to its own folder. UTF-8, with or without a
 * byte order mark. Throws ConfigurationInvalid, which names file, line, column and what to do, and never a value.
 */
export function readConfiguration(configurationPath: string): Configuration {
  const file = resolve(configurationPath);
  const content = readText(file);
  try {
    const root = parseJson(content);
    if (root.kind !== 'object') {
      throw new ConfigurationFault(root.at, 'the file must be one JSON object', 'Write the settings between { and }.');
    }
    const members = root.members.filter((member) => !isSchemaReference(member));
    return readMembers(members, SETTINGS, dirname(file));
  } catch (thrown) {
    if (!(thrown instanceof JsonFault) && !(thrown instanceof ConfigurationFault)) throw thrown;
    const { line, column } = positionOf(content, thrown.at);
    const syntax = thrown instanceof JsonFault ? 'not valid JSON: ' : '';
    throw invalid(
      file,
      `line ${line}, column ${column}: ${syntax}${thrown.message}`,
      thrown instanceof ConfigurationFault ? thrown.remedy : 'Correct the file at this place.',
    );
  }
}

/** Editors look for the published schema under this name. */
function isSchemaReference(member: JsonMember): boolean {
  return member.name === '$schema' && member.value.kind === 'string';
}

/** No configuration comes near it; what does is another file. */
const LARGEST = 64 * 1024;

function readText(file: string): string {
  let bytes: Buffer;
  try {
    const status = statSync(file);
    if (!status.isFile()) throw invalid(file, 'it is not a regular file', 'Give the path of a JSON file.');
    if (status.size > LARGEST) {
      throw invalid(file, `it is larger than ${LARGEST} bytes`, 'Give the path of a configuration file.');
    }
    bytes = readFileSync(file);
  } catch (thrown) {
    if (thrown instanceof WritebackError) throw thrown;
    const code = (thrown as NodeJS.ErrnoException).code;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    throw invalid(
      file,
      missing ? 'there is no such file' : `it cannot be read (${code ?? 'unknown cause'})`,
      missing ? 'Check the path.' : 'Let the account that runs the command read it.',
      thrown,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw invalid(
      file,
      'it is not UTF-8 text',
      'Save it as UTF-8 (in PowerShell: Set-Content -Encoding UTF8).',
      thrown,
    );
  }
}

function invalid(file: string, what: string, remedy: string, cause?: unknown): WritebackError {
  const detail = cause instanceof Error ? cause.message : null;
  return new WritebackError('ConfigurationInvalid', `Could not use the configuration file ${file}: ${what}.`, {
    target: file,
    remedy,
    detail,
    cause,
  });
}
