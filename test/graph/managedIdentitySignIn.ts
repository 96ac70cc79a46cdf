/**
 * Signs in twice by managed identity, by two sources one after the other, and prints how each ended: in a process of its
 * own because MSAL keeps the kind of computer for the life of the process. The one argument is JSON.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';
import type { WritebackError } from '../../src/errors.ts';
import type { Clock } from '../../src/ports.ts';

export interface SignInTask {
  readonly tenantId: string;
  readonly clientId: string | null;
  readonly graph: string;
  /** The folder that stands for that of Azure Arc's keys; null to read that one. */
  readonly keyFolder: string | null;
  readonly requestTimeout: number;
}

export interface SignInEnding {
  readonly clientId: string | null;
  readonly roles: readonly string[];
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
  readonly lines: readonly string[];
}

const ARC_KEYS = '/var/opt/azcmagent/tokens/';

const task = JSON.parse(process.argv[2] ?? '') as SignInTask;
const { keyFolder } = task;
if (keyFolder !== null) {
  const placed = (file: unknown): unknown =>
    typeof file === 'string' && file.startsWith(ARC_KEYS) ? join(keyFolder, basename(file)) : file;
  const { statSync, readFileSync } = fs;
  Object.assign(fs, {
    statSync: (file: unknown, ...rest: unknown[]): unknown => Reflect.apply(statSync, fs, [placed(file), ...rest]),
    readFileSync: (file: unknown, ...rest: unknown[]): unknown =>
      Reflect.apply(readFileSync, fs, [placed(file), ...rest]),
  });
  syncBuiltinESMExports();
}

const { createDeviceSource } = await import('../../src/graph/deviceSource.ts');
const { createLog } = await import('../../src/log.ts');

const clock: Clock = { now: () => new Date(), sleep: async () => undefined };

async function signIn(): Promise<SignInEnding> {
  const lines: string[] = [];
  const log = createLog((level, message) => lines.push(`${level}: ${message}`));
  const { tenantId, clientId, graph, requestTimeout } = task;
  const settings = {
    tenantId,
    clientId,
    environment: { graph, login: 'https://login.example' },
    credential: { kind: 'managedIdentity' },
  } as const;
  const source = createDeviceSource(settings, clock, log, null, { requestTimeout });
  try {
    const got = await source.signIn(new AbortController().signal);
    await source.probeDevices(new AbortController().signal);
    return { clientId: got.clientId, roles: got.roles, error: null, lines };
  } catch (error) {
    const { code, message, remedy } = error as WritebackError;
    return { clientId: null, roles: [], error: { code, message, remedy }, lines };
  }
}

process.stdout.write(JSON.stringify([await signIn(), await signIn()]));
