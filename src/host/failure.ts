/** What went wrong in .NET, as errors that say what to do. Its own words are kept. */
import { WritebackError, type ErrorCode } from '../errors.ts';

/** What the two ways on are where Kerberos is not to be had. */
const WITHOUT_KERBEROS = 'connect by LDAPS with -Credential or a client certificate';

/** The codes that module/Services answers with, and what each means to who runs the command. */
const FAILURES: Readonly<
  Record<string, { readonly code: ErrorCode; readonly remedy: string; readonly retryable?: true }>
> = {
  IdentityRefused: {
    code: 'DirectoryBindRefused',
    remedy:
      'Check user name (name@domain) and password; without -Credential, that the account which runs this is one of the domain and has a ticket that is still valid (klist shows it).',
  },
  TargetRefused: {
    code: 'DirectoryBindRefused',
    remedy:
      'Give -Server the full DNS name of a domain controller, not an address or an alias; check that its realm can be reached (port 88) and that the clocks agree.',
    retryable: true,
  },
  ProtectionRefused: {
    code: 'DirectoryUntrusted',
    remedy: `Check that -Server names a domain controller of this domain; otherwise ${WITHOUT_KERBEROS}.`,
  },
  FrameworkTooOld: {
    code: 'HostServiceUnavailable',
    remedy: `Run the command in PowerShell 7.4 or later, or ${WITHOUT_KERBEROS}.`,
  },
  LibraryMissing: {
    code: 'HostServiceUnavailable',
    remedy: `Install the Kerberos library (Debian and Ubuntu: libgssapi-krb5-2, Red Hat: krb5-libs), or ${WITHOUT_KERBEROS}.`,
  },
  ContextBroken: {
    code: 'DirectoryUnreachable',
    remedy:
      'Run again; if it stays, see whether something between this machine and the domain controller changes LDAP traffic.',
    retryable: true,
  },
  CertificateNotFound: {
    code: 'CertificateUnusable',
    remedy: 'Give the thumbprint of a certificate that is in a personal store of this account or of the computer.',
  },
  KeyUnusable: {
    code: 'CertificateUnusable',
    remedy:
      'Give the account that runs this the right to read the private key, or import certificate and key again with the key storage provider of Microsoft.',
  },
  ProtectionUnavailable: {
    code: 'HostServiceUnavailable',
    remedy: 'Give the secret with each run where the system keeps none for an account.',
  },
  SecretUnreadable: {
    code: 'StateInvalid',
    remedy: 'Give the secret again, as the account and on the computer that will use it.',
  },
};

/** @param doing What was being done, as in "Signing in to". @param target To what: a principal name, a thumbprint. */
export function hostFailure(code: string, words: string, doing: string, target: string): WritebackError {
  const known = FAILURES[code];
  return new WritebackError(known?.code ?? 'EngineFault', `${doing} ${target}: ${words}`, {
    target,
    remedy: known?.remedy ?? 'Report it with the text of this error.',
    detail: code,
    retryable: known?.retryable ?? false,
  });
}

/** There is no way to .NET at all. */
export function unavailable(why: string, remedy: string, cause?: unknown): WritebackError {
  return new WritebackError('HostServiceUnavailable', `Loading .NET into the engine: ${why}`, {
    target: '.NET',
    remedy: `${remedy} Without it: run the command in PowerShell 7.4 or later, or ${WITHOUT_KERBEROS}.`,
    detail: why,
    cause,
  });
}

/** An answer that has not the form of its operation. */
export function malformed(operation: string, member: string): WritebackError {
  return new WritebackError('EngineFault', `The answer of .NET to ${operation} has no ${member} that can be read.`, {
    target: operation,
    remedy: 'Install the module again: its assemblies and its engine are of different versions.',
  });
}
