import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stateFolder } from '../../src/files/state.ts';
import { Forest } from '../commands/forest.ts';
import { startEngine } from '../protocol/engineClient.ts';
import { countChanged, runIds, wrongFiles, wrongTelling } from './aftermath.ts';
import { Chance } from './chance.ts';
import { differences, wrongs } from './expectation.ts';
import { chooseInstant, chooseStep, Observer, PHASES } from './instants.ts';
import { addDevices, prepareChanges, RETENTION } from './mixedChanges.ts';
import { isDue, takeSnapshot } from './snapshot.ts';
import { ENGINE, runAndKill, VICTIMS } from './victims.ts';

const DEVICES = 40;
const NO_LIMIT = { maximumRemoval: 1000 };

/** The environment variable SEED plays one kill again, as near as time lets it; SOAK plays many. */
const { SEED, SOAK } = process.env;
const first = SEED === undefined ? randomInt(1e9) : Number(SEED);
const count = SEED !== undefined ? 1 : SOAK === undefined ? 20 : 300;

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

  after(() => forest?.stop());

  for (let seed = first; seed < first + count; seed += 1) {
    // Successive seeds go through all pairs.
    const victim = VICTIMS[seed % VICTIMS.length] ?? 'engine';
    const phase = PHASES[Math.floor(seed / VICTIMS.length) % PHASES.length] ?? 'writing';

    it(`of the ${victim}, ${phase}: is told, and one run completes it (SEED=${seed})`, async () => {
      const chance = new Chance(seed);
      await prepareChanges(forest, chance, await takeSnapshot(forest));
      const before = await takeSnapshot(forest);
      const reports = await runIds(folder, 'report');
      const killed = { full: chance.happens(0.5), ...NO_LIMIT };
      const step = victim === 'engine' && chance.happens(0.6) ? chooseStep(phase, chance) : null;
      const instant = step ?? chooseInstant(phase, chance);

      const observer = new Observer(forest.tenant, folder);
      try {
        await runAndKill(victim, forest, killed, instant, observer);
      } finally {
        observer.close();
      }
      const between = await takeSnapshot(forest);
      const told = await runIds(folder, 'report');
      const begun = new Set([...observer.journals, ...(await runIds(folder, 'journal'))]);
      const changed = countChanged(before, between);

      const next = { full: chance.happens(0.5), ...NO_LIMIT };
      const { run, applied } = await forest.sync(next);
      const after = await takeSnapshot(forest);
      expect(run).to.include({ outcome: 'Completed', failed: 0, skipped: 0 });
      const isFull = run.reading === 'Full';
      const dueOnly = isFull ? [] : [...before.own].filter(([, object]) => isDue(object, RETENTION)).map(([id]) => id);
      const anyDevice = (): boolean => true;
      const policy = { full: isFull, retention: RETENTION };
      const come = (await runIds(folder, 'report')).filter((id) => !reports.includes(id));
      const toTell = [...begun].filter((id) => !told.includes(id));
      const warnings = applied.logs.filter(({ level }) => level === 'warning').map(({ message }) => message);
      const found = [
        ...wrongs(before, between, anyDevice, killed.full ? 'Full' : 'Delta', RETENTION),
        ...wrongs(between, after, anyDevice, run.reading, RETENTION),
        ...differences(before, after, forest.tenant, anyDevice, policy, new Set(dueOnly)),
        ...(await wrongFiles(folder)),
        ...(begun.size === 0 && changed > 0 ? [`${changed} objects changed without a journal.`] : []),
        ...(await Promise.all([...begun].map((id) => wrongTelling(folder, id, changed)))).flat(),
        ...toTell.filter((id) => !warnings.some((text) => text.includes(id))).map((id) => `${id} is not warned of.`),
        ...(warnings.length > toTell.length ? warnings : []),
      ];
      expect(found.join('\n'), JSON.stringify({ killed, instant, next })).to.equal('');
      expect(come.toSorted()).to.deep.equal([...begun, run.runId].toSorted());
    });
  }
});
