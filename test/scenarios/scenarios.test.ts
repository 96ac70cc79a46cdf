import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { computePlan } from '../../src/plan/computePlan.ts';
import { renderText } from '../../src/plan/render.ts';
import { applied } from '../plan/memoryDirectory.ts';
import { readScenario, toLdif } from './scenario.ts';

const HERE = new URL('./', import.meta.url);
const REWRITE = process.env['UPDATE_GOLDEN'] === '1';

/**
 * Compares with a golden file. A missing one fails; for one that differs, what was made stays beside it as `.actual`.
 * With UPDATE_GOLDEN=1 the file is written anew.
 */
function expectGolden(file: URL, made: string): void {
  const actual = new URL(`${file.href}.actual`);
  rmSync(actual, { force: true });
  if (REWRITE) writeFileSync(file, made);
  const golden = existsSync(file) ? readFileSync(file, 'utf8') : null;
  if (golden === made) return;
  writeFileSync(actual, made);
  if (golden === null) throw new Error(`${file.pathname} is missing; what was made is in ${actual.pathname}`);
  expect(made, `what was made is in ${actual.pathname}`).to.equal(golden);
}

const scenarios = readdirSync(HERE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .toSorted();

describe('scenarios', () => {
  it('are numbered without a gap', () => {
    expect(scenarios.length).to.be.at.least(12);
    expect(scenarios.map((name) => Number(name.slice(0, 3)))).to.deep.equal(scenarios.map((_, at) => at + 1));
  });

  for (const name of scenarios) {
    describe(name, () => {
      const folder = new URL(`${name}/`, HERE);

      it('gives the plan of plan.txt', () => {
        expectGolden(new URL('plan.txt', folder), renderText(computePlan(readScenario(folder))));
      });

      it('leaves the directory as after.ldif, where a second run finds nothing to do', () => {
        const input = readScenario(folder);
        const plan = computePlan(input);
        const objects = applied(input.objects, plan.changes, input.directoryTime);
        expectGolden(new URL('after.ldif', folder), toLdif(objects));
        expect(computePlan({ ...input, objects }).changes).to.deep.equal([]);
      });
    });
  }
});
