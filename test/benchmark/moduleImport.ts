/**
 * The first Import-Module of a PowerShell process: ours against a module with a manifest and an empty script. Each in a
 * process of its own, timed inside the script.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MANIFEST, PowerShell, quote } from '../powershell/powerShell.ts';
import { alternatingPairs, medianDifference, type Row } from './figure.ts';

const PAIRS = 7;

export const moduleImport: Row = {
  name: 'moduleImport',
  async measure(tell) {
    const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bench-'));
    try {
      const empty = path.join(folder, 'Empty.psd1');
      writeFileSync(path.join(folder, 'Empty.psm1'), '');
      writeFileSync(
        empty,
        "@{ RootModule = 'Empty.psm1'; ModuleVersion = '1.0.0'; GUID = '0c6f5c2e-7c0e-4f8c-8d53-5b6a1c4e9a17'; FunctionsToExport = @(); CmdletsToExport = @(); VariablesToExport = @(); AliasesToExport = @() }\n",
      );
      const pairs = await alternatingPairs(
        PAIRS,
        () => importMilliseconds(MANIFEST, 'DeviceWriteback'),
        () => importMilliseconds(empty, 'Empty'),
        tell,
      );
      return [
        {
          name: "Import-Module, over an empty module's",
          value: medianDifference(pairs),
          unit: 'ms',
          limit: 150,
          bound: 'most',
          samples: pairs.map(({ ours, other }) => ({ oursMilliseconds: ours, emptyMilliseconds: other })),
        },
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function importMilliseconds(manifest: string, name: string): Promise<number> {
  const powerShell = new PowerShell();
  try {
    const script = `
      $clock = [Diagnostics.Stopwatch]::StartNew()
      Import-Module ${quote(manifest)}
      $clock.Stop()
      $clock.Elapsed.TotalMilliseconds
      (Get-Module).Name -contains ${quote(name)}`;
    const { output, errors, terminating } = await powerShell.runBare({ script });
    const [milliseconds, loaded] = output;
    if (typeof milliseconds !== 'number' || loaded !== true) {
      throw new Error(`${name} was not imported: ${(terminating ?? errors[0])?.message ?? JSON.stringify(output)}`);
    }
    return milliseconds;
  } finally {
    await powerShell.close();
  }
}
