import type { AccountInfo, AuthenticationResult, PublicClientApplication } from '@azure/msal-node';
import { cancelled } from '../errors.ts';
import { clientIdOf, type Application } from './application.ts';
import { authorityOf, SILENT, type AskForToken } from './msal.ts';
import type { TokenEndpoint } from './tokenEndpoint.ts';

/** What the user had no time for any more: MSAL's code for a device code that expired by our clock. */
export const CODE_EXPIRED = 'device_code_expired';

/** Extra time between two polls that a server may ask for, in milliseconds. Source: RFC 8628, 3.5. */
const SLOWER = 5_000;

/**
 * Signs in a user, who enters a code at a page of Entra's. Later tokens come by the refresh token of the first, which is
 * kept in memory. Each request has an MSAL application of its own: one that lives longer would refuse by itself for a
 * minute after one bad answer. Source: RFC 8628.
 */
export function deviceCode(application: Application, tell: (message: string) => void): AskForToken {
  const scopes = [application.environment.scope];
  let signedIn: { readonly account: AccountInfo; readonly cache: string } | null = null;

  const open = async (networkClient: TokenEndpoint['network']): Promise<PublicClientApplication> => {
    const { PublicClientApplication: Msal } = await import('@azure/msal-node');
    const auth = { clientId: clientIdOf(application), ...authorityOf(application) };
    return new Msal({ auth, system: { networkClient, loggerOptions: SILENT } });
  };

  const askUser = async (msal: PublicClientApplication, signal: AbortSignal): Promise<AuthenticationResult | null> => {
    const request = {
      scopes,
      cancel: false,
      deviceCodeCallback: ({ userCode, message }: { readonly userCode?: string; readonly message: string }) => {
        // An answer without a code is an error, which MSAL does not see.
        if (typeof userCode !== 'string') throw new TypeError('there is no device code in the answer');
        tell(message);
      },
    };
    return orCancelled(msal.acquireTokenByDeviceCode(request), signal, () => {
      request.cancel = true;
    });
  };

  return async (endpoint, signal) => {
    const msal = await open(signedIn === null ? patient(endpoint, signal) : endpoint.network);
    const tokenCache = msal.getTokenCache();
    if (signedIn !== null) tokenCache.deserialize(signedIn.cache);
    const result =
      signedIn === null
        ? await askUser(msal, signal)
        : await msal.acquireTokenSilent({ scopes, account: signedIn.account, forceRefresh: true });
    const account = result?.account ?? null;
    if (account !== null) signedIn = { account, cache: tokenCache.serialize() };
    return result;
  };
}

/** A poll that meets a fault of the moment is told to MSAL as one that found nothing yet, so that the code stays good. */
function patient({ network, last }: TokenEndpoint, signal: AbortSignal): TokenEndpoint['network'] {
  const pending = { status: 400, headers: {}, body: { error: 'authorization_pending' } };
  return {
    ...network,
    async sendPostRequestAsync<T>(url: string, options?: Parameters<typeof network.sendPostRequestAsync>[1]) {
      const poll = new URLSearchParams(options?.body ?? '').has('device_code');
      try {
        const answer = await network.sendPostRequestAsync<T>(url, options);
        if (!poll) return answer;
        const slower = last()?.refusal?.error === 'slow_down';
        if (slower)
          await orCancelled(new Promise((resolve) => void setTimeout(resolve, SLOWER)), signal, () => undefined);
        // MSAL types the body by what it expects; it looks at the error first.
        const unreadable = answer.status !== 200 && last()?.refusal === null;
        return slower || unreadable || last()?.trouble !== null ? { ...pending, body: pending.body as T } : answer;
      } catch (error) {
        if (!poll || signal.aborted || last()?.trouble !== 'broken') throw error;
        return { ...pending, body: pending.body as T };
      }
    },
  };
}

/** The promise's ending, or Cancelled as soon as the signal fires. */
async function orCancelled<T>(promise: Promise<T>, signal: AbortSignal, stop: () => void): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    stop();
    reject(cancelled());
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
