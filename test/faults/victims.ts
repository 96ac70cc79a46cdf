import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CLIENT_ID, CLIENT_SECRET, type Forest } from '../commands/forest.ts';
import { PowerShell, quote, ROOT } from '../powershell/powerShell.ts';
import { startEngine } from '../protocol/engineClient.ts';
import type { Instant, Observer, Step } from './instants.ts';

export const VICTIMS = ['engine', 'PowerShell', 'domain controller'] as const;
export type Victim = (typeof VICTIMS)[number];

export const ENGINE = path.join(ROOT, 'module/bin/engine/engine.mjs');
const KILL_AT_STEP = new URL('./killAtStep.ts', import.meta.url).href;
/** How long an engine may outlive its host, in milliseconds. */
const ORPHAN_LIMIT = 2000;

/** The parameters of the run at hand. */
export interface RunOption {
  readonly full: boolean;
  readonly maximumRemoval: number;
}

/** Runs with this victim and kills it; what it was at is then over, and the domain controller answers. */
export async function runAndKill(
  victim: Victim,
  forest: Forest,
  run: RunOption,
  instant: Instant | Step,
  observer: Observer,
): Promise<void> {
  if ('number' in instant) await killAtStep(forest, run, instant);
  else if (victim === 'engine') await killEngine(forest, run, instant, observer);
  else if (victim === 'PowerShell') await killHost(forest, run, instant, observer);
  else await killController(forest, run, instant, observer);
}

async function killEngine(forest: Forest, run: RunOption, instant: Instant, observer: Observer): Promise<void> {
  const engine = await startEngine(ENGINE);
  const ended = sync(engine, forest, run);
  await observer.at(instant, ended);
  await engine.kill();
  await ended;
}

/** By the engine's own hand; one that came to its end before the step is killed as it waits. */
async function killAtStep(forest: Forest, run: RunOption, { file, number }: Step): Promise<void> {
  const engine = await startEngine(ENGINE, {
    nodeArguments: ['--import', KILL_AT_STEP],
    environment: { KILL_AT: `${file},${number}` },
  });
  await sync(engine, forest, run);
  await engine.kill();
}

async function killHost(forest: Forest, run: RunOption, instant: Instant, observer: Observer): Promise<void> {
  const host = new PowerShell();
  const ended = host.run(script(forest, run)).then(
    ({ terminating }) => {
      if (terminating !== null) throw new Error(terminating.message);
    },
    () => undefined,
  );
  await observer.at(instant, ended);
  const engines = childrenOf(host.pid);
  await host.kill();
  const killed = performance.now();
  await ended;
  while (engines.some(isAlive)) {
    const lived = performance.now() - killed;
    if (lived > ORPHAN_LIMIT) throw new Error(`The engine ${engines.join()} lives ${lived} ms after its host.`);
    await delay(10);
  }
}

async function killController(forest: Forest, run: RunOption, instant: Instant, observer: Observer): Promise<void> {
  const ended = sync(forest.engine, forest, run);
  await observer.at(instant, ended);
  await forest.dc.kill();
  const { problem } = await ended;
  await forest.dc.restart();
  if (problem !== null && problem !== 'DirectoryUnreachable') throw new Error(`The run ended with ${problem}.`);
}

interface Ended {
  /** Code of the error that ended it; null if none did, or if the engine did not live to tell. */
  readonly problem: string | null;
}

async function sync(engine: Forest['engine'], forest: Forest, run: RunOption): Promise<Ended> {
  try {
    const plan = await engine.call('plan', { ...forest.params, ...run });
    if (plan.error !== null) return { problem: plan.error.code };
    const { handle, digest } = plan.result ?? {};
    const { error, errors } = await engine.call('apply', { handle, digest, declined: [] });
    return { problem: error?.code ?? errors[0]?.code ?? null };
  } catch {
    return { problem: null };
  }
}

function script({ params, account, dc, tenant, statePath }: Forest, { full, maximumRemoval }: RunOption): string {
  const credential = (user: string, password: string): string =>
    `([pscredential]::new(${quote(user)}, [Net.NetworkCredential]::new('', ${quote(password)}).SecurePassword))`;
  return `$ErrorActionPreference = 'Stop'
    $there = @{ TenantId = ${quote(String(params['tenantId']))}; Server = ${quote(dc.address)}
      ClientSecretCredential = ${credential(CLIENT_ID, CLIENT_SECRET)}
      Credential = ${credential(account.userName, account.password)}
      Environment = @{ graph = ${quote(tenant.graphUrl)}; login = ${quote(tenant.loginUrl)} }
      TrustedCertificate = ${quote(dc.caFile)}; StatePath = ${quote(statePath)} }
    Sync-DeviceWriteback @there -MaximumRemoval ${maximumRemoval}${full ? ' -Full' : ''}`;
}

function childrenOf(pid: number): readonly number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) => (childrenOfThread(pid, thread).match(/\d+/g) ?? []).map(Number));
}

/** Nothing of a thread that has ended meanwhile. */
function childrenOfThread(pid: number, thread: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
  } catch {
    return '';
  }
}

/** A process that has ended and is not yet taken note of (state Z) has ended. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !'ZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
