/** What goes wrong with the directory, as errors that say what to do. The server's own words are kept. */
import { WritebackError, type ErrorCode } from '../errors.ts';
import { hostOf } from './referral.ts';

/** A result other than success. Source: RFC 4511 4.1.9. */
export class LdapRefusal extends Error {
  override readonly name = 'LdapRefusal';
  readonly code: number;
  readonly serverText: string;
  /** LDAP URLs of a referral (RFC 4511 4.1.10). */
  readonly referrals: readonly string[];

  constructor(code: number, serverText: string, referrals: readonly string[] = []) {
    super(`${resultName(code)} (${code}): ${serverText}`);
    this.code = code;
    this.serverText = serverText.replaceAll('\0', '').trim();
    this.referrals = referrals;
  }
}

/** The connection ended before the answer came: whether the operation was done is not known. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** Result codes of RFC 4511 4.1.9 that this program tells apart. */
export const RESULT = {
  protocolError: 2,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  referral: 10,
  confidentialityRequired: 13,
  saslBindInProgress: 14,
  noSuchAttribute: 16,
  constraintViolation: 19,
  attributeOrValueExists: 20,
  noSuchObject: 32,
  invalidDNSyntax: 34,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  entryAlreadyExists: 68,
} as const;

const RESULT_NAMES: Readonly<Record<number, string>> = {
  1: 'operationsError',
  2: 'protocolError',
  3: 'timeLimitExceeded',
  4: 'sizeLimitExceeded',
  7: 'authMethodNotSupported',
  8: 'strongerAuthRequired',
  10: 'referral',
  11: 'adminLimitExceeded',
  12: 'unavailableCriticalExtension',
  13: 'confidentialityRequired',
  16: 'noSuchAttribute',
  17: 'undefinedAttributeType',
  18: 'inappropriateMatching',
  19: 'constraintViolation',
  20: 'attributeOrValueExists',
  21: 'invalidAttributeSyntax',
  32: 'noSuchObject',
  34: 'invalidDNSyntax',
  48: 'inappropriateAuthentication',
  49: 'invalidCredentials',
  50: 'insufficientAccessRights',
  51: 'busy',
  52: 'unavailable',
  53: 'unwillingToPerform',
  64: 'namingViolation',
  65: 'objectClassViolation',
  66: 'notAllowedOnNonLeaf',
  68: 'entryAlreadyExists',
  80: 'other',
};

const PASSING = new Set([3, 11, 51, 52]);

const REMEDIES: Readonly<Record<number, string>> = {
  4: 'The domain controller gives fewer entries than the read needs; see MaxPageSize and MaxResultSetSize in its LDAP policy (ntdsutil), then run again.',
  16: 'Compare the attributes of the change with the schema of this forest; Test-DeviceWritebackPrereq tells which ones it lacks.',
  19: 'A value does not fit the schema or the object; compare the values of the change with the object, then run again.',
  20: 'The directory takes two of the values for the same one, though they differ; correct the Entra device, then run again.',
  21: 'A value does not fit its syntax or range in the schema; correct the value of the Entra device, then run again.',
  32: 'Check that the container and the object still exist, then run again.',
  53: 'The domain controller does this for no account in this state; read its answer in the detail of this error, and check that it is a writable domain controller.',
  64: 'Device objects can only be created in an msDS-DeviceContainer; check msDS-DeviceLocation with Test-DeviceWritebackPrereq.',
  65: 'A mandatory attribute is missing, or one is not allowed on this class; check the schema with Test-DeviceWritebackPrereq.',
  66: 'The object has children that device writeback did not create; move or delete them by hand.',
};

/** Whether trying later can help: timeLimitExceeded, adminLimitExceeded, busy, unavailable. */
export function passes(code: number): boolean {
  return PASSING.has(code);
}

export function resultName(code: number): string {
  return RESULT_NAMES[code] ?? 'result code';
}

/** What was being done to which object, in words: "Modifying" and a DN. */
export interface Attempt {
  readonly doing: string;
  /** A DN, or the server where the operation is about no object. */
  readonly target: string;
  /** The code of an error that none of the general ones fits. */
  readonly otherwise?: ErrorCode;
  /** What to do when rights are missing; null for the general advice. */
  readonly whenForbidden?: string;
}

/** An error of an operation as one that may leave the engine; a WritebackError stays what it is. */
export function operationFailure(error: unknown, attempt: Attempt, server: string): unknown {
  const { doing, target } = attempt;
  if (error instanceof ConnectionLost) {
    return new WritebackError(
      'DirectoryUnreachable',
      `${doing} ${target}: the connection to ${server} was lost: ${error.message}.`,
      {
        target: server,
        remedy:
          'Check that this domain controller is running and reachable, then run again; a second run continues where this one ended.',
        detail: error.message,
        retryable: true,
        cause: error,
      },
    );
  }
  if (!(error instanceof LdapRefusal)) return error;
  const { code, serverText } = error;
  const answer = `${resultName(code)} (${code})${serverText === '' ? '' : `: ${serverText}`}`;
  const passing = passes(code);
  const forbidden = code === RESULT.insufficientAccessRights;
  const remedy =
    code === RESULT.referral
      ? referralRemedy(error.referrals)
      : forbidden
        ? (attempt.whenForbidden ?? 'Run the command as an account that has the right to do this.')
        : passing
          ? 'The domain controller is busy; run again later.'
          : (REMEDIES[code] ??
            'Read the answer of the domain controller in the detail of this error, correct its cause, then run again.');
  return new WritebackError(
    forbidden ? 'DirectoryForbidden' : passing ? 'DirectoryFailed' : (attempt.otherwise ?? 'DirectoryFailed'),
    `${doing} ${target}: ${server} answered ${answer}`,
    { target, remedy, detail: [answer, ...error.referrals].join('; '), retryable: passing, cause: error },
  );
}

/** A referral names the DNS name of the domain that keeps the object, or a domain controller that may write it. */
function referralRemedy(referrals: readonly string[]): string {
  const hosts = [...new Set(referrals.map(hostOf).filter((host) => host !== null))].join(' or ');
  return hosts === ''
    ? 'Give -Server a writable domain controller of the domain that the object is in.'
    : `This domain controller does not keep the object for writing: give -Server a domain controller of ${hosts}, or -DomainName with that name.`;
}

/** The dsacls line that lets the account create and delete device objects in the container. */
export function createRightsCommand(container: string, account: string): string {
  return `dsacls "${container}" /G "${account}:CCDC;msDS-Device"`;
}

/** The dsacls line that lets the account write every property of the device objects in the container. */
export function writeRightsCommand(container: string, account: string): string {
  return `dsacls "${container}" /I:S /G "${account}:RPWP;;msDS-Device"`;
}
