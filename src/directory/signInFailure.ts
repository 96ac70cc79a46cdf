/** Why no bound connection came about: the network, the certificate, the account. */
import { WritebackError } from '../errors.ts';
import { ConnectionLost, LdapRefusal, operationFailure, passes, RESULT, resultName } from './failure.ts';
import { PORT } from './server.ts';

/** Reasons why OpenSSL does not take the server's certificate, or the server no TLS of today. */
const UNTRUSTED = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const UNTRUSTED_REMEDIES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED:
    'Renew the certificate of the domain controller; if it is the one named with -TrustedCertificate that has expired, name the new one.',
  CERT_NOT_YET_VALID: 'Check the clocks of this machine and of the domain controller.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'Give -Server the name for which the certificate was issued; -TrustedCertificate adds trust in its issuer only.',
};

const TRUST_REMEDY =
  'Name a PEM file with the certificate of the authority that issued it with -TrustedCertificate, or add that authority to the trusted roots of this machine.';

/** What the connection was to begin with: TLS, StartTLS, or LDAP that Kerberos seals. */
export type Offer = 'LDAPS' | 'StartTLS' | 'LDAP';

const USUAL_PORT: Readonly<Record<Offer, number>> = { LDAPS: PORT.ldaps, StartTLS: PORT.ldap, LDAP: PORT.ldap };

/** Why no connection came about: the network, the name, the certificate or the protocol; a WritebackError stays itself. */
export function connectFailure(error: unknown, server: string, offer: Offer): unknown {
  if (error instanceof WritebackError || !(error instanceof Error)) return error;
  if (error instanceof LdapRefusal) return declined(error, server, offer);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const why = error.message === '' ? code : error.message;
  if (UNTRUSTED.has(code)) {
    return new WritebackError(
      'DirectoryUntrusted',
      `Connecting to ${server}: its certificate is not trusted: ${why} (${code}).`,
      {
        target: server,
        remedy: UNTRUSTED_REMEDIES[code] ?? TRUST_REMEDY,
        detail: code,
        cause: error,
      },
    );
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return new WritebackError(
      'DirectoryUntrusted',
      `Connecting to ${server}: no TLS connection came about: ${why} (${code}).`,
      {
        target: server,
        remedy: `Give -Server the port on which the domain controller offers ${offer} with TLS 1.2 or later, which is ${USUAL_PORT[offer]} as a rule.`,
        detail: code,
        cause: error,
      },
    );
  }
  const remedy =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'Check the name given with -Server and the name resolution of this machine.'
      : `Check that this domain controller is running, that it offers ${offer} on this port (${USUAL_PORT[offer]} as a rule), and that no firewall is between it and this machine.`;
  return new WritebackError('DirectoryUnreachable', `Connecting to ${server}: ${why}.`, {
    target: server,
    remedy,
    detail: code === '' ? why : code,
    retryable: true,
    cause: error,
  });
}

/** The server answered in the clear, but not with what a protected connection needs. */
function declined({ code, serverText: words, message }: LdapRefusal, server: string, offer: Offer): WritebackError {
  const answer = `${resultName(code)} (${code})${words === '' ? '' : `: ${words}`}`;
  const what = offer === 'StartTLS' ? 'it declined StartTLS' : 'it declined to tell its name';
  return new WritebackError('DirectoryUntrusted', `Connecting to ${server}: ${what}: ${answer}.`, {
    target: server,
    remedy:
      offer === 'StartTLS'
        ? 'Give the domain controller a certificate for server authentication; without TLS no password is sent to it.'
        : 'Give -Server the full DNS name of the domain controller instead of its address.',
    detail: message,
    retryable: passes(code),
  });
}

/** Win32 codes behind invalidCredentials, as Active Directory puts them into its text ("data 52e"). Source: [MS-ERREF] 2.2. */
const BIND_CODES: Readonly<Record<string, readonly [string, string]>> = {
  '525': ['the user was not found', 'Check the user name.'],
  '52e': ['the user name or the password is wrong', 'Check the user name and the password.'],
  '530': ['the account may not sign in at this time', 'Check the logon hours of the account.'],
  '531': ['the account may not sign in from this machine', 'Check from which machines the account may sign in.'],
  '532': ['the password has expired', 'Set a new password for the account.'],
  '533': ['the account is disabled', 'Enable the account.'],
  '701': ['the account has expired', 'Extend the account.'],
  '773': [
    'the password must be changed first',
    'Set a new password and take off "User must change password at next logon".',
  ],
  '775': ['the account is locked', 'Unlock the account, or wait until the lock ends.'],
};

/** Why the server did not let the account in, with what Active Directory says behind the result code. */
export function bindFailure(error: unknown, server: string, userName: string): unknown {
  if (!(error instanceof LdapRefusal)) {
    return operationFailure(error, { doing: 'Signing in to', target: server }, server);
  }
  const { code, serverText } = error;
  const subCode = /\bdata ([0-9a-f]+)\b/i.exec(serverText)?.[1]?.toLowerCase();
  const known = code === RESULT.invalidCredentials && subCode !== undefined ? BIND_CODES[subCode] : undefined;
  const why = known === undefined ? `${resultName(code)} (${code})` : `${known[0]} (${resultName(code)}, ${subCode})`;
  const plain = code === RESULT.strongerAuthRequired || code === RESULT.confidentialityRequired;
  const remedy =
    known?.[1] ??
    (plain
      ? 'The domain controller wants a protected connection; give -Server its LDAPS port, 636 as a rule.'
      : 'Check the user name (name@domain, DOMAIN\\name or a DN) and the password.');
  return new WritebackError('DirectoryBindRefused', `Signing in to ${server} as ${userName}: ${why}.`, {
    target: server,
    remedy,
    detail: serverText === '' ? null : serverText,
    retryable: passes(code),
    cause: error,
  });
}

const CERTIFICATE_REMEDY =
  'Check that the certificate is for client authentication, that its issuer is in the NTAuth store of the forest, and that it names the account: by the user principal name in it, or by altSecurityIdentities of the account; or sign in with -Credential or Kerberos instead.';

/**
 * Why the server did not let the account of the client certificate in. With TLS 1.3 it also says so by an alert after the
 * connection stands on this side (RFC 8446 4.4.2.4), so a connection lost in the bind is a refusal too.
 * @param subject Of the certificate. @param validTo Its end, null if it is not known.
 */
export function certificateFailure(error: unknown, server: string, subject: string, validTo: Date | null): unknown {
  if (!(error instanceof LdapRefusal || error instanceof ConnectionLost)) return error;
  const expired = validTo !== null && validTo.getTime() < Date.now();
  const known = error instanceof LdapRefusal ? error.serverText : error.message;
  const why = error instanceof LdapRefusal ? `${resultName(error.code)} (${error.code})` : error.message;
  const offered = error instanceof LdapRefusal && error.code === RESULT.authMethodNotSupported;
  return new WritebackError(
    'DirectoryBindRefused',
    `Signing in to ${server} by the certificate ${subject}: ${expired ? `it expired on ${validTo.toISOString()}; ` : ''}${why}.`,
    {
      target: server,
      remedy: expired
        ? 'Renew the certificate and give its new file.'
        : offered
          ? 'This server signs nobody in by a certificate; give -Credential, or use Kerberos.'
          : CERTIFICATE_REMEDY,
      detail: known === '' ? null : known,
      retryable: error instanceof LdapRefusal ? passes(error.code) : true,
      cause: error,
    },
  );
}
