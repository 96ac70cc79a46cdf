/**
 * Brings a machine to the state that build and tests need: the tools on PATH, the Debian packages of the test lab, and
 * node_modules as package-lock.json says. Runs on Node 20 with nothing installed, prints one line for each step that
 * does something, and nothing when all is done.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const MINIMUM_NODE = 20;
const DOTNET_SDK = 10;

/**
 * What the lab runs: Samba as domain controller, the OpenLDAP client tools, openssl; what Negotiate needs; the compiler for
 * the native part of edge-js; and the browser that the page of a report is looked at with.
 */
const DEBIAN_PACKAGES = [
  'samba-ad-dc',
  'samba-ad-provision',
  'python3-samba',
  'ldb-tools',
  'ldap-utils',
  'openssl',
  'krb5-user',
  'libgssapi-krb5-2',
  'libsasl2-modules-gssapi-mit',
  'g++',
  'make',
  'python3',
  'chromium',
];

/**
 * Installs the packages named in "$@". A policy-rc.d that answers 101 keeps invoke-rc.d from starting smbd, nmbd and
 * winbind (Debian policy manual, section 9.3.3); one that is there already is the owner's and stays as it is.
 */
const INSTALL_SCRIPT = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
`;

function say(line) {
  process.stdout.write(`setup: ${line}\n`);
}

/** Ends the set-up with one line each for what is wrong. */
function refuse(...lines) {
  for (const line of lines) process.stderr.write(`setup: ${line}\n`);
  process.exit(1);
}

function isOnPath(program) {
  const names = process.platform === 'win32' ? [`${program}.exe`, `${program}.cmd`] : [program];
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => names.some((name) => isExecutableFile(path.join(folder, name))));
}

function isExecutableFile(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Runs a program, its output kept; on failure shows the end of that output and ends the set-up. */
function run(what, program, parameters) {
  const result = spawnSync(program, parameters, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
  refuse(`${what} failed:`, ...output.trim().split('\n').slice(-20));
}

function toolProblems() {
  const problems = [];
  if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE) {
    problems.push(`Node ${MINIMUM_NODE} or later is needed; this is ${process.version}.`);
  }
  if (!isOnPath('npm')) problems.push('npm is not on PATH; it comes with Node.');
  if (!isOnPath('dotnet')) {
    problems.push(`dotnet is not on PATH; install the .NET SDK ${DOTNET_SDK}.`);
  } else {
    const sdks = spawnSync('dotnet', ['--list-sdks'], { encoding: 'utf8' }).stdout ?? '';
    const wanted = new RegExp(`^${DOTNET_SDK}\\.`, 'm');
    if (!wanted.test(sdks)) {
      problems.push(`The .NET SDK ${DOTNET_SDK} is not installed; dotnet has: ${sdks.trim() || 'none'}.`);
    }
  }
  return problems;
}

function missingPackages() {
  const query = ['--show', '--showformat=${Package} ${db:Status-Status}\n', ...DEBIAN_PACKAGES];
  const listing = spawnSync('dpkg-query', query, { encoding: 'utf8' }).stdout ?? '';
  const installed = new Set(
    listing.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])),
  );
  return DEBIAN_PACKAGES.filter((name) => !installed.has(name));
}

function installPackages() {
  if (!isOnPath('dpkg-query') || !isOnPath('apt-get')) {
    say(`this is not Debian: the test lab needs what Debian calls ${DEBIAN_PACKAGES.join(', ')}.`);
    return;
  }
  const missing = missingPackages();
  if (missing.length === 0) return;
  const asRoot = process.getuid?.() === 0;
  if (!asRoot && (!isOnPath('sudo') || spawnSync('sudo', ['-n', 'true']).status !== 0)) {
    refuse(`run this as root, then set up again: apt-get install --no-install-recommends ${missing.join(' ')}`);
  }
  say(`installing Debian packages: ${missing.join(' ')}`);
  const shell = ['sh', '-c', INSTALL_SCRIPT, 'sh', ...missing];
  const [program, ...parameters] = asRoot ? shell : ['sudo', '-n', ...shell];
  run('Installing the Debian packages', program, parameters);
}

function installNodeModules() {
  const stamp = path.join(root, 'node_modules', '.setup-stamp');
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lock) return;
  say('installing node_modules from package-lock.json');
  run('npm ci', process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--no-progress', '--loglevel=error']);
  writeFileSync(stamp, `${lock}\n`);
}

const problems = toolProblems();
if (problems.length > 0) refuse(...problems);
installPackages();
installNodeModules();
