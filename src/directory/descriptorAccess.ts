/** Reads and writes the DACL of the container. Source: [MS-ADTS] 3.1.1.3.4.1.11 (LDAP_SERVER_SD_FLAGS_OID). */
import { BerWriter, Control } from 'ldapts';
import type { Sid } from '../device/sid.ts';
import { WritebackError } from '../errors.ts';
import type { Grant } from '../ports.ts';
import { missingEntries } from './accessCheck.ts';
import type { Connection } from './connection.ts';
import { oneOctets } from './entry.ts';
import { operationFailure } from './failure.ts';
import { readObject } from './search.ts';
import {
  daclText,
  entryText,
  parseSecurityDescriptor,
  withEntries,
  type AccessControlEntry,
  type SecurityDescriptor,
} from './securityDescriptor.ts';

const ATTRIBUTE = 'nTSecurityDescriptor';
const DACL_SECURITY_INFORMATION = 4;

/** Restricts nTSecurityDescriptor to the DACL: without it owner and SACL would be read and written too. */
class DaclOnly extends Control {
  constructor() {
    super('1.2.840.113556.1.4.801', { critical: true });
  }

  protected override writeControl(writer: BerWriter): void {
    const value = new BerWriter();
    value.startSequence();
    value.writeInt(DACL_SECURITY_INFORMATION);
    value.endSequence();
    writer.writeBuffer(value.buffer, 0x04);
  }
}

/** A descriptor that has a DACL. */
export type ReadDescriptor = SecurityDescriptor & { readonly dacl: readonly AccessControlEntry[] };

/** null if the account may not read it. @throws ContainerMissing, DirectoryAnswerInvalid, ContainerInvalid (no DACL). */
export async function readDescriptor(
  connection: Connection,
  container: string,
  signal: AbortSignal,
): Promise<ReadDescriptor | null> {
  const query = { base: container, attributes: [ATTRIBUTE], controls: [new DaclOnly()] };
  const entry = await readObject(connection, query, signal);
  if (entry === null) {
    throw new WritebackError('ContainerMissing', `Reading the permissions of ${container}: there is no such object.`, {
      target: container,
      remedy: 'Run Enable-DeviceWriteback as an administrator of the domain; it creates the container.',
    });
  }
  const octets = oneOctets(entry, ATTRIBUTE);
  if (octets === null) return null;
  const descriptor = parseSecurityDescriptor(octets);
  if (descriptor === null) {
    throw new WritebackError(
      'DirectoryAnswerInvalid',
      `Reading the permissions of ${container}: they cannot be decoded.`,
      {
        target: container,
        remedy: 'Compare the permissions of the container with "dsacls", and report this error.',
        detail: octets.toString('hex'),
      },
    );
  }
  const { dacl } = descriptor;
  if (dacl === null) {
    throw new WritebackError(
      'ContainerInvalid',
      `${container} has no access control list: everybody may do everything to it.`,
      {
        target: container,
        remedy: 'Give the container an access control list first, for example with "dsacls /resetDefaultDACL".',
      },
    );
  }
  return { ...descriptor, dacl };
}

export async function readGrant(
  connection: Connection,
  container: string,
  sid: Sid,
  signal: AbortSignal,
): Promise<Grant> {
  const descriptor = await readableDescriptor(connection, container, signal);
  return { missing: missingEntries(descriptor.dacl, sid).map(entryText), dacl: daclText(descriptor) };
}

/** Adds what is missing; nothing is written if nothing is. */
export async function addGrant(
  connection: Connection,
  container: string,
  sid: Sid,
  signal: AbortSignal,
): Promise<void> {
  const descriptor = await readableDescriptor(connection, container, signal);
  const missing = missingEntries(descriptor.dacl, sid);
  if (missing.length === 0) return;
  const modification = { operation: 'replace', name: ATTRIBUTE, values: [withEntries(descriptor, missing)] } as const;
  try {
    const request = { operation: 'modify', name: container, modifications: [modification] } as const;
    await connection.write(request, signal, [new DaclOnly()]);
  } catch (error) {
    throw operationFailure(
      error,
      {
        doing: 'Granting rights on',
        target: container,
        whenForbidden:
          'Run Enable-DeviceWriteback as an account that may change the permissions of the container, such as a Domain Admin.',
      },
      connection.server,
    );
  }
}

async function readableDescriptor(
  connection: Connection,
  container: string,
  signal: AbortSignal,
): Promise<ReadDescriptor> {
  const descriptor = await readDescriptor(connection, container, signal);
  if (descriptor !== null) return descriptor;
  throw new WritebackError('DirectoryForbidden', `Reading the permissions of ${container}: this account may not.`, {
    target: container,
    remedy: 'Run the command as an account that may read the permissions of the container, such as a Domain Admin.',
  });
}
