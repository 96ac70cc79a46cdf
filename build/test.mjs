// Builds, checks and runs all tests. The last line says how many passed and failed; a failed check counts as one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { checks } from './checks.mjs';
import { buildEdge } from './edge.mjs';

await build();
await buildEdge();
const failedChecks = checks();

const folder = mkdtempSync(join(tmpdir(), 'devicewriteback-test-'));
const file = join(folder, 'mocha.json');
let passes = 0;
let failures = 0;
try {
  const chosen = process.argv.length > 2 ? process.argv.slice(2) : ['test/**/*.test.ts'];
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/mocha/bin/mocha.js', '--reporter', 'build/reporter.cjs', ...chosen],
    {
      stdio: 'inherit',
      env: { ...process.env, MOCHA_RESULT: file },
    },
  );
  ({ passes, failures } = JSON.parse(readFileSync(file, 'utf8')));
  // A run that ends without a failed test and still not well has died: that must count.
  if (status !== 0 && failures === 0) failures = 1;
  if (passes === 0) failures += 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const failed = failures + failedChecks.length;
process.stdout.write(`${passes} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
