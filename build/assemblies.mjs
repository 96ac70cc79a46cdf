/**
 * Builds the C# assemblies: the module's own, and the PowerShell host that runs it in tests. Each carries a stamp, the
 * hash of all it is made from, so that a run with nothing to do costs milliseconds. Packages are restored in locked mode.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const buildFolder = path.join(root, '.build');

const ASSEMBLIES = [
  { project: 'module/DeviceWriteback.csproj', output: 'module/bin/DeviceWriteback.dll' },
  {
    project: 'module/Services/DeviceWriteback.Services.csproj',
    output: 'module/bin/services/net8.0/DeviceWriteback.Services.dll',
  },
  { project: 'test/powershell/host/Host.csproj', output: 'test/powershell/host/bin/PowerShellHost.dll' },
];

/** Builds what is not up to date. Throws with the compiler's output. */
export async function buildAssemblies() {
  await Promise.all(ASSEMBLIES.map(build));
}

async function build({ project, output }) {
  const stampFile = path.join(buildFolder, `${path.basename(output)}.stamp`);
  const stamp = hashOf(project);
  if (existsSync(path.join(root, output)) && readStamp(stampFile) === stamp) return;
  process.stdout.write(`assemblies: building ${output}\n`);
  // No build server may outlive the build: it would hold the folder and count as a stray process.
  await dotnet([
    'build',
    project,
    '-c',
    'Release',
    '-p:RestoreLockedMode=true',
    '-nologo',
    '-v:q',
    '--disable-build-servers',
  ]);
  mkdirSync(buildFolder, { recursive: true });
  writeFileSync(stampFile, stamp);
}

/** Hash of the project's folder: names and contents of the sources, the project file and the lock file. */
function hashOf(project) {
  const folder = path.join(root, path.dirname(project));
  const files = globSync('**/*.{cs,csproj,lock.json}', { cwd: folder, exclude: ['**/bin/**', '**/obj/**'] }).sort();
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(path.join(folder, file)));
  return hash.digest('hex');
}

function readStamp(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

/** Runs dotnet to its end. Throws with its output. */
export function dotnet(parameters) {
  return new Promise((resolve, reject) => {
    const child = spawn('dotnet', parameters, { cwd: root, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`dotnet ${parameters.join(' ')} ended with ${code}:\n${output.trim()}`));
    });
  });
}

/** dotnet and NuGet need a home folder that they can write to; where there is none, they get one of ours. */
function environment() {
  const env = { ...process.env, DOTNET_NOLOGO: '1', DOTNET_CLI_TELEMETRY_OPTOUT: '1' };
  if (process.platform === 'win32' || isWritable(process.env.HOME)) return env;
  const home = path.join(buildFolder, 'home');
  mkdirSync(home, { recursive: true });
  return { ...env, HOME: home, DOTNET_CLI_HOME: home };
}

function isWritable(folder) {
  try {
    accessSync(folder ?? '', constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildAssemblies();
