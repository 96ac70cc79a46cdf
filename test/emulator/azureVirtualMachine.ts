import { Faults } from './faults.ts';
import type { GraphEmulator } from './graphEmulator.ts';
import { startLoopbackServer } from './loopbackServer.ts';
import {
  checkRequest,
  IdentityRefusal,
  identityOf,
  orIdentityRefusal,
  tokenAnswer,
  type Identities,
  type ManagedIdentityEndpoint,
} from './managedIdentity.ts';
import { RequestLog } from './requestLog.ts';

/** Since 2018-02-01. */
const VERSIONS = /^(?:2018-(?:0[2-9]|1[0-2])|2019-\d\d|202\d-\d\d)-\d\d$/;
/** `mi_res_id` is documented; `msi_res_id` is what MSAL sends. */
const SELECTORS = {
  client_id: 'clientId',
  object_id: 'objectId',
  mi_res_id: 'resourceId',
  msi_res_id: 'resourceId',
} as const;

/**
 * The Azure Instance Metadata Service of a virtual machine, as far as it gives tokens. Source: Microsoft Learn, "How to
 * use managed identities for Azure resources on an Azure VM to acquire an access token". The words of its refusals other
 * than that of the missing header, and the status for a request with X-Forwarded-For, are inferred. A client finds it by
 * the variable AZURE_POD_IDENTITY_AUTHORITY_HOST.
 */
export async function startAzureVirtualMachine(
  emulator: GraphEmulator,
  identities: Identities,
  options: { readonly port?: number } = {},
): Promise<ManagedIdentityEndpoint> {
  const faults = new Faults();
  const requests = new RequestLog();
  const { url, stop } = await startLoopbackServer(options.port ?? 0, {
    faults,
    requests,
    kindOf: () => 'identity',
    answer: async (request) =>
      await orIdentityRefusal(async () => {
        checkRequest(request, VERSIONS);
        if (request.headers['x-forwarded-for'] !== undefined) {
          throw new IdentityRefusal(400, 'invalid_request', 'The request must not come through a proxy.');
        }
        const identity = identityOf(request, identities, SELECTORS);
        return await tokenAnswer(emulator, identity, request, { client_id: identity.clientId });
      }),
    headers: () => ({ 'Content-Type': 'application/json; charset=utf-8', Server: 'IMDS/150.870.65.1854' }),
    compresses: () => false,
  });
  return { url, faults, requests, stop };
}
