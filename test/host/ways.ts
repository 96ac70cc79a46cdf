/** The two ways to .NET, each in a process of its own, because the account's tickets are those of a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HostServices } from '../../src/ports.ts';
import { PowerShell, ROOT } from '../powershell/powerShell.ts';
import { openRelay, RELAY_VARIABLE } from './relay.ts';

export interface Way {
  readonly services: HostServices;
  close(): Promise<void>;
}

export type Environment = Readonly<Record<string, string>>;

export const BIN_FOLDER = path.join(ROOT, 'module', 'bin');

/** A plain Node with edge-js. */
export async function openEdgeWay(environment: Environment = {}): Promise<Way> {
  const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-edge-'));
  const socket = path.join(folder, 'relay');
  const relay = await openRelay(socket);
  const program = path.join(import.meta.dirname, 'edgeProgram.ts');
  const child = spawn(process.execPath, [program, BIN_FOLDER], {
    env: { ...process.env, ...environment, [RELAY_VARIABLE]: socket },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-4096);
  });
  const ended = once(child, 'exit');
  const died = ended.then(([code, signal]) => {
    throw new Error(`The Node with edge-js ended with ${String(code ?? signal)} before it was asked: ${words}`);
  });
  return {
    services: await Promise.race([relay.services, died]),
    close: async () => {
      died.catch(() => undefined);
      await relay.close();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** The real PowerShell and the real module, with an engine that only passes requests on. */
export async function openBridgeWay(environment: Environment = {}): Promise<Way> {
  const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bridge-'));
  const socket = path.join(folder, 'relay');
  const relay = await openRelay(socket);
  const node = path.join(folder, 'node');
  const program = path.join(import.meta.dirname, 'engineProgram.ts');
  writeFileSync(node, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
  const powerShell = new PowerShell({ DEVICEWRITEBACK_NODE: node, ...environment, [RELAY_VARIABLE]: socket });
  const { errors } = await powerShell.run('Test-DeviceWritebackPrereq -Quiet');
  if (errors.length > 0) throw new Error(`The engine did not start: ${JSON.stringify(errors)}`);
  return {
    services: await relay.services,
    close: async () => {
      await relay.close();
      await powerShell.close();
      rmSync(folder, { recursive: true });
    },
  };
}
