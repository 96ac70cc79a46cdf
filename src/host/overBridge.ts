/** HostServices under PowerShell: by host/* requests to the process that is .NET already. */
import type { HostServices } from '../ports.ts';
import { malformed } from './failure.ts';
import { createHostServices } from './hostServices.ts';
import { BYTE_MEMBERS, isObject, type Answer } from './operations.ts';

/**
 * @param request Sends a request to the host and resolves with its result.
 *   Throws WritebackError when the host cannot answer.
 */
export function createHostServicesOverBridge(
  request: (method: string, params: object) => Promise<unknown>,
): HostServices {
  return createHostServices(async (service, operation, members) => {
    const answer = await request(`host/${service}/${operation}`, encoded(members));
    if (!isObject(answer)) throw malformed(`${service}/${operation}`, 'members');
    return decoded(answer);
  });
}

/** Bytes as base64, the rest as it is. */
export function encoded(members: Answer): object {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, value instanceof Uint8Array ? base64(value) : value]),
  );
}

/** The members that are bytes from base64. */
export function decoded(answer: Answer): Answer {
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [
      name,
      BYTE_MEMBERS.has(name) && typeof value === 'string' ? Buffer.from(value, 'base64') : value,
    ]),
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
