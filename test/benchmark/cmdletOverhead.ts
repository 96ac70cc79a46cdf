/**
 * What a cmdlet takes over the work it does. The work is the request itself: the same method with the same parameters,
 * asked of a warm engine by a client that does nothing but read lines. The cmdlet is Get-DeviceWritebackPlan over a tiny
 * tenant and a real directory, so that signing in and reading both sides is part of both and cancels out.
 *
 * First: the cmdlet's time in a new PowerShell process with the module imported, less the work measured beside it. What
 * remains is the start of Node and of the engine, the loading of its libraries, the first use of the module's code, and
 * all that a cold engine does more slowly. Later: a cmdlet in a session that has run it, against the same work, in
 * alternating blocks.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PlanResult } from '../../src/protocol/messages.ts';
import type { DirectoryUser } from '../lab/domainController.ts';
import { MANIFEST, PowerShell, quote } from '../powershell/powerShell.ts';
import type { EngineClient } from '../protocol/engineClient.ts';
import { alternatingPairs, median, medianDifference, type Figure, type Pair, type Row } from './figure.ts';
import {
  startBundledEngine,
  connectionParameters,
  resultOf,
  secretParameters,
  startTenant,
  withFreshDirectory,
} from './plannedWrite.ts';

const OBJECTS = 10;
const PAIRS = 7;
/** Calls of one block, of which the median counts. */
const BLOCK = 7;

export const cmdletOverhead: Row = {
  name: 'cmdletOverhead',
  async measure(tell) {
    const graph = await startTenant(OBJECTS);
    const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bench-'));
    try {
      return await withFreshDirectory(async ({ dc, account }) => {
        const configurationPath = path.join(folder, 'bench.json');
        const settings = connectionParameters(graph, dc, dc.address, path.join(folder, 'state'));
        writeFileSync(configurationPath, JSON.stringify(namedAsCmdletParameters(settings)));
        const engine = await startBundledEngine();
        const powerShell = new PowerShell();
        try {
          const request = { configurationPath, ...secretParameters(account) };
          const work = (): Promise<number> => workMilliseconds(engine, request);
          const preparation = preparationScript(configurationPath, account);
          await work();
          const first = await alternatingPairs(PAIRS, () => firstMilliseconds(preparation), work, tell);
          const later = await alternatingPairs(PAIRS, () => laterMilliseconds(powerShell, preparation), work, tell);
          return [figure('first cmdlet, over the work it does', first, 250), figure('later cmdlets', later, 20)];
        } finally {
          await Promise.all([engine.end(), powerShell.close()]);
        }
      });
    } finally {
      rmSync(folder, { recursive: true });
      await graph.stop();
    }
  },
};

function figure(name: string, pairs: readonly Pair[], limit: number): Figure {
  const samples = pairs.map(({ ours, other }) => ({ cmdletMilliseconds: ours, workMilliseconds: other }));
  return { name, value: medianDifference(pairs), unit: 'ms', limit, bound: 'most', samples };
}

function namedAsCmdletParameters(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]),
  );
}

/** The median of a block of requests, each until its answer; what is kept for it is released outside the time. */
async function workMilliseconds(engine: EngineClient, request: object): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < BLOCK; call += 1) {
    const started = performance.now();
    const answer = await engine.call('plan', request);
    times.push(performance.now() - started);
    const { handle, changes } = resultOf<PlanResult>(answer);
    if (changes < OBJECTS) throw new Error(`The plan has ${changes} changes.`);
    await engine.call('release', { handle });
  }
  return median(times);
}

function preparationScript(configurationPath: string, account: DirectoryUser): string {
  const { clientSecretCredential: application, credential } = secretParameters(account);
  const secure = (password: string): string => `[Net.NetworkCredential]::new('', ${quote(password)}).SecurePassword`;
  const given = ({ userName, password }: { userName: string; password: string }): string =>
    `[pscredential]::new(${quote(userName)}, ${secure(password)})`;
  return `
    $ErrorActionPreference = 'Stop'
    Import-Module ${quote(MANIFEST)}
    $parameters = @{
      ConfigurationPath = ${quote(configurationPath)}
      ClientSecretCredential = ${given(application)}
      Credential = ${given(credential)}
    }
    function Measure-Plan {
      $clock = [Diagnostics.Stopwatch]::StartNew()
      $plan = Get-DeviceWritebackPlan @parameters
      $clock.Stop()
      if ($plan.Count -lt ${OBJECTS}) { throw "The plan has $($plan.Count) changes." }
      $clock.Elapsed.TotalMilliseconds
    }`;
}

async function firstMilliseconds(preparation: string): Promise<number> {
  const powerShell = new PowerShell();
  try {
    return median(await measuredTimes(powerShell, `${preparation}\nMeasure-Plan`));
  } finally {
    await powerShell.close();
  }
}

async function laterMilliseconds(powerShell: PowerShell, preparation: string): Promise<number> {
  const script = `${preparation}\n$null = Measure-Plan\nforeach ($call in 1..${BLOCK}) { Measure-Plan }`;
  return median(await measuredTimes(powerShell, script));
}

async function measuredTimes(powerShell: PowerShell, script: string): Promise<readonly number[]> {
  const { output, errors, terminating } = await powerShell.runBare({ script });
  const failure = terminating ?? errors[0];
  if (failure !== undefined && failure !== null) throw new Error(`The cmdlet failed: ${failure.message}`);
  return output.map(Number);
}
