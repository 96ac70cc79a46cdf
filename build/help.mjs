/**
 * Makes en-US/DeviceWriteback.dll-Help.xml from the module's assembly and its XML documentation, so that the help of a
 * parameter stands beside the parameter. Compiled cmdlets cannot carry help themselves, and the tools that make it are
 * PowerShell modules. The assembly is reflected by the test host, the one .NET program here that holds the PowerShell
 * engine which the assembly refers to.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildAssemblies } from './assemblies.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const assembly = path.join(root, 'module/bin/DeviceWriteback.dll');
const documentation = path.join(root, 'module/bin/DeviceWriteback.xml');
const host = path.join(root, 'test/powershell/host/bin/PowerShellHost.dll');
const output = path.join(root, 'en-US/DeviceWriteback.dll-Help.xml');
const stampFile = path.join(root, '.build/DeviceWriteback.dll-Help.xml.stamp');

/** Makes the help if the assemblies have changed since. Throws if a cmdlet or parameter lacks its documentation. */
export async function help() {
  await buildAssemblies();
  const hash = createHash('sha256');
  for (const file of [assembly, documentation, host]) hash.update(readFileSync(file));
  const stamp = hash.digest('hex');
  if (existsSync(output) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  process.stdout.write('help: making en-US/DeviceWriteback.dll-Help.xml\n');
  execFileSync('dotnet', [host, '-Help', assembly, documentation, output], { stdio: ['ignore', 'inherit', 'inherit'] });
  writeFileSync(stampFile, stamp);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await help();
