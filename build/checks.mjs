// Types, lint with the import rules, format. Each must be clean.
import { spawnSync } from 'node:child_process';

/** @type {[string, string, string[]][]} */
const CHECKS = [
  ['types', 'node_modules/.bin/tsc', ['-p', '.']],
  ['lint', 'node_modules/.bin/oxlint', ['--type-aware', '--deny-warnings']],
  ['format', 'node_modules/.bin/prettier', ['--check', '--log-level', 'warn', '.']],
];

/** Returns the names of the checks that failed. */
export function checks() {
  return CHECKS.filter(([name, program, args]) => {
    const { status } = spawnSync(program, args, { stdio: 'inherit' });
    process.stdout.write(`${name}: ${status === 0 ? 'clean' : 'FAILED'}\n`);
    return status !== 0;
  }).map(([name]) => name);
}

if (import.meta.main) process.exitCode = checks().length === 0 ? 0 : 1;
