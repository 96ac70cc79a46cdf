/**
 * Every shape that crosses the bridge: newline-delimited JSON-RPC 2.0, one object a line, UTF-8 in, ASCII out, a line
 * under 1 MB. Additive changes are free; any other raises PROTOCOL_VERSION.
 *
 *   engine → host   $/hello, once, first                  { protocol, version, node }
 *   host → engine   { id, method, params }                one of METHODS
 *   engine → host   $/output    { id, kind, items }       kind names the shape of the items
 *                   $/progress  { id, activity, status, percent }   percent -1: not known; at most 4 a second
 *                   $/log       { id, level, message }
 *                   $/error     { id, error }             an error that ends one change and not the call
 *   engine → host   { id, result } or { id, error: { code: -32000, message, data: ErrorData } }
 *   host → engine   $/cancel    { id }                    the call answers with the error Cancelled, or its result
 *                   $/credit    { id, n }                 n more outputs were taken; at most OUTPUT_WINDOW may be open
 *
 * Requests from the engine to the host are named host/*; they have their own ids, which begin with "h". Their shapes, in
 * which bytes are base64 here, are those of src/host/operations.ts.
 */
import type { ErrorData } from '../errors.ts';
import type { LogLevel } from '../log.ts';

export const PROTOCOL_VERSION = 1;

/** Outputs of one call that the host has not acknowledged; the engine waits past it. */
export const OUTPUT_WINDOW = 8192;

/** Outputs in one $/output line. */
export const OUTPUT_BATCH = 200;

export const METHODS = [
  'test',
  'enable/plan',
  'enable/apply',
  'plan',
  'apply',
  'explain',
  'release',
  'report/page',
] as const;

export type Method = (typeof METHODS)[number];

export interface Hello {
  readonly protocol: typeof PROTOCOL_VERSION;
  readonly version: string;
  readonly node: string;
}

/**
 * Parameters that every method but apply and release takes; all optional here, checked by commands/options.
 * Names are those of the cmdlet parameters in camelCase. A PSCredential crosses as { userName, password }.
 */
export interface CommonParams {
  /** Whether $/log lines of these levels are wanted; warnings always come. Every method takes them. */
  readonly verbose?: boolean;
  readonly debug?: boolean;
  readonly configurationPath?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly certificatePath?: string;
  /** 40 hexadecimal digits: of a certificate in a store, instead of certificatePath. */
  readonly certificateThumbprint?: string;
  /** Of a PFX or an encrypted key. */
  readonly certificatePassword?: string;
  readonly managedIdentity?: boolean;
  readonly useDeviceCode?: boolean;
  readonly accessToken?: string;
  readonly clientSecretCredential?: WireCredential;
  /** A name, or the two base addresses of a custom environment. */
  readonly environment?: string | { readonly graph: string; readonly login: string };
  readonly server?: string;
  readonly credential?: WireCredential;
  /** Negotiate, Basic or External. */
  readonly authType?: string;
  readonly startTls?: boolean;
  /** Client certificate of an External bind. */
  readonly directoryCertificatePath?: string;
  readonly trustedCertificate?: string;
  readonly domainName?: string;
  readonly statePath?: string;
  /** Minutes that all requests to Graph may take together, waits included. */
  readonly graphTimeLimit?: number;
  /** The longest wait before a request is tried again, in seconds. */
  readonly graphWaitLimit?: number;
  /** How many reports are kept under the state path. */
  readonly keepReports?: number;
}

export interface WireCredential {
  readonly userName: string;
  readonly password: string;
}

export type TestParams = CommonParams & { readonly adConnectorAccount?: string };

export type EnableParams = CommonParams & {
  readonly adConnectorAccount?: string;
  /** PEM or DER file of the issuer certificates of Entra device certificates. */
  readonly cloudIssuerCertificatePath?: string;
};

export type PlanParams = CommonParams & {
  /** Both sides whole, whatever the last run left. */
  readonly full?: boolean;
  /** Hours after the last complete read at which everything is read again. */
  readonly fullAfter?: number;
  readonly trustType?: readonly string[];
  readonly operatingSystem?: readonly string[];
  /** Object ids of groups. */
  readonly group?: readonly string[];
  /** Mark unowned objects of devices in scope and keep them from then on; always a full run. */
  readonly adopt?: boolean;
  /** Save the plan here, as format says. */
  readonly outFile?: string;
  /** Json (can be applied later), Text or Ldif (for review); Json if not given. */
  readonly format?: string;
  /** Take the plan from this file instead of reading Entra; planDigest must be its digest. */
  readonly planFile?: string;
  readonly planDigest?: string;
  /** Hours after which a plan file is refused. */
  readonly planMaximumAge?: number;
  readonly deleteAfter?: number;
  readonly keepRemoved?: boolean;
  readonly maximumRemoval?: number;
};

export type ExplainParams = PlanParams & { readonly devices: readonly string[] };

