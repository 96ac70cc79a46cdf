import type { Configuration } from '@azure/msal-node';
import type { Log } from '../log.ts';
import type { Clock } from '../ports.ts';
import { clientIdOf, type Application } from './application.ts';
import { readCertificate } from './certificate.ts';
import { authorityOf, SILENT, type AskForToken } from './msal.ts';

/**
 * Signs in as the application itself, by certificate or secret. Each request has an MSAL application of its own: one that
 * lives longer would send the same assertion again for ten minutes, and refuse by itself for a minute after one bad answer.
 * Throws CertificateUnusable, CertificateExpired.
 */
export async function confidentialClient(application: Application, clock: Clock, log: Log): Promise<AskForToken> {
  const auth = await credentialOf(application, clock, log);
  return async ({ network: networkClient }) => {
    const { ConfidentialClientApplication } = await import('@azure/msal-node');
    const msal = new ConfidentialClientApplication({ auth, system: { networkClient, loggerOptions: SILENT } });
    return msal.acquireTokenByClientCredential({
      scopes: [application.environment.scope],
      azureRegion: 'DisableMsalForceRegion',
      skipCache: true,
    });
  };
}

async function credentialOf(application: Application, clock: Clock, log: Log): Promise<Configuration['auth']> {
  const { credential } = application;
  const auth = { clientId: clientIdOf(application), ...authorityOf(application) };
  if (credential.kind === 'secret') {
    log.secret(credential.secret);
    return { ...auth, clientSecret: credential.secret };
  }
  if (credential.kind !== 'certificate') throw new TypeError(`${credential.kind} is no credential of an application`);
  if (credential.password !== null) log.secret(credential.password);
  const { privateKey, thumbprint } = await readCertificate(credential.path, credential.password, clock.now());
  return { ...auth, clientCertificate: { privateKey, thumbprintSha256: thumbprint } };
}
