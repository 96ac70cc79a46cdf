/** What the commands ask of the outside. Types only; main joins them to the real parts. */
import type { EntraDevice } from './device/entraDevice.ts';
import type { DeviceObject } from './device/deviceObject.ts';
import type { Guid } from './device/guid.ts';
import type { ErrorData, WritebackError } from './errors.ts';
import type { Log } from './log.ts';
import type { Policy } from './plan/policy.ts';
import type { Scope } from './plan/scope.ts';
import type { Change, Held, Plan, PlanSummary, Refusal } from './plan/change.ts';

export interface Clock {
  now(): Date;
  /** Resolves after so many milliseconds, rejects with Cancelled when the signal fires. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Who signed in to Graph and with which rights; for diagnosis, the proof is a request. */
export interface SignIn {
  readonly tenantId: Guid | null;
  readonly clientId: Guid | null;
  /** Application permissions in the token (`roles`) or delegated scopes (`scp`). */
  readonly roles: readonly string[];
}

/** Source: Microsoft Graph v1.0, resource type organization. */
export interface Organization {
  readonly id: Guid;
  readonly displayName: string | null;
  /** Name of the default verified domain. */
  readonly defaultDomain: string | null;
}

/** The answer to "is it still there?": 404 alone is gone; unproven says why. */
export type Presence =
  | { readonly id: Guid; readonly state: 'gone' }
  | { readonly id: Guid; readonly state: 'present'; readonly device: EntraDevice }
  | { readonly id: Guid; readonly state: 'unproven'; readonly why: string };

/** What a delta link answered: ids that may have changed in any way or be gone, or that a full read is needed. */
export type DeltaAnswer =
  | { readonly state: 'changes'; readonly ids: readonly Guid[]; readonly link: string }
  | { readonly state: 'refused'; readonly why: string };

/** Where desired state is read: Microsoft Graph. Every method throws WritebackError. */
export interface DeviceSource {
  /** The source's host, for messages. */
  readonly host: string;
  /** Gets a token if there is none. */
  signIn(signal: AbortSignal): Promise<SignIn>;
  organization(signal: AbortSignal): Promise<Organization>;
  /** Service plan ids of the enabled subscriptions, lower case. */
  servicePlans(signal: AbortSignal): Promise<ReadonlySet<Guid>>;
  /** One page of one device: the proof that devices can be read. */
  probeDevices(signal: AbortSignal): Promise<void>;
  /** One page of one user with its on-premises SID: the proof that owners can be read. */
  probeUsers(signal: AbortSignal): Promise<void>;
  /**
   * Every device with its owner's SID, page by page to the end; a device may come again, and then the last one counts.
   * An enumeration that ends without an error is complete.
   */
  devices(signal: AbortSignal): AsyncIterable<EntraDevice>;
  /** Asks for each id; one answer an id, in any order. */
  devicesById(ids: readonly Guid[], signal: AbortSignal): AsyncIterable<Presence>;
  /** A delta link from now on, and no device: taken before the list, so that nothing falls between. */
  startDelta(signal: AbortSignal): Promise<string>;
  /** Follows a delta link to its end. */
  changesSince(link: string, signal: AbortSignal): Promise<DeltaAnswer>;
  /** Object ids of the devices in a group, nested groups included. Throws if the group cannot be read. */
  groupMembers(groupId: Guid, signal: AbortSignal): Promise<ReadonlySet<Guid>>;
  /** The Date header of the latest answer, null before the first. */
  serverTime(): Date | null;
  /** Requests sent so far, retries included. */
  requests(): number;
}

/** Source: [MS-ADTS] 3.1.1.3.2. */
export interface RootDse {
  readonly dnsHostName: string;
  readonly defaultNamingContext: string;
  readonly configurationNamingContext: string;
  readonly schemaNamingContext: string;
  readonly rootDomainNamingContext: string;
  /** The domain controller's clock. */
  readonly currentTime: Date;
  readonly highestCommittedUsn: string;
}

export interface Schema {
  readonly objectVersion: number;
  /** lDAPDisplayNames, as the schema spells them, of the device registration classes that exist. */
  readonly classes: ReadonlySet<string>;
  /** lDAPDisplayNames of the attributes of msDS-Device and the registration service that exist. */
  readonly attributes: ReadonlySet<string>;
}

/** An msDS-DeviceRegistrationService object. */
export interface RegistrationService {
  readonly distinguishedName: string;
  readonly whenCreated: Date | null;
  /** msDS-DeviceLocation, null if it cannot be read. */
  readonly deviceLocation: string | null;
  readonly isEnabled: boolean | null;
  /** msDS-MaximumRegistrationInactivityPeriod, in days. */
  readonly inactivityDays: number | null;
  /** Values of msDS-CloudIssuerPublicCertificates: DER as lower-case hexadecimal digits. */
  readonly cloudIssuerCertificates: readonly string[];
}

export interface Container {
  readonly distinguishedName: string;
  readonly objectGuid: Guid;
  readonly objectClasses: readonly string[];
}

/** What the bound account may do below the container, as the directory itself says. */
export interface EffectiveRights {
  readonly createDevices: boolean;
  readonly deleteDevices: boolean | null;
  /** null where the container has no device object to ask about. */
  readonly writeAttributes: ReadonlySet<string> | null;
  /**
   * Whether device objects inherit a right to write that is not for single attributes, for the account or its groups; null
   * where that is not known.
   */
  readonly inheritedWrite: boolean | null;
  /**
   * What is written, adminDescription included, and a new device object inherits no right to write for the account or its
   * groups; also empty where that is not known, which a null of inheritedWrite tells.
   */
  readonly missingAttributes: readonly string[];
}

/** By what device objects are looked up. */
export interface ObjectNames {
  readonly deviceIds: readonly Guid[];
  /** Values of cn. */
  readonly names: readonly string[];
  /** Values of altSecurityIdentities. */
  readonly keys: readonly string[];
}

export interface Account {
  readonly distinguishedName: string;
  readonly sid: string;
  readonly name: string;
}

/** How the one LDAP operation of a change ended. */
export type WriteOutcome =
  | { readonly state: 'applied'; readonly objectGuid: Guid | null }
  /** The object changed, vanished or is no longer ours since it was read. */
  | { readonly state: 'skipped'; readonly why: string }
  | { readonly state: 'failed'; readonly error: WritebackError };

/** A new object of the preparation. */
export interface NewObject {
  readonly distinguishedName: string;
  readonly objectClass: string;
  readonly attributes: Readonly<Record<string, readonly (string | Uint8Array)[]>>;
}

/** The least rights of a writer on the container, and which of them an account lacks. */
export interface Grant {
  /** SDDL of each access control entry that is missing; empty when the account has all. */
  readonly missing: readonly string[];
  /** The DACL as it is, in SDDL. */
  readonly dacl: string;
}

/** Where current state is read and written: one domain controller. Every method throws WritebackError. */
export interface Directory {
  /** Host and port, for messages. */
  readonly server: string;
  rootDse(signal: AbortSignal): Promise<RootDse>;
  /** How the connection is protected, one phrase: protocol, cipher, subject of the certificate. */
  protection(signal: AbortSignal): Promise<string>;
  /** The account that is bound, as the directory names it (RFC 4532), null if it does not say. */
  whoAmI(signal: AbortSignal): Promise<string | null>;
  schema(signal: AbortSignal): Promise<Schema>;
  registrationServices(signal: AbortSignal): Promise<readonly RegistrationService[]>;
  /** `keywords` of the device registration service connection point, null if the object is not there. */
  serviceConnectionPoint(signal: AbortSignal): Promise<readonly string[] | null>;
  /** The object at this DN, null if there is none. */
  container(distinguishedName: string, signal: AbortSignal): Promise<Container | null>;
  /** The device objects that have one of these device ids, names or keys: a search of indexed attributes. */
  devicesNamed(container: string, names: ObjectNames, signal: AbortSignal): AsyncIterable<DeviceObject>;
  /** Every device object below the container, paged to the last cookie. */
  devices(container: string, signal: AbortSignal): AsyncIterable<DeviceObject>;
  /** Those of these objects that are still below the container, as they are now. */
  devicesByGuid(container: string, objectGuids: readonly Guid[], signal: AbortSignal): AsyncIterable<DeviceObject>;
  /** The device object as it is now, null if it is gone. */
  device(objectGuid: Guid, signal: AbortSignal): Promise<DeviceObject | null>;
  effectiveRights(container: string, signal: AbortSignal): Promise<EffectiveRights>;
  /** Does a change with one LDAP operation; what goes wrong with the one object is an outcome, not an error. */
  write(change: Change, signal: AbortSignal): Promise<WriteOutcome>;
  /** Finds a user, computer or gMSA by sAMAccountName, DOMAIN\name, UPN, SID or DN. */
  account(identity: string, signal: AbortSignal): Promise<Account | null>;
  create(object: NewObject, signal: AbortSignal): Promise<void>;
  /** Adds values to an attribute that is already there or not. */
  addValues(
    distinguishedName: string,
    attribute: string,
    values: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<void>;
  /** SDDL of the access control entries of the least rights, as addGrant adds them. */
  leastRights(sid: string): readonly string[];
  grant(container: string, sid: string, signal: AbortSignal): Promise<Grant>;
  /** Adds the missing access control entries and changes nothing else of the descriptor. */
  addGrant(container: string, sid: string, signal: AbortSignal): Promise<void>;
  /** LDAP requests so far, those of signing in included. */
  requests(): number;
  close(): Promise<void>;
}

/** One line of the journal. */
export type JournalLine =
  | { readonly kind: 'run'; readonly run: RunHeader }
  /** Written before the operation; holds the old values. */
  | { readonly kind: 'before'; readonly number: number; readonly change: Change }
  /** Written after it. */
  | { readonly kind: 'after'; readonly number: number; readonly result: ChangeResult };

export type ResultState = 'applied' | 'failed' | 'skipped' | 'cancelled';

export interface ChangeResult {
  readonly state: ResultState;
  /** Why it was skipped, or the error's message and remedy. */
  readonly why: string | null;
  readonly code: string | null;
  /** What it took, with all that was looked up for it. */
  readonly milliseconds: number;
}

/** What was read for a run and why: everything, or what changed since the last run. */
export interface Reading {
  readonly kind: 'full' | 'delta' | 'planFile';
  /** One phrase: why everything was read, since when changes were, or which file the plan is from. */
  readonly why: string;
  /** What reading both sides and planning took. */
  readonly milliseconds: number;
}

/** What the administrator asked for, beside where and as whom. */
export interface RunInputs {
  readonly policy: Policy;
  /** null for a plan from a file. */
  readonly scope: Scope | null;
}

/** What a report begins with; no secret in it. */
export interface RunHeader {
  readonly runId: string;
  readonly started: string;
  readonly reading: Reading;
  readonly inputs: RunInputs;
  readonly tenantId: Guid;
  readonly server: string;
  readonly container: string;
  readonly containerGuid: Guid;
  readonly digest: string;
  readonly held: readonly Held[];
  readonly summary: PlanSummary;
  readonly refusal: Refusal | null;
  readonly declined: number;
}

export interface Journal {
  /** Returns when the lines are in the file, written at once and in their order. */
  append(...lines: readonly JournalLine[]): void;
  /** Makes report and undo plan from the journal, removes the journal and returns the report's path. */
  finish(ending: RunEnding): string;
}

export interface RunEnding {
  readonly ended: string;
  readonly outcome: 'completed' | 'failures' | 'refused' | 'cancelled' | 'interrupted';
  readonly graphRequests: number;
  readonly directoryRequests: number;
  /** Changes that a stop left undone; no line of the journal is theirs. */
  readonly cancelled: number;
  readonly error: ErrorData | null;
}

/**
 * What one run leaves for the next, so that it need not read everything: hints only, for AD is the state. They move on at
 * the end of an apply.
 */
export interface Hints {
  readonly deltaLink: string;
  /** What the link is valid for, by name, such as the scope; another value of one of them asks for a full read. */
  readonly grounds: Readonly<Record<string, string>>;
  /** When the last complete read began, ISO 8601, UTC. */
  readonly completeRead: string;
  /** Entra object ids whose change was not applied, to be read again. */
  readonly pending: readonly Guid[];
  /**
   * Until when all objects were seen, by the domain controller's clock (ISO 8601, UTC), and how many this machine has
   * created since; absent if that is not known.
   */
  readonly witness?: { readonly seen: string; readonly created: number };
}

/** A plan as it is saved for a later run, with what it was made for. */
export interface SavedPlan extends Plan {
  /** When it was made, ISO 8601, UTC. */
  readonly made: string;
  readonly server: string;
  readonly containerGuid: Guid;
}

/** What a saved plan must have been made for. */
export interface PlanExpectation {
  readonly tenantId: Guid;
  readonly container: string;
  readonly containerGuid: Guid;
  /** The digest of the plan that was approved. */
  readonly digest: string;
  readonly now: Date;
  readonly maximumAgeHours: number;
}

/** That one run of a tenant and domain is at work; it is free again when it is released or its process ends. */
export interface RunLock {
  release(): void;
}

/** Texts that wait to be read again while a plan is made, outside of memory where they are many. */
export interface Spool {
  /** Returns the offset by which the text is read again. */
  append(text: string): number;
  read(offset: number): string;
  /** Leaves nothing behind. */
  close(): void;
}

/** State of one tenant and domain under the state path. */
export interface RunFiles {
  /** null where there are none, or none that can be used, which is then warned of. */
  readHints(): Hints | null;
  /** null: the next run reads everything. */
  saveHints(hints: Hints | null): void;
  /** Proves that journal and report can be written, before anything is written to AD. Throws StateUnwritable. */
  probe(): void;
  /** Keeps every other run of this tenant and domain on this machine out. Throws RunInProgress. */
  lock(): RunLock;
  /** Makes the reports and undo plans of what killed runs left as journals; returns the reports' paths. */
  recover(): readonly string[];
  openJournal(header: RunHeader): Journal;
  /** Throws StateUnwritable when more is appended than stays in memory and nothing can be written. */
  openSpool(): Spool;
}

/** A user name and a password, or a client id and a secret. Never logged, never stored. */
export interface Credential {
  readonly userName: string;
  readonly password: string;
}

/** What one leg of a sign-in gives: the token for the other side, and whether the context stands without its answer. */
export interface NegotiateLeg {
  readonly token: Uint8Array;
  readonly done: boolean;
}

/**
 * One client security context of SPNEGO (RFC 4178) that authenticates both sides and encrypts, or fails. Its messages are
 * numbered: they are unwrapped in the order in which the other side wrapped them. Every method throws WritebackError.
 */
export interface SecurityContext {
  /** Takes the server's token, null to begin. */
  step(token: Uint8Array | null): Promise<NegotiateLeg>;
  wrap(plain: Uint8Array): Promise<Uint8Array>;
  unwrap(sealed: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A certificate of the stores CurrentUser\My and LocalMachine\My. */
export interface CertificateReference {
  /** SHA-1 of the certificate, 40 hexadecimal digits. */
  readonly thumbprint: string;
  /** null: both, the first one with a private key. */
  readonly storeLocation: 'CurrentUser' | 'LocalMachine' | null;
}

export interface StoredCertificate {
  /** DER. */
  readonly certificate: Uint8Array;
  readonly storeLocation: string;
  readonly hasPrivateKey: boolean;
}

/** Source: RFC 7518 3.1. */
export type SignatureAlgorithm = 'PS256' | 'RS256';

/** What only .NET can do. Every method throws WritebackError; HostServiceUnavailable where the .NET at hand cannot. */
export interface HostServices {
  /**
   * A context for the service principal name, such as ldap/dc1.contoso.com, as the credential's user or, without one, as
   * the account that runs this. Nothing happens before its first step.
   */
  negotiate(target: string, credential: Credential | null): SecurityContext;
  /** Throws CertificateUnusable if there is none. */
  findCertificate(reference: CertificateReference): Promise<StoredCertificate>;
  /**
   * Signs with the certificate's RSA key where it lies; null if the key cannot make this kind of signature, as keys of
   * the old CryptoAPI make no PS256. Throws CertificateUnusable.
   */
  sign(reference: CertificateReference, algorithm: SignatureAlgorithm, data: Uint8Array): Promise<Uint8Array | null>;
  /** Protects bytes so that only this account on this computer reads them; Windows only. */
  protectSecret(plain: Uint8Array): Promise<Uint8Array>;
  /** Throws StateInvalid for what another account or computer protected. */
  unprotectSecret(protectedSecret: Uint8Array): Promise<Uint8Array>;
}

/** How to reach the source. */
export interface SourceSettings {
  readonly tenantId: Guid;
  /** The application; of a managed identity a user-assigned one, null for the system-assigned; null with a given token. */
  readonly clientId: Guid | null;
  readonly environment: string | { readonly graph: string; readonly login: string };
  readonly credential: SignInWay;
  /** What all requests may take together, waits included, in milliseconds; null for the usual time. */
  readonly timeLimit?: number | null;
  /** The longest wait before a request is tried again, in milliseconds; null for the usual one. */
  readonly waitLimit?: number | null;
}

/** The ways to sign in to Entra. Secrets live in memory only. */
export type SignInWay =
  /** Certificate with private key: PEM, or PFX; the password of the PFX or of an encrypted private key. */
  | { readonly kind: 'certificate'; readonly path: string; readonly password: string | null }
  | { readonly kind: 'secret'; readonly secret: string }
  /** Certificate in a store of Windows or .NET, by SHA-1 thumbprint; its key stays there and signs there. */
  | { readonly kind: 'thumbprint'; readonly thumbprint: string }
  /** The identity that Azure gives to this virtual machine or, by Azure Arc, to this server. */
  | { readonly kind: 'managedIdentity' }
  /** The user enters a code at a page of Entra's; `tell` shows the message that says which and where. */
  | { readonly kind: 'deviceCode'; readonly tell: (message: string) => void }
  /** An access token for Graph that somebody else got; it is not renewed. */
  | { readonly kind: 'accessToken'; readonly token: string };

/** How to reach the directory. */
export interface DirectorySettings {
  /** Host name or address, with a port or not; null for the PDC emulator of the domain. */
  readonly server: string | null;
  /** DNS name of the domain whose PDC emulator is asked for; null for the domain of this computer. */
  readonly domainName: string | null;
  readonly bind: BindWay;
  /** StartTLS on the plain port instead of LDAPS; not for Negotiate, which seals by itself. */
  readonly startTls: boolean;
  /** PEM file of certificates to trust beside those of the system. */
  readonly trustedCertificate: string | null;
}

/** The ways to bind. */
export type BindWay =
  /** Simple bind, over TLS only (RFC 4513, 5.1.3). */
  | { readonly kind: 'simple'; readonly credential: Credential }
  /** GSS-SPNEGO with signing and sealing, as the account that runs the engine or as this one. */
  | { readonly kind: 'negotiate'; readonly credential: Credential | null }
  /** SASL EXTERNAL with a client certificate: PEM, or PFX with its password. */
  | { readonly kind: 'external'; readonly certificatePath: string; readonly password: string | null };

/** Where the state of one tenant and domain is kept. */
export interface StateSettings {
  /** null for the default path. */
  readonly statePath: string | null;
  readonly tenantId: Guid;
  /** DNS name of the domain. */
  readonly domain: string;
  /** How many reports are kept; null for the usual number. */
  readonly keepReports: number | null;
}

/** What main hands to the commands: ways to make the parts that a run needs. */
export interface Outside {
  readonly clock: Clock;
  readConfiguration(path: string): Readonly<Record<string, unknown>>;
  openSource(settings: SourceSettings, log: Log): Promise<DeviceSource>;
  openDirectory(settings: DirectorySettings, log: Log): Promise<Directory>;
  openRunFiles(place: StateSettings, log: Log): RunFiles;
  /** Throws OutFileUnwritable. */
  savePlan(path: string, saved: SavedPlan): void;
  /** Writes a plan for review. Throws OutFileUnwritable. */
  saveText(path: string, text: string): void;
  /** Throws PlanFileInvalid, PlanFileForeign, PlanFileTooOld, DigestMismatch. */
  loadPlan(path: string, expected: PlanExpectation): SavedPlan;
  /** Throws ReportInvalid, OutFileUnwritable. */
  writeReportPage(reportPath: string, outFile: string): void;
  /** PEM or DER file → the DER of each certificate in it. */
  readCertificates(path: string): readonly Uint8Array[];
}
