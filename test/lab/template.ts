import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPUTER_NAME, LAB_FOLDER, ROOT, type Domain, type SchemaVersion } from './domain.ts';
import { hold } from './hold.ts';
import { runProgram } from './program.ts';

/** Debian's own interpreter: the samba module is installed for it alone, and another may come first on PATH. */
const PYTHON = '/usr/bin/python3';
const PROVISION_SCRIPT = fileURLToPath(new URL('provision.py', import.meta.url));
const TEMPLATES_FOLDER = path.join(LAB_FOLDER, 'templates');
const DAY_MS = 24 * 60 * 60 * 1000;

/** The parts of a provisioned directory that hold state; its smb.conf names the folder that it was made in. */
const COPIED_FOLDERS = ['private', 'state'];

/**
 * Copies a freshly provisioned directory of that schema and domain into `target`. It is provisioned once for each version of
 * Samba and of the provision script, about 4 s, by the first process that asks; others wait for it.
 */
export async function copyTemplate(schema: SchemaVersion, domain: Domain, target: string): Promise<void> {
  const template = await provisionedTemplate(schema, domain);
  for (const folder of COPIED_FOLDERS) {
    await cp(path.join(template, folder), path.join(target, folder), { recursive: true, preserveTimestamps: true });
  }
}

async function provisionedTemplate(schema: SchemaVersion, domain: Domain): Promise<string> {
  const folder = path.join(TEMPLATES_FOLDER, `${schema}-${domain.netbiosName}-${await templateKey()}`);
  if (!existsSync(folder)) {
    const turn = await hold(`template/${path.basename(folder)}`);
    try {
      if (!existsSync(folder)) await provision(schema, domain, folder);
    } finally {
      await turn.release();
    }
  }
  const now = new Date();
  await utimes(folder, now, now);
  return folder;
}

async function templateKey(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await runProgram('samba', ['--version']));
  hash.update(await readFile(PROVISION_SCRIPT));
  hash.update(await readFile(fileURLToPath(import.meta.url)));
  return hash.digest('hex').slice(0, 16);
}

/** Provisions beside its final place and renames, so that a template is either whole or not there. */
async function provision(schema: SchemaVersion, domain: Domain, folder: string): Promise<void> {
  await mkdir(TEMPLATES_FOLDER, { recursive: true, mode: 0o700 });
  await removeUnusedTemplates();
  const unfinished = await mkdtemp(path.join(TEMPLATES_FOLDER, 'unfinished-'));
  try {
    await runProgram(PYTHON, [
      PROVISION_SCRIPT,
      String(schema),
      ROOT.name,
      `--realm=${domain.realm}`,
      `--domain=${domain.netbiosName}`,
      `--host-name=${COMPUTER_NAME}`,
      '--host-ip=127.0.0.1',
      '--server-role=dc',
      '--dns-backend=NONE',
      `--adminpass=${domain.administrator.password}`,
      `--targetdir=${unfinished}`,
      // File systems in memory have no extended attributes, which the policy folder wants.
      '--option=vfs objects = fake_perms dfs_samba4 acl_xattr xattr_tdb',
      `--option=xattr_tdb:file = ${unfinished}/xattr.tdb`,
    ]);
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** A template lies in memory, and a change of the lab makes a new one: those of the past go. */
async function removeUnusedTemplates(): Promise<void> {
  for (const name of await readdir(TEMPLATES_FOLDER)) {
    const folder = path.join(TEMPLATES_FOLDER, name);
    const used = await stat(folder).catch(() => null);
    if (used && Date.now() - used.mtimeMs > DAY_MS) await rm(folder, { recursive: true, force: true });
  }
}
