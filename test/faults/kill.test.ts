import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { stateFolder } from '../../src/files/state.ts';
import { Forest } from '../commands/forest.ts';
import { startEngine, type Answer } from '../protocol/engineClient.ts';
import { countChanged, runIds, wrongFiles, wrongTelling, type Killing } from './aftermath.ts';
import { Chance } from './chance.ts';
import { differences, wrongs } from './expectation.ts';
import { chooseInstant, chooseStep, Observer, PHASES, type Phase } from './instants.ts';
import { addDevices, prepareChanges, RETENTION } from './mixedChanges.ts';
import { isDue, takeSnapshot, type Snapshot } from './snapshot.ts';
import { ENGINE, runAndKill, VICTIMS, type Victim } from './victims.ts';

const DEVICES = 40;
const NO_LIMIT = { maximumRemoval: 1000 };

/** The environment variable SEED plays one kill again, as near as time lets it; SOAK plays many. */
const { SEED, SOAK } = process.env;
const first = SEED === undefined ? randomInt(1e9) : Number(SEED);
const count = SEED !== undefined ? 1 : SOAK === undefined ? 20 : 300;

const warningsOf = ({ logs }: Answer): readonly string[] =>
  logs.filter(({ level }) => level === 'warning').map(({ message }) => message);

/** How many kills left what of their run. */
const left = { nothing: 0, journal: 0, report: 0 };

describe('kill -9 in the middle of a run', function () {
  this.timeout(60_000);
  let forest: Forest;
  let folder: string;

  before(async () => {
    expect(existsSync(ENGINE), `${ENGINE} is not built: run \`node build/bundle.mjs\``).to.equal(true);
    forest = await Forest.startPrepared();
    await forest.engine.end();
    forest.engine = await startEngine(ENGINE);
    addDevices(forest, new Chance(first), DEVICES);
    await forest.sync();
    const { tenantId } = forest.tenant;
    folder = stateFolder({ statePath: forest.statePath, tenantId, domain: forest.dc.domainName });
  });

  after(async () => {
    process.stdout.write(`      left of the killed runs: ${JSON.stringify(left)}\n`);
    await forest?.stop();
  });

  for (let seed = first; seed < first + count; seed += 1) {
    // Successive seeds go through all pairs.
    const victim = VICTIMS[seed % VICTIMS.length] ?? 'engine';
    const phase = PHASES[Math.floor(seed / VICTIMS.length) % PHASES.length] ?? 'writing';

    it(`of the ${victim}, ${phase}: is told, and one run completes it (SEED=${seed})`, async () => {
      const chance = new Chance(seed);
      await prepareChanges(forest, chance, await takeSnapshot(forest));
      const before = await takeSnapshot(forest);
      const reports = await runIds(folder, 'report');
      const killings = [await kill(victim, phase, chance, before)];
      // What tells the next run of the first one must outlive a second.
      if (chance.happens(0.25))
        killings.push(await kill(victim, chance.choose(PHASES) ?? phase, chance, await takeSnapshot(forest)));
      const between = killings.at(-1)?.after ?? before;
      const told = await runIds(folder, 'report');

      const full = chance.happens(0.5);
      const { run, applied } = await forest.sync({ full, ...NO_LIMIT });
      const after = await takeSnapshot(forest);
      expect(run).to.include({ outcome: 'Completed', failed: 0, skipped: 0 });
      const isFull = run.reading === 'Full';
      const due = [...before.own].filter(([, object]) => isDue(object, RETENTION)).map(([id]) => id);
      const begun = killings.flatMap((one) => [...one.begun]);
      const toTell = begun.filter((id) => !told.includes(id));
      const warnings = warningsOf(applied);
      const found = [
        ...wrongs(before, between, () => true, 'Full', RETENTION),
        ...wrongs(between, after, () => true, run.reading, RETENTION),
        ...differences(
          before,
          after,
          forest.tenant,
          () => true,
          { full: isFull, retention: RETENTION },
          new Set(isFull ? [] : due),
        ),
        ...(await wrongFiles(folder)),
        ...(await Promise.all(killings.map((killing) => wrongTelling(folder, killing)))).flat(),
        ...toTell.filter((id) => !warnings.some((text) => text.includes(id))).map((id) => `${id} is not warned of.`),
        ...(warnings.length > toTell.length ? warnings : []),
      ];
      const story = JSON.stringify([...killings.map(({ tale }) => tale), { full }]);
      expect(found.join('\n'), story).to.equal('');
      const come = (await runIds(folder, 'report')).filter((id) => !reports.includes(id));
      expect(come.toSorted(), story).to.deep.equal([...begun, run.runId].toSorted());
    });
  }

  it('leaves objects that a later run does not take for those of another machine', async () => {
    await forest.sync(NO_LIMIT);
    // whenCreated has whole seconds.
    await delay(2000);
    addDevices(forest, new Chance(first + count), 3);
    const observer = new Observer(forest.tenant, folder);
    try {
      await runAndKill('engine', forest, { full: false, ...NO_LIMIT }, { file: 'hints.json', number: 1 }, observer);
    } finally {
      observer.close();
    }
    const told: string[] = [];
    for (const full of [false, true]) {
      const { run, applied } = await forest.sync({ full, ...NO_LIMIT });
      expect(run).to.include({ reading: full ? 'Full' : 'Delta', created: 0 });
      told.push(...warningsOf(applied));
    }
    expect(told).to.have.length(1);
    expect(told[0]).to.contain('An earlier run was interrupted');
  });

  /** One run that is killed, and what it had done by then. */
  async function kill(victim: Victim, phase: Phase, chance: Chance, before: Snapshot): Promise<Killing> {
    const journals = await runIds(folder, 'journal');
    const options = { full: chance.happens(0.5), ...NO_LIMIT };
    const step = victim === 'engine' && chance.happens(0.6) ? chooseStep(phase, chance) : null;
    const instant = step ?? chooseInstant(phase, chance);
    const observer = new Observer(forest.tenant, folder);
    try {
      await runAndKill(victim, forest, options, instant, observer);
    } finally {
      observer.close();
    }
    const seen = new Set([...observer.journals, ...(await runIds(folder, 'journal'))]);
    const begun = [...seen].filter((id) => !journals.includes(id));
    const after = await takeSnapshot(forest);
    const changed = countChanged(before, after);
    const told = await runIds(folder, 'report');
    const end = begun.length === 0 ? 'nothing' : begun.every((id) => told.includes(id)) ? 'report' : 'journal';
    left[end] += 1;
    return { begun, changed, after, tale: { phase, instant, ...options, end, changed } };
  }
});
