import type { Configuration } from '@azure/msal-node';
import type { Log } from '../log.ts';
import type { Clock, HostServices, SignInWay } from '../ports.ts';
import { clientIdOf, type Application } from './application.ts';
import { readCertificate } from './certificate.ts';
import { storedCertificate } from './storedCertificate.ts';
import { authorityOf, SILENT, type AskForToken } from './msal.ts';

/** What proves that we are the application. */
export type ApplicationCredential = Extract<SignInWay, { readonly kind: 'certificate' | 'secret' | 'thumbprint' }>;

export interface ConfidentialClientParts {
  readonly clock: Clock;
  readonly log: Log;
  /** null where there is no way to .NET, which has the certificate stores. */
  readonly hostServices: HostServices | null;
}

/**
 * Signs in as the application itself, by certificate or secret. Each request has an MSAL application of its own: one that
 * lives longer would send the same assertion again for ten minutes, and refuse by itself for a minute after one bad answer.
 * Throws ParameterMissing, CertificateUnusable, CertificateExpired, HostServiceUnavailable.
 */
export async function confidentialClient(
  application: Application,
  credential: ApplicationCredential,
  parts: ConfidentialClientParts,
): Promise<AskForToken> {
  const clientId = clientIdOf(application);
  const auth = { clientId, ...authorityOf(application), ...(await proofOf(clientId, credential, parts)) };
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

async function proofOf(
  clientId: string,
  credential: ApplicationCredential,
  { clock, log, hostServices }: ConfidentialClientParts,
): Promise<Pick<Configuration['auth'], 'clientSecret' | 'clientCertificate' | 'clientAssertion'>> {
  switch (credential.kind) {
    case 'secret':
      log.secret(credential.secret);
      return { clientSecret: credential.secret };
    case 'certificate': {
      const { path, password } = credential;
      if (password !== null) log.secret(password);
      const { privateKey, thumbprint } = await readCertificate(path, password, clock.now());
      return { clientCertificate: { privateKey, thumbprintSha256: thumbprint } };
    }
    case 'thumbprint': {
      const assertion = await storedCertificate(credential.thumbprint, hostServices, clock);
      return { clientAssertion: ({ tokenEndpoint = '' }) => assertion(clientId, tokenEndpoint) };
    }
  }
}
