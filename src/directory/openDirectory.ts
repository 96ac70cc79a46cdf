import type { Log } from '../log.ts';
import type { Directory, DirectorySettings, HostServices } from '../ports.ts';
import { createDirectory } from './deviceDirectory.ts';
import { findServer, type ServiceNames } from './findServer.ts';

/**
 * The directory behind the domain controller that the settings name, or behind the PDC emulator. Nothing but DNS is asked
 * before the first question.
 * @param hostServices For Negotiate; null where there is no way to .NET.
 * @param names The DNS to ask; that of the system if it is absent.
 * @throws ParameterMissing, ParameterInvalid, HostServiceUnavailable, DirectoryUnreachable
 */
export async function openDirectory(
  { server, domainName, bind, startTls, trustedCertificate }: DirectorySettings,
  hostServices: HostServices | null,
  log: Log,
  names?: ServiceNames,
): Promise<Directory> {
  const found = server ?? (await findServer(domainName, log, names));
  return createDirectory({ server: found, bind, startTls, trustedCertificate, hostServices }, log);
}
