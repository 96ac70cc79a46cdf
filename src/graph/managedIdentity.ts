import type { AuthenticationResult, ManagedIdentityConfiguration } from '@azure/msal-node';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Application } from './application.ts';
import { SILENT, type AskForToken } from './msal.ts';
import type { TokenEndpoint } from './tokenEndpoint.ts';

type NetworkClient = TokenEndpoint['network'];

/**
 * MSAL keeps the source of managed identities, and with it the first network client, for the life of the process. So it
 * gets one that hands each request to the endpoint of the sign-in that makes it.
 */
const endpoints = new AsyncLocalStorage<TokenEndpoint>();
const network: NetworkClient = {
  sendGetRequestAsync: (url, options) => present().sendGetRequestAsync(url, options),
  sendPostRequestAsync: (url, options) => present().sendPostRequestAsync(url, options),
};

function present(): NetworkClient {
  const endpoint = endpoints.getStore();
  if (endpoint === undefined) throw new TypeError('a request of a managed identity outside of a sign-in');
  return endpoint.network;
}

/**
 * Signs in as the identity that Azure gives to this computer: Azure VM (IMDS), Azure Arc, and what else MSAL knows. MSAL's
 * cache is one for the process, so it is passed over; the retries are ours, which can be stopped.
 * Source: Microsoft Learn, "How to use managed identities for Azure resources on an Azure VM to acquire an access token",
 * "Authenticate against Azure resources with Azure Arc-enabled servers".
 */
export function managedIdentity({ clientId, environment }: Application): AskForToken {
  const configuration: ManagedIdentityConfiguration = {
    ...(clientId === null ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } }),
    system: { networkClient: network, loggerOptions: SILENT, disableInternalRetries: true },
  };
  return (endpoint) =>
    endpoints.run(endpoint, async (): Promise<AuthenticationResult> => {
      const { ManagedIdentityApplication } = await import('@azure/msal-node');
      const msal = new ManagedIdentityApplication(configuration);
      return msal.acquireToken({ resource: environment.graph, forceRefresh: true });
    });
}
