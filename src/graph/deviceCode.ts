import type { AuthenticationResult, PublicClientApplication } from '@azure/msal-node';
import { cancelled } from '../errors.ts';
import { clientIdOf, type Application } from './application.ts';
import { authorityOf, SILENT, type AskForToken } from './msal.ts';
import type { TokenEndpoint } from './tokenEndpoint.ts';

/** What the user had no time for any more: MSAL's code for a device code that expired by our clock. */
export const CODE_EXPIRED = 'device_code_expired';

/** Extra time between two polls that a server may ask for, in milliseconds. Source: RFC 8628, 3.5. */
const SLOWER = 5_000;

/**
 * Signs in a user, who enters a code at a page of Entra's. Later tokens come by the refresh token of the first, which MSAL
 * holds in memory. Source: RFC 8628.
 */
export function deviceCode(application: Application, tell: (message: string) => void): AskForToken {
  const { scope } = application.environment;
  let msal: PublicClientApplication | null = null;
  let present: TokenEndpoint['network'] | null = null;
  let account: AuthenticationResult['account'] = null;

  const open = async (): Promise<PublicClientApplication> => {
    const { PublicClientApplication: Msal } = await import('@azure/msal-node');
    const auth = { clientId: clientIdOf(application), ...authorityOf(application) };
    const current = (): TokenEndpoint['network'] => {
      if (present === null) throw new TypeError('a request of a device code outside of a sign-in');
      return present;
    };
    const networkClient: TokenEndpoint['network'] = {
      sendGetRequestAsync: (url, options) => current().sendGetRequestAsync(url, options),
      sendPostRequestAsync: (url, options) => current().sendPostRequestAsync(url, options),
    };
    return new Msal({ auth, system: { networkClient, loggerOptions: SILENT } });
  };

  return async (endpoint, signal) => {
    msal ??= await open();
    if (account !== null) {
      present = endpoint.network;
      return msal.acquireTokenSilent({ scopes: [scope], account, forceRefresh: true });
    }
    present = patient(endpoint, signal);
    const request = {
      scopes: [scope],
      cancel: false,
      deviceCodeCallback: ({ userCode, message }: { readonly userCode?: string; readonly message: string }) => {
        // An answer without a code is an error, which MSAL does not see.
        if (typeof userCode !== 'string') throw new TypeError('there is no device code in the answer');
        tell(message);
      },
    };
    const result = await orCancelled(msal.acquireTokenByDeviceCode(request), signal, () => {
      request.cancel = true;
    });
    account = result?.account ?? null;
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
        return slower || last()?.trouble != null ? { ...pending, body: pending.body as T } : answer;
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
