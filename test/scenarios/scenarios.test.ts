import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { ACTIONS, CAUSES, CHANGE_WARNINGS, HELD_REASONS, type Plan } from '../../src/plan/change.ts';
import { checkPlan } from '../../src/plan/checkPlan.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { renderText } from '../../src/plan/render.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import { applied, located, restorable } from '../plan/memoryDirectory.ts';
import { readOptions, readScenario, toLdif, type Options } from './scenario.ts';

const HERE = new URL('./', import.meta.url);
const REWRITE = process.env['UPDATE_GOLDEN'] === '1';
const RUN_ID = '20261122T142312Z-1';

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

const folderOf = (name: string): URL => new URL(`${name}/`, HERE);

/** The undo plan of a run that applied the whole plan, but for the changes of which it noted no result. */
function undone({ tenantId, container, changes }: Plan, unknown: readonly string[] = []): Plan {
  return undoPlan(
    { runId: RUN_ID, tenantId, container },
    changes.map((change) => ({ change, state: unknown.includes(change.deviceId) ? 'unknown' : 'applied' })),
  );
}

/** The objects after each of these runs. */
function run(input: PlanInput, runs: number): PlanInput {
  let now = input;
  for (let done = 0; done < runs; done += 1) {
    const { changes } = computePlan(now);
    if (done > 0) expect(changes, `run ${done + 1}`).to.not.deep.equal([]);
    now = { ...now, objects: applied(now.objects, changes, now.directoryTime) };
  }
  return now;
}

describe('scenarios', () => {
  it('are numbered without a gap', () => {
    expect(scenarios.length).to.be.at.least(42);
    expect(scenarios.map((name) => Number(name.slice(0, 3)))).to.deep.equal(scenarios.map((_, at) => at + 1));
  });

  it('have nothing in them but what they are made of', () => {
    for (const name of scenarios) {
      const undo = readOptions(folderOf(name)).undo === undefined ? [] : ['undo.txt'];
      const files = ['after.ldif', 'devices.json', 'directory.ldif', 'options.json', 'plan.txt', ...undo];
      const there = readdirSync(folderOf(name)).filter((file) => !file.endsWith('.actual'));
      expect(there.toSorted(), name).to.deep.equal(files);
    }
  });

  for (const name of scenarios) {
    const folder = folderOf(name);
    const options: Options = readOptions(folder);

    describe(`${name}: ${options.shows}`, () => {
      it('gives the plan of plan.txt', () => {
        expectGolden(new URL('plan.txt', folder), renderText(computePlan(readScenario(folder))));
      });

      const runs = options.runs ?? 1;
      const rest = runs === 1 ? 'a second run finds nothing to do' : `nothing is left to do after ${runs} runs`;
      it(`leaves the directory as after.ldif, where ${rest}`, () => {
        const input = readScenario(folder);
        expectGolden(new URL('after.ldif', folder), toLdif(run(input, 1).objects));
        expect(computePlan(run(input, runs)).changes).to.deep.equal([]);
      });

      it('gives a plan that is taken from a file without a fault, and so does its undo', () => {
        const input = readScenario(folder);
        const plan = computePlan(input);
        const { tenantId, container, directoryTime: now, policy } = input;
        const rules = { tenantId, container, made: now, now, policy };
        expect(checkPlan(plan, rules)).to.deep.equal([]);
        expect(checkPlan(undone(plan), rules)).to.deep.equal([]);
      });

      it('is undone to what directory.ldif has', () => {
        const { objects, ...input } = readScenario(folder);
        const plan = computePlan({ ...input, objects });
        const after = applied(objects, plan.changes, input.directoryTime);
        const back = applied(after, located(undone(plan).changes, after), input.directoryTime);
        expect(restorable(back)).to.deep.equal(restorable(objects));
      });

      if (options.undo === undefined) return;
      const { unknown } = options.undo;
      it('gives the undo plan of undo.txt', () => {
        expectGolden(new URL('undo.txt', folder), renderText(undone(computePlan(readScenario(folder)), unknown)));
      });
    });
  }

  describe('all together', () => {
    const golden = (file: string): string =>
      scenarios
        .map((name) => new URL(file, folderOf(name)))
        .map((url) => (existsSync(url) ? readFileSync(url, 'utf8') : ''))
        .join('\n');
    const plans = (): string => golden('plan.txt');
    const undos = (): string => golden('undo.txt');

    for (const reason of HELD_REASONS) {
      const ofUndo = ['NotRestorable', 'OutcomeUnknown'].includes(reason);
      it(`show a difference that is held as ${reason}`, () => {
        expect(ofUndo ? undos() : plans()).to.match(new RegExp(`^! held ${reason} `, 'm'));
      });
    }
    for (const action of ACTIONS) {
      it(`show the action ${action}`, () => {
        expect(plans()).to.match(new RegExp(`^. ${action} `, 'm'));
      });
    }
    for (const cause of CAUSES) {
      it(`show the cause ${cause}`, () => {
        expect(cause === 'undo' ? undos() : plans()).to.match(new RegExp(`^. [a-z]+ \\(${cause}\\) `, 'm'));
      });
    }
    for (const warning of CHANGE_WARNINGS) {
      it(`show the warning ${warning}`, () => {
        expect(plans()).to.include(`    warning: ${warning}: `);
      });
    }
    for (const code of ['RemovalThreshold', 'SourceTooSmall']) {
      it(`show a plan that is refused as ${code}`, () => {
        expect(plans()).to.match(new RegExp(`^refused: ${code}: `, 'm'));
      });
    }
  });
});
