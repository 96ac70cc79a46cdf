import type { Log } from '../log.ts';
import type { Directory, DirectorySettings, HostServices } from '../ports.ts';
import { createDirectory } from './deviceDirectory.ts';
import { findServer } from './findServer.ts';

/**
 * The directory behind the domain controller that the settings name, or behind the PDC emulator. Nothing but DNS is asked
 * before the first question.
 * @param hostServices For Negotiate; null where there is no way to .NET.
 * @throws ParameterMissing, ParameterInvalid, HostServiceUnavailable, DirectoryUnreachable
 */
export async function openDirectory(
  { server, domainName, bind, startTls, trustedCertificate }: DirectorySettings,
  hostServices: HostServices | null,
  log: Log,
): Promise<Directory> {
  const found = server ?? (await findServer(domainName, log));
  return createDirectory({ server: found, bind, startTls, trustedCertificate, hostServices }, log);
}
