import { WritebackError } from '../errors.ts';
import type { RootDse } from '../ports.ts';
import type { Connection } from './connection.ts';
import { invalid, requiredText, requiredTime } from './entry.ts';
import { readObject } from './search.ts';

const ATTRIBUTES = [
  'dnsHostName',
  'defaultNamingContext',
  'configurationNamingContext',
  'schemaNamingContext',
  'rootDomainNamingContext',
  'currentTime',
  'highestCommittedUSN',
];

/** Source: [MS-ADTS] 3.1.1.3.2. @throws DirectoryAnswerInvalid if the server is no domain controller. */
export async function readRootDse(connection: Connection, signal: AbortSignal): Promise<RootDse> {
  const entry = await readObject(connection, { base: '', attributes: ATTRIBUTES }, signal);
  if (entry === null) throw invalid('', 'defaultNamingContext', 'the server gives none');
  if (!entry.attributes.has('defaultnamingcontext')) {
    throw new WritebackError(
      'DirectoryAnswerInvalid',
      `Reading rootDSE of ${connection.server}: it has no defaultNamingContext.`,
      {
        target: connection.server,
        remedy: 'Give -Server a domain controller of Active Directory Domain Services; this server is none.',
      },
    );
  }
  return {
    dnsHostName: requiredText(entry, 'dnsHostName'),
    defaultNamingContext: requiredText(entry, 'defaultNamingContext'),
    configurationNamingContext: requiredText(entry, 'configurationNamingContext'),
    schemaNamingContext: requiredText(entry, 'schemaNamingContext'),
    rootDomainNamingContext: requiredText(entry, 'rootDomainNamingContext'),
    currentTime: requiredTime(entry, 'currentTime'),
    highestCommittedUsn: requiredText(entry, 'highestCommittedUSN'),
  };
}
