/**
 * The ways to a connection that is protected and signed in. None of them sends a password, or anything of the directory,
 * before the connection is protected: a simple bind exists over TLS only.
 *
 * Channel binding (tls-server-end-point, RFC 5929) ties a SASL security context to the TLS connection below it. Nothing of
 * the kind is sent, because no way here has both: over TLS the account is proved by a simple bind or by the client
 * certificate of TLS itself, and a Negotiate context protects a connection without TLS by its own signing and sealing, for
 * which Active Directory allows no TLS below ([MS-ADTS] 5.1.2.2). A domain controller that demands channel bindings
 * demands them of SASL over TLS, so all three ways pass it.
 */
import { connect, isIP, type LookupFunction } from 'node:net';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { BindRequest, ExtendedRequest, ExtendedResponse } from 'ldapts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { BindWay, HostServices } from '../ports.ts';
import { untilCancelled, withinTime } from './cancellation.ts';
import { readClientCertificate } from './clientCertificate.ts';
import { oneText, toEntry } from './entry.ts';
import { LdapRefusal, RESULT } from './failure.ts';
import { searchRequest } from './message.ts';
import { anything } from './search.ts';
import { openSealedSocket } from './sealedSocket.ts';
import { describeProtection, openSecureSocket } from './secureSocket.ts';
import { PORT, parseServer, serverText, type Server } from './server.ts';
import { bindFailure, certificateFailure, connectFailure } from './signInFailure.ts';
import { trustedCertificates } from './trust.ts';
import { openWire, type Wire } from './wire.ts';

export interface Timeouts {
  /** Milliseconds until the connection must stand, protected. */
  readonly connect: number;
  /** Milliseconds until an operation must be answered; a search, until its next entry. */
  readonly operation: number;
}

export interface SignInSettings {
  /** `host` or `host:port`; an IPv6 address stands in brackets when a port follows. Without a port the usual one. */
  readonly server: string;
  /** userName of a simple bind as the directory takes it: UPN, DOMAIN\name or DN. */
  readonly bind: BindWay;
  /** StartTLS on the plain port instead of LDAPS; not for Negotiate, which seals by itself. */
  readonly startTls: boolean;
  /** Path of a PEM or DER file, trusted besides the authorities of Node and of the machine. */
  readonly trustedCertificate: string | null;
  /** For Negotiate; null where there is no way to .NET. */
  readonly hostServices: HostServices | null;
  /** Finds the address of a host for TLS; the system's way if it is absent. */
  readonly lookup?: LookupFunction;
}

/** A connection that is signed in. */
export interface Session {
  readonly wire: Wire;
  /** How it is protected, one phrase. */
  readonly protection: string;
}

export interface SignIn {
  readonly server: Server;
  /** The user name that was given, null for Negotiate as oneself and for a client certificate. */
  readonly userName: string | null;
  /** Opens a new connection. @throws WritebackError */
  open(signal: AbortSignal): Promise<Session>;
}

export const WHO_AM_I = '1.3.6.1.4.1.4203.1.11.3';

/** @throws ParameterInvalid, ParameterMissing, HostServiceUnavailable for settings with which nobody can sign in. */
export function createSignIn(settings: SignInSettings, timeouts: Timeouts, log: Log): SignIn {
  const { bind } = settings;
  log.secret((bind.kind === 'external' ? bind.password : bind.credential?.password) ?? '');
  if (bind.kind === 'negotiate') return negotiateSignIn(settings, bind, timeouts, log);
  const server = parseServer(settings.server, settings.startTls ? PORT.ldap : PORT.ldaps);
  const openTls = tlsOpener(settings, server, timeouts);
  return bind.kind === 'simple' ? simpleSignIn(server, bind, openTls) : externalSignIn(server, bind, settings, openTls);
}

type Way<Kind extends BindWay['kind']> = Extract<BindWay, { readonly kind: Kind }>;
type OpenTls = (signal: AbortSignal) => Promise<Session & { readonly socket: TLSSocket }>;

function tlsOpener(settings: SignInSettings, server: Server, timeouts: Timeouts): OpenTls {
  const { bind, startTls, trustedCertificate, lookup } = settings;
  let context: SecureContext | null = null;
  const secureContext = (): SecureContext => {
    const own = bind.kind === 'external' ? readClientCertificate(bind.certificatePath, bind.password) : {};
    return createSecureContext({ ca: [...trustedCertificates(trustedCertificate)], minVersion: 'TLSv1.2', ...own });
  };
  return async (signal) => {
    context ??= secureContext();
    const way = { secureContext: context, startTls, ...(lookup === undefined ? {} : { lookup }) };
    try {
      const socket = await openSecureSocket(server, way, timeouts.connect, signal);
      return { socket, wire: openWire(socket, timeouts.operation), protection: describeProtection(socket, startTls) };
    } catch (error) {
      throw connectFailure(error, serverText(server), startTls ? 'StartTLS' : 'LDAPS');
    }
  };
}

