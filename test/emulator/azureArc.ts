import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer, EmulatorRequest } from './exchange.ts';
import { Faults } from './faults.ts';
import type { GraphEmulator } from './graphEmulator.ts';
import { startLoopbackServer } from './loopbackServer.ts';
import {
  checkRequest,
  identityOf,
  orIdentityRefusal,
  tokenAnswer,
  type Identities,
  type ManagedIdentityEndpoint,
} from './managedIdentity.ts';
import { RequestLog } from './requestLog.ts';

export interface AzureArcOptions {
  readonly port?: number;
  /** Where key files are written; a temporary folder if not given. The agent's own is `/var/opt/azcmagent/tokens`. */
  readonly keyFolder?: string;
  /** The folder that challenges name, with the separator at its end; keyFolder if not given. */
  readonly namedFolder?: string;
}

export interface AzureArcSwitches {
  /** Bytes in a key file; clients refuse more than 4096. */
  keyLength: number;
  /** Whether the file that a challenge names is there. */
  writesKey: boolean;
  /** The header WWW-Authenticate of a challenge that names this file; null for none. */
  challenge: (file: string) => string | null;
  /** An old agent: gives the system's identity whatever is asked, and does not say which it is. */
  legacy: boolean;
}

export interface AzureArc extends ManagedIdentityEndpoint {
  readonly switches: AzureArcSwitches;
}

const VERSIONS = /^(?:2019-08-15|2019-11-01|2020-06-01|2021-02-01)$/;
/** The agent does not know `mi_res_id` and ignores it. */
const SELECTORS = { client_id: 'clientId', object_id: 'objectId', msi_res_id: 'resourceId' } as const;

/**
 * The identity service of Azure Arc's Connected Machine agent: the first request is answered 401 and names a file whose
 * content the second one brings as proof that it may read it; each file serves once. Sources: Microsoft Learn,
 * "Authenticate against Azure resources with Azure Arc-enabled servers", and MSAL's AzureArc.ts. The body of the 401 is
 * not documented. A client finds it by the variables IDENTITY_ENDPOINT (with the path) and IMDS_ENDPOINT.
 */
export async function startAzureArc(
  emulator: GraphEmulator,
  identities: Identities,
  options: AzureArcOptions = {},
): Promise<AzureArc> {
  const faults = new Faults();
  const requests = new RequestLog();
  const temporary = options.keyFolder === undefined ? await mkdtemp(join(tmpdir(), 'azure-arc-')) : null;
  const keyFolder = options.keyFolder ?? temporary ?? '';
  const switches: AzureArcSwitches = {
    keyLength: 43,
    writesKey: true,
    challenge: (file) => `Basic realm=${file}`,
    legacy: false,
  };
  const files = new Map<string, string>();

  const challenge = async (): Promise<Answer> => {
    const name = `${randomUUID()}.key`;
    const file = join(keyFolder, name);
    const key = randomBytes(switches.keyLength).toString('base64url').slice(0, switches.keyLength);
    files.set(key, file);
    if (switches.writesKey) await writeFile(file, key, { mode: 0o600 });
    const header = switches.challenge(options.namedFolder === undefined ? file : `${options.namedFolder}${name}`);
    return {
      status: 401,
      headers: header === null ? {} : { 'WWW-Authenticate': header },
      body: { error: 'unauthorized_client', error_description: 'Missing Basic Authorization header' },
    };
  };
  const answer = async (request: EmulatorRequest): Promise<Answer> => {
    checkRequest(request, VERSIONS);
    const key = /^Basic (.+)$/i.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
    const file = files.get(key);
    if (file === undefined) return await challenge();
    files.delete(key);
    await rm(file, { force: true });
    const identity = identityOf(request, identities, switches.legacy ? {} : SELECTORS);
    const { clientId, objectId, resourceId } = identity;
    const echo = {
      client_id: clientId,
      object_id: objectId,
      ...(resourceId === null ? {} : { msi_res_id: resourceId }),
    };
    return await tokenAnswer(emulator, identity, request, switches.legacy ? {} : echo);
  };

  const { url, stop } = await startLoopbackServer(options.port ?? 0, {
    faults,
    requests,
    kindOf: () => 'identity',
    answer: async (request) => await orIdentityRefusal(async () => await answer(request)),
    headers: () => ({ 'Content-Type': 'application/json; charset=utf-8' }),
    compresses: () => false,
  });
  return {
    url,
    faults,
    requests,
    switches,
    stop: async () => {
      await stop();
      for (const file of files.values()) await rm(file, { force: true });
      if (temporary !== null) await rm(temporary, { recursive: true, force: true });
    },
  };
}
