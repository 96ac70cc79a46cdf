/**
 * Builds what the engine needs to load .NET into its own process: module/bin/edge. It is optional. edge-js compiles its
 * native part against the Node that runs it, so it is built for the Node of this checkout, outside node_modules, by the
 * node-gyp that comes with npm; its own install script is not run. What changes neither is not built again.
 */
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dotnet } from './assemblies.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const inRoot = (...parts) => path.join(root, ...parts);

/** The package of Node for this platform: beside the executable it has the headers. */
const nodePackage = `node-${process.platform}-${process.arch}`;
const nodeVersion = () => JSON.parse(readFileSync(inRoot('node_modules', 'node', 'package.json'), 'utf8')).version;

const edgeJs = inRoot('node_modules', 'edge-js');
const node = inRoot('node_modules', 'node', 'bin', 'node');
const work = inRoot('.build', 'edge');
const headers = path.join(work, 'headers');
const output = inRoot('module', 'bin', 'edge');
const stampFile = path.join(work, 'stamp');

/** What edge-js needs to run: its loader and its licence beside the two halves. */
const LOADER = ['lib/edge.js', 'tools/checkMono.js', 'LICENSE'];

/**
 * Builds what is not up to date and returns whether edge is there. A computer without edge-js, the .NET SDK, a C++
 * compiler or make has none: the engine then says so when it needs it. A build that is possible and fails throws.
 */
export async function buildEdge() {
  const missing = missingTools();
  if (missing.length > 0) {
    process.stdout.write(`edge: not built, there is no ${missing.join(', no ')}\n`);
    return false;
  }
  const stamp = hash();
  if (existsSync(path.join(output, 'edge_coreclr.node')) && readStamp() === stamp) return true;
  process.stdout.write('edge: building module/bin/edge, which takes about a minute\n');
  rmSync(work, { recursive: true, force: true });
  await buildManaged();
  await buildNative();
  assemble();
  writeFileSync(stampFile, stamp);
  return true;
}

function missingTools() {
  const programs = ['dotnet', 'g++', 'make', 'python3', 'npm'].filter((program) => onPath(program) === null);
  return existsSync(path.join(edgeJs, 'binding.gyp')) ? programs : ['edge-js', ...programs];
}

function onPath(program) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file)) ?? null;
}

/** Names and contents of our own sources, the version of edge-js, and the Node that it is built for. */
function hash() {
  const made = createHash('sha256');
  const sources = globSync('build/edge/*.{cs,csproj,json}', { cwd: root }).sort();
  for (const file of [
    'build/edge.mjs',
    ...sources,
    'node_modules/edge-js/package.json',
    'node_modules/nan/package.json',
  ]) {
    made.update(`\0${file}\0`).update(readFileSync(inRoot(file)));
  }
  return made.update(nodeVersion()).digest('hex');
}

function readStamp() {
  return existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : null;
}

async function buildManaged() {
  const project = inRoot('build', 'edge', 'EdgeHost.csproj');
  const options = ['-c', 'Release', '-p:RestoreLockedMode=true', '-nologo', '-v:q', '--disable-build-servers'];
  await dotnet(['build', project, ...options]);
}

async function buildNative() {
  const folder = path.join(work, 'native');
  for (const name of ['binding.gyp', 'src'])
    cpSync(path.join(edgeJs, name), path.join(folder, name), { recursive: true });
  await configureNative(folder, await nodeHeaders());
  const jobs = `-j${Math.min(2, availableParallelism())}`;
  await run('make', ['-C', 'build', jobs, 'BUILDTYPE=Release', 'edge_coreclr'], folder);
  rmSync(headers, { recursive: true, force: true });
}

/** Writes the make files into the folder's build folder, for the Node whose headers are given. */
export async function configureNative(folder, nodeFolder) {
  await run(node, [nodeGyp(), 'configure', '--release', `--nodedir=${nodeFolder}`], folder, withoutNpmSettings());
}

/** node-gyp prefers npm's settings, which npm hands to every script as variables, to its own options: among them nodedir. */
function withoutNpmSettings() {
  const ofNpm = /^npm_(config|package_config)_/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofNpm.test(name)));
}

/**
 * The folder with Node's headers. The package `node` fetches it inside its own folder when it is installed, where the next
 * npm install removes it again; then it is fetched once more, in the same version, to the side.
 */
async function nodeHeaders() {
  const [ofNode, own] = [inRoot('node_modules', 'node'), headers].map((folder) =>
    path.join(folder, 'node_modules', nodePackage),
  );
  if (existsSync(path.join(ofNode, 'include'))) return ofNode;
  mkdirSync(headers, { recursive: true });
  const options = ['--prefix', headers, '--ignore-scripts', '--no-save', '--no-package-lock', '--loglevel=error'];
  await run('npm', ['install', ...options, `${nodePackage}@${nodeVersion()}`], headers);
  return own;
}

/** The one that npm itself builds native packages with. */
function nodeGyp() {
  const ofNpm = path.join(
    path.dirname(realpathSync(onPath('npm'))),
    '..',
    'node_modules',
    'node-gyp',
    'bin',
    'node-gyp.js',
  );
  const file = [process.env.npm_config_node_gyp, ofNpm].find((candidate) => candidate && existsSync(candidate));
  if (file === undefined) throw new Error(`edge: there is no node-gyp beside npm, at ${ofNpm}`);
  return file;
}

function assemble() {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  for (const file of LOADER) cpSync(path.join(edgeJs, file), path.join(output, file));
  for (const file of globSync('*.{dll,json}', { cwd: path.join(work, 'managed') })) {
    cpSync(path.join(work, 'managed', file), path.join(output, file));
  }
  cpSync(path.join(work, 'native', 'build', 'Release', 'edge_coreclr.node'), path.join(output, 'edge_coreclr.node'));
  // The loader is CommonJS, and the package around it is not.
  writeFileSync(path.join(output, 'package.json'), '{ "type": "commonjs" }\n');
}

function run(program, parameters, folder, environment = process.env) {
  return new Promise((resolve, reject) => {
    const env = { ...environment, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` };
    const child = spawn(program, parameters, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let words = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (words += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else
        reject(new Error(`edge: ${program} ${parameters.join(' ')} ended with ${code}:\n${words.trim().slice(-8000)}`));
    });
  });
}

if (import.meta.main) process.exitCode = (await buildEdge()) ? 0 : 1;
