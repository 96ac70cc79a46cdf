/**
 * The closed list of error codes. A code is the PowerShell error id: its meaning is fixed for the life of the product.
 * Each has the PowerShell ErrorCategory that its record carries. `docs/errors.md` gives every code's cause and remedy.
 */
export const ERROR_CODES = {
  ParameterMissing: 'InvalidArgument',
  ParameterInvalid: 'InvalidArgument',
  ConfigurationInvalid: 'InvalidData',
  CertificateUnusable: 'InvalidData',
  CertificateExpired: 'AuthenticationError',
  SignInRefused: 'AuthenticationError',
  SignInUnreachable: 'ConnectionError',
  GraphUnreachable: 'ConnectionError',
  GraphUnauthorized: 'AuthenticationError',
  GraphForbidden: 'PermissionDenied',
  GraphThrottled: 'LimitsExceeded',
  GraphFailed: 'ResourceUnavailable',
  GraphAnswerInvalid: 'InvalidData',
  DirectoryUnreachable: 'ConnectionError',
  DirectoryUntrusted: 'SecurityError',
  DirectoryBindRefused: 'AuthenticationError',
  DirectoryForbidden: 'PermissionDenied',
  DirectoryFailed: 'ResourceUnavailable',
  DirectoryAnswerInvalid: 'InvalidData',
  SchemaMissing: 'NotInstalled',
  RegistrationServiceMissing: 'ObjectNotFound',
  RegistrationServiceAmbiguous: 'InvalidData',
  ContainerMissing: 'ObjectNotFound',
  ContainerInvalid: 'InvalidData',
  AccountNotFound: 'ObjectNotFound',
  OtherTenant: 'InvalidOperation',
  RemovalThreshold: 'LimitsExceeded',
  SourceTooSmall: 'LimitsExceeded',
  DeviceNotFound: 'ObjectNotFound',
  StateUnwritable: 'WriteError',
  StateInvalid: 'InvalidData',
  PlanUnknown: 'InvalidOperation',
  PlanFileInvalid: 'InvalidData',
  PlanFileForeign: 'InvalidOperation',
  PlanFileTooOld: 'InvalidOperation',
  DigestMismatch: 'SecurityError',
  RunInProgress: 'ResourceBusy',
  OutFileUnwritable: 'WriteError',
  ReportInvalid: 'InvalidData',
  ChangeFailed: 'WriteError',
  HostServiceUnavailable: 'NotInstalled',
  Cancelled: 'OperationStopped',
  EngineFault: 'InvalidResult',
  // Raised by the module, which cannot ask the engine: module/Bridge.
  EngineMissing: 'NotInstalled',
  EngineIncompatible: 'InvalidOperation',
  EngineLost: 'ProtocolError',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What crosses the bridge for every error; `category` is a name of System.Management.Automation.ErrorCategory. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly category: string;
  readonly message: string;
  /** The object the error is about: a DN, a host, a file, a device id. */
  readonly target: string | null;
  /** What to do about it, one sentence. */
  readonly remedy: string;
  /** The other side's own words, or the technical cause. */
  readonly detail: string | null;
  readonly retryable: boolean;
}

export interface ErrorParts {
  readonly target?: string | null;
  readonly remedy: string;
  readonly detail?: string | null;
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * The one error that leaves the engine. The message says what we were doing, to which object, and what the other side
 * answered; the remedy says what to do. Neither may hold a secret.
 */
export class WritebackError extends Error {
  override readonly name = 'WritebackError';
  readonly code: ErrorCode;
  readonly target: string | null;
  readonly remedy: string;
  readonly detail: string | null;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, parts: ErrorParts) {
    super(message, { cause: parts.cause });
    this.code = code;
    this.target = parts.target ?? null;
    this.remedy = parts.remedy;
    this.detail = parts.detail ?? null;
    this.retryable = parts.retryable ?? false;
  }

  get category(): string {
    return ERROR_CODES[this.code];
  }

  toJSON(): ErrorData {
    const { code, category, message, target, remedy, detail, retryable } = this;
    return { code, category, message, target, remedy, detail, retryable };
  }
}

/** Any thrown thing as a WritebackError; what nobody foresaw becomes EngineFault, which says what to report. */
export function toWritebackError(thrown: unknown): WritebackError {
  if (thrown instanceof WritebackError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new WritebackError('EngineFault', `The engine met an error that it does not know: ${error.message}`, {
    remedy: 'Report it with the detail of this error; what was written before it is in the report of the run.',
    detail: error.stack ?? null,
    cause: error,
  });
}

/** Throws the Cancelled error if the signal has fired. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

export function cancelled(): WritebackError {
  return new WritebackError('Cancelled', 'The operation was stopped.', {
    remedy: 'Run the command again; what was already written stays and is found by the next run.',
  });
}