/** apply and enable/apply: the handle that plan or enable/plan gave, and the numbers of what was declined. */
export interface ApplyParams {
  readonly handle: string;
  readonly verbose?: boolean;
  readonly debug?: boolean;
  /** apply only: the digest of the plan that was shown. */
  readonly digest?: string;
  readonly declined: readonly number[];
  /** apply only: whether each change is told again, as a result. What fails is told in any case, by $/error. */
  readonly results?: boolean;
}

/** Drops what plan or enable/plan keeps for a cmdlet; unknown handles are no error. */
export interface ReleaseParams {
  readonly handle: string;
}

/** report/page: makes the HTML page of a report. */
export interface ReportPageParams {
  readonly path: string;
  readonly outFile: string;
}

export interface ReportPageResult {
  readonly path: string;
}

/** kind "check" → DeviceWriteback.Check */
export interface WireCheck {
  readonly id: string;
  readonly state: 'Pass' | 'Warning' | 'Fail' | 'NotTested';
  readonly title: string;
  readonly evidence: string;
  readonly remedy: string | null;
}

export interface TestResult {
  readonly passed: boolean;
}

/** kind "step" → DeviceWriteback.Step */
export interface WireStep {
  /** Counts from 0; what enable/apply's `declined` names. Present steps have number -1. */
  readonly number: number;
  readonly id: string;
  readonly state: 'Present' | 'Planned' | 'Done' | 'Declined';
  readonly target: string;
  readonly description: string;
  readonly detail: string | null;
}

export interface EnablePlanResult {
  readonly handle: string;
}

/** kind "change" → DeviceWriteback.Change; a held difference has action Held. */
export interface WireChange {
  /** Counts from 0 in the order of applying; what apply's `declined` names. Held differences have number -1. */
  readonly number: number;
  readonly action: 'Create' | 'Update' | 'Disable' | 'Enable' | 'Delete' | 'Held';
  readonly name: string | null;
  readonly deviceId: string | null;
  readonly objectId: string | null;
  readonly distinguishedName: string | null;
  /** Cause of a change (Flow, Stated, Removal, NoKey, Retention, Undo, Adoption), reason of a held difference. */
  readonly reason: string;
  readonly description: string;
  readonly warnings: readonly string[];
  readonly attributes: readonly WireAttributeChange[];
}

/** Values as people read them: GUIDs and SIDs as text, other octets as hexadecimal digits. */
export interface WireAttributeChange {
  readonly name: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface PlanResult {
  readonly handle: string;
  readonly digest: string;
  readonly changes: number;
  readonly held: number;
  readonly unchanged: number;
  /** Whole plan as text, for -Verbose and -WhatIf's last line. */
  readonly summary: string;
  readonly refusal: ErrorData | null;
}

/** kind "result" → DeviceWriteback.Result: a change and how it ended. */
export type WireResult = WireChange & {
  readonly state: 'Applied' | 'Failed' | 'Skipped' | 'Cancelled';
  readonly message: string | null;
};

/** The result of apply → DeviceWriteback.Run */
export interface WireRun {
  readonly runId: string;
  /** What was read, and why. */
  readonly reading: 'Full' | 'Delta' | 'PlanFile';
  readonly why: string;
  readonly tenantId: string;
  readonly server: string;
  readonly container: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly ended: string;
  readonly outcome: 'Completed' | 'Failures' | 'Refused' | 'Cancelled';
  readonly created: number;
  readonly updated: number;
  readonly disabled: number;
  readonly enabled: number;
  readonly deleted: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
  readonly declined: number;
  readonly held: number;
  readonly unchanged: number;
  readonly digest: string;
  readonly reportPath: string;
  /** Set when outcome is Refused or Cancelled; the cmdlet throws it after the run was emitted. */
  readonly error: ErrorData | null;
}

/** kind "device" → DeviceWriteback.Device: one device explained. */
export interface WireDevice {
  readonly identity: string;
  readonly name: string | null;
  readonly deviceId: string | null;
  readonly objectId: string | null;
  readonly distinguishedName: string | null;
  /** What the plan would do: an action of WireChange, Nothing, or Held. */
  readonly verdict: string;
  readonly reason: string | null;
  readonly description: string;
  readonly ownership: 'Owned' | 'Unowned' | 'Foreign' | 'Absent';
  /** What AD FS will see once the plan is applied, as "name: value"; inferred from the claim names. */
  readonly adFs: readonly string[];
  readonly attributes: readonly WireDeviceAttribute[];
}

export interface WireDeviceAttribute {
  readonly name: string;
  /** What Graph answered, as text; null for null, "(not read)" for what was not answered. */
  readonly source: string | null;
  readonly desired: readonly string[];
  readonly current: readonly string[];
}

export type OutputKind = 'check' | 'step' | 'change' | 'result' | 'device';

export type Output = WireCheck | WireStep | WireChange | WireResult | WireDevice;

export interface Progress {
  readonly activity: string;
  readonly status: string;
  readonly percent: number;
}

/** What a command may say while it works; protocol/serve sends it, tests record it. */
export interface Outputs {
  /** Resolves when the host has room for more. */
  emit(kind: OutputKind, item: Output): Promise<void>;
  progress(progress: Progress): void;
  error(error: ErrorData): void;
}

export interface LogMessage {
  readonly level: LogLevel;
  readonly message: string;
}
