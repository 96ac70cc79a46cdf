/**
 * Objects from engine to pipeline: an engine with a synthetic plan and the real protocol code streams 100,000 creates,
 * each with all its attributes, into a function that counts them. The time is that of the whole pipeline in a session that
 * has run it before; the test host's own conversion of objects takes no part, because only two numbers leave the script.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PowerShell } from '../powershell/powerShell.ts';
import { median, type Row } from './figure.ts';

const OBJECTS = 100_000;
const WARM_UP = 20_000;
const RUNS = 5;
const ENGINE = path.join(import.meta.dirname, 'streamingEngine.ts');

export const pipelineRate: Row = {
  name: 'pipelineRate',
  async measure(tell) {
    const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bench-'));
    const wrapper = path.join(folder, 'node');
    writeFileSync(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${ENGINE}'\n`, { mode: 0o755 });
    const powerShell = new PowerShell({ DEVICEWRITEBACK_NODE: wrapper });
    try {
      await objectsPerSecond(powerShell, WARM_UP);
      const rates: number[] = [];
      while (rates.length < RUNS) {
        rates.push(await objectsPerSecond(powerShell, OBJECTS));
        tell(`run ${rates.length} of ${RUNS}: ${Math.round(rates.at(-1) ?? 0)} objects a second`);
      }
      return [
        {
          name: 'objects from engine to pipeline',
          value: median(rates),
          unit: 'a second',
          limit: 50_000,
          bound: 'least',
          samples: rates.map((rate) => ({ objectsPerSecond: rate })),
        },
      ];
    } finally {
      await powerShell.close();
      rmSync(folder, { recursive: true });
    }
  },
};

async function objectsPerSecond(powerShell: PowerShell, objects: number): Promise<number> {
  const { output, errors, terminating } = await powerShell.run(`
    function Measure-Count { begin { $count = 0 } process { $count++ } end { $count } }
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $count = Get-DeviceWritebackPlan -MaximumRemoval ${objects} | Measure-Count
    $clock.Stop()
    $count
    $clock.Elapsed.TotalSeconds`);
  const [count, seconds] = output;
  if (count !== objects || typeof seconds !== 'number') {
    throw new Error(
      `${String(count)} of ${objects} objects came: ${(terminating ?? errors[0])?.message ?? 'no error'}`,
    );
  }
  return objects / seconds;
}
