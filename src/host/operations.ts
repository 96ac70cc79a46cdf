/**
 * The requests that the class HostServices of module/Services works. Their shape is the same on both ways; over the
 * bridge, bytes are base64.
 */

/** One request's members beside service and operation. */
export type Members = Readonly<Record<string, string | number | Uint8Array>>;

/** What the operation answered: a JSON object with bytes in it. */
export type Answer = Readonly<Record<string, unknown>>;

/**
 * Sends one request. The answer may be `{ error: { code, message } }`, which createHostServices turns into an error.
 *
 *   negotiate/open      target, userName?, password?         → handle, token, done
 *   negotiate/step      handle, token                        → token, done
 *   negotiate/wrap      handle, data                         → data
 *   negotiate/unwrap    handle, data                         → data
 *   negotiate/close     handle                               → nothing
 *   certificate/find    thumbprint, storeLocation?           → certificate, storeLocation, hasPrivateKey
 *   certificate/sign    thumbprint, storeLocation?, data, algorithm  → signature, certificate
 *   secret/protect      data                                 → data
 *   secret/unprotect    data                                 → data
 *
 * @throws WritebackError when the way to .NET itself fails
 */
export type Invoke = (service: string, operation: string, members: Members) => Promise<Answer>;

/** The members that are bytes, in requests and in answers. */
export const BYTE_MEMBERS: ReadonlySet<string> = new Set(['token', 'data', 'signature', 'certificate']);

export function isObject(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null;
}