function simpleSignIn(server: Server, { credential }: Way<'simple'>, openTls: OpenTls): SignIn {
  const { userName, password } = credential;
  const name = serverText(server);
  return {
    server,
    userName,
    open: async (signal) => {
      // A bind with a name and no password is an anonymous one that succeeds (RFC 4513 5.1.2).
      if (userName === '' || password === '') {
        throw new WritebackError('ParameterMissing', `Signing in to ${name}: user name and password are both needed.`, {
          target: name,
          remedy: 'Give -Credential a user name and a password that are not empty.',
        });
      }
      const { wire, protection } = await openTls(signal);
      try {
        await untilCancelled(wire.request(new BindRequest({ messageId: 0, dn: userName, password })), signal);
        return { wire, protection };
      } catch (error) {
        wire.close();
        throw bindFailure(error, name, userName);
      }
    },
  };
}

/**
 * SASL EXTERNAL (RFC 4513 5.2.3) by the client certificate of the TLS connection. A domain controller signs the account of
 * the certificate in as soon as LDAPS stands, and refuses the bind then; after StartTLS it wants the bind
 * ([MS-ADTS] 5.1.1.2). So over LDAPS it is asked first who is signed in already.
 */
function externalSignIn(
  server: Server,
  { certificatePath }: Way<'external'>,
  { startTls }: SignInSettings,
  openTls: OpenTls,
): SignIn {
  return {
    server,
    userName: null,
    open: async (signal) => {
      const { wire, protection, socket } = await openTls(signal);
      const own = socket.getX509Certificate();
      const subject = own?.subject.split('\n').join(', ') ?? certificatePath;
      try {
        if (startTls || (await whoAmI(wire, signal)) === null) {
          const request = new BindRequest({ messageId: 0, mechanism: 'EXTERNAL' });
          await untilCancelled(wire.request(request), signal);
        }
        return { wire, protection: `${protection}, signed in by the certificate ${subject}` };
      } catch (error) {
        wire.close();
        throw certificateFailure(error, serverText(server), subject, own?.validToDate ?? null);
      }
    },
  };
}

/** RFC 4532; null if nobody is signed in, or the server does not say. */
async function whoAmI(wire: Wire, signal: AbortSignal): Promise<string | null> {
  try {
    const { response } = await untilCancelled(
      wire.request(new ExtendedRequest({ messageId: 0, oid: WHO_AM_I })),
      signal,
    );
    const name = response instanceof ExtendedResponse ? response.value : undefined;
    return name === undefined || name === '' ? null : name;
  } catch (error) {
    if (error instanceof LdapRefusal) return null;
    throw error;
  }
}

/**
 * Kerberos proves that the server is the one named by its service principal, so the name must come from whoever runs this:
 * it is the host name in -Server, or the one that DNS gives for the domain. Where -Server is an address, the server itself
 * is asked for its name (rootDSE, which anybody may read, [MS-ADTS] 3.1.1.3.2); what is proved then is only that it is a
 * member of the domain that has this name, and a warning says so.
 */
function negotiateSignIn(
  settings: SignInSettings,
  { credential }: Way<'negotiate'>,
  timeouts: Timeouts,
  log: Log,
): SignIn {
  const server = parseServer(settings.server, PORT.ldap);
  const name = serverText(server);
  const { hostServices: services } = settings;
  if (settings.startTls) {
    throw new WritebackError(
      'ParameterInvalid',
      'StartTLS and Negotiate do not go together: Negotiate seals by itself.',
      {
        target: 'StartTls',
        remedy: 'Leave out -StartTls, or give -AuthType Basic with -Credential.',
      },
    );
  }
  if (services === null) {
    throw new WritebackError('HostServiceUnavailable', `Signing in to ${name} by Kerberos: there is no way to .NET.`, {
      target: name,
      remedy:
        'Run the command in PowerShell 7.4 or later, or sign in over LDAPS: with -Credential and -AuthType Basic, or with a client certificate and -AuthType External.',
    });
  }
  let hostName: string | null = isIP(server.host) === 0 ? server.host : null;
  return {
    server,
    userName: credential?.userName ?? null,
    open: async (signal) => {
      try {
        if (hostName === null) {
          hostName = await readHostName(server, timeouts, signal);
          log.warning(
            `${name} is an address, so it was asked for its name: ${hostName}. Give -Server this name, so that the domain controller has to prove that it is the one you mean.`,
          );
        }
        const target = { ...server, principal: `ldap/${hostName}`, credential };
        const { socket, protection } = await openSealedSocket(target, services, timeouts.connect, signal);
        return { wire: openWire(socket, timeouts.operation), protection };
      } catch (error) {
        throw connectFailure(error, name, 'LDAP');
      }
    },
  };
}

async function readHostName({ host, port }: Server, timeouts: Timeouts, signal: AbortSignal): Promise<string> {
  const wire = openWire(connect({ host, port, noDelay: true }), timeouts.operation);
  try {
    const query = { base: '', scope: 'base', filter: anything, attributes: ['dnsHostName'] } as const;
    const seconds = Math.ceil(timeouts.operation / 1000);
    const answer = wire.request(searchRequest(query, seconds, []));
    const { entries } = await withinTime(answer, timeouts.connect, 'no answer', signal);
    const hostName = entries[0] === undefined ? null : oneText(toEntry(entries[0]), 'dnsHostName');
    if (hostName === null) throw new LdapRefusal(RESULT.noSuchAttribute, 'it does not tell its dnsHostName');
    return hostName;
  } finally {
    wire.close();
  }
}
