import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CLIENT_ID, Forest, resultOf } from '../commands/forest.ts';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { startEngine, type Answer } from '../protocol/engineClient.ts';
import { Chance } from './chance.ts';
import { differences, wrongs } from './expectation.ts';
import type { ScopeOption } from './scopeOption.ts';
import { takeSnapshot, type Retention } from './snapshot.ts';
import { TenantLife } from './tenantLife.ts';
import { Weather } from './weather.ts';

const ENGINE = fileURLToPath(new URL('./quickEngine.ts', import.meta.url));
const ROLES = ['Device.Read.All', 'User.Read.All', 'GroupMember.Read.All'];
const NO_LIMIT = { maximumRemoval: 1000 };

/** The environment variable SEED plays one history again; SOAK plays many. */
const { SEED, SOAK } = process.env;
const first = SEED === undefined ? randomInt(1e9) : Number(SEED);
const count = SEED !== undefined ? 1 : SOAK === undefined ? 20 : 300;

describe('whatever happens in Entra and on the way to it', function () {
  this.timeout(120_000);
  let forest: Forest;

  before(async () => {
    forest = await Forest.startPrepared();
    await forest.engine.end();
    forest.engine = await startEngine(ENGINE);
    forest.tenant.apps.grant(CLIENT_ID, ROLES);
  });

  after(() => forest.stop());

  for (let seed = first; seed < first + count; seed += 1) {
    it(`no living device loses its object, and the directory follows (SEED=${seed})`, async () => {
      const history = new History(forest, new Chance(seed));
      try {
        await history.play();
      } catch (error) {
        const told = error instanceof Error ? error.message : String(error);
        throw new Error(`SEED=${seed}\n${history.lines.join('\n')}\n${told}`, { cause: error });
      }
    });
  }
});

class History {
  readonly lines: string[] = [];
  readonly #forest: Forest;
  readonly #chance: Chance;
  #scope: ScopeOption = {};
  /** Days; null for ever. */
  readonly #retention: Retention;

  constructor(forest: Forest, chance: Chance) {
    this.#forest = forest;
    this.#chance = chance;
    this.#retention = chance.choose([30, 30, 30, 0, null]);
    this.#tell(`retention ${this.#retention}`);
  }

  get #options(): object {
    const policy = this.#retention === null ? { keepRemoved: true } : { deleteAfter: this.#retention };
    return { ...this.#scope, ...policy };
  }

  async play(): Promise<void> {
    await this.#forest.clear();
    for (const { id } of this.#forest.tenant.users) this.#forest.tenant.users.purge(id);
    const life = new TenantLife(this.#forest, this.#chance);
    const weather = new Weather(
      this.#forest.tenant,
      this.#chance,
      () => life.meanwhile(),
      (device) => life.lost.add(String(device['deviceId'])),
    );
    try {
      weather.clear();
      this.#changeScope(life);
      await this.#expectEqual(life, true);
      await life.addOthersObjects();
      for (let step = this.#chance.between(4, 9); step > 0; step -= 1) {
        for (let events = this.#chance.between(1, 4); events > 0; events -= 1) this.#tell(await life.happen());
        if (this.#chance.happens(0.04)) this.#changeScope(life);
        if (this.#chance.happens(0.3)) {
          weather.clear();
          await this.#expectEqual(life, false);
          continue;
        }
        this.#tell(weather.turn());
        const full = this.#chance.happens(0.15);
        const limit = this.#chance.happens(0.6) ? NO_LIMIT : {};
        await this.#run(life, { full, ...limit }, this.#chance.happens(0.3) ? 0.4 : 0);
      }
      weather.clear();
      await this.#expectEqual(life, false);
      await this.#expectEqual(life, true);
    } finally {
      weather.clear();
    }
  }

  #tell(line: string): void {
    this.lines.push(line);
  }

  #changeScope(life: TenantLife): void {
    this.#scope = this.#chance.choose([{}, {}, { trustType: ['AzureAd', 'ServerAd'] }, { group: [life.group] }]) ?? {};
    this.#tell(`scope ${JSON.stringify(this.#scope)}`);
  }

  /** A run that may fail, be refused, stopped or killed, but do no wrong. */
  async #run(life: TenantLife, more: object, declining = 0): Promise<void> {
    const before = await takeSnapshot(this.#forest);
    const fate = this.#chance.choose([
      'killed',
      'stopped',
      ...Array.from({ length: 10 }, () => 'whole' as const),
    ] as const);
    const params = { ...this.#options, full: false, ...more };
    const answers =
      fate === 'killed' ? await this.#kill(params) : await this.#complete(params, declining, fate === 'stopped');
    const [plan, applied] = answers;
    const run = applied?.result ?? null;
    const reading = run === null ? null : run['reading'] === 'Full' ? 'Full' : 'Delta';
    this.#tell(`${fate} run ${JSON.stringify(more)}: ${tellOf(plan, applied)}`);
    const after = await takeSnapshot(this.#forest);
    const isInScope = (device: StoredDevice): boolean => life.isInScope(device, this.#scope);
    const found = [
      ...wrongs(before, after, isInScope, fate === 'killed' ? 'Full' : reading, this.#retention),
      ...answers
        .flatMap((answer) => [answer?.error, ...(answer?.errors ?? [])])
        .filter((error) => error?.code === 'EngineFault')
        .map((error) => `EngineFault: ${error?.message} ${error?.detail}`),
    ];
    if (found.length > 0) throw new Error(found.join('\n'));
    // A full run has seen all, and what it did not do comes again with the next run of any kind.
    if (reading === 'Full' && run?.['outcome'] !== 'Refused') life.fullOnly.clear();
    for (const deviceId of life.lost) life.fullOnly.add(deviceId);
    life.lost.clear();
  }

  async #complete(params: object, declining: number, stops: boolean): Promise<readonly [Answer, Answer | null]> {
    const plan = await this.#forest.plan({ ...params });
    if (plan.error !== null) return [plan, null];
    const { handle, digest } = resultOf(plan);
    const numbers = plan.outputs.map(({ item }) => Number(item['number'])).filter((number) => number >= 0);
    const declined = numbers.filter(() => this.#chance.happens(declining));
    const call = this.#forest.engine.start('apply', { handle, digest, declined });
    if (stops) {
      await delay(this.#chance.between(0, 20));
      call.cancel();
    }
    return [plan, await call.answer];
  }

  /** kill -9 at some instant of reading or writing. */
  async #kill(params: object): Promise<readonly [Answer | null, null]> {
    const { engine } = this.#forest;
    const answer = engine.call('plan', { ...this.#forest.params, ...params }).catch(() => null);
    const inReading = this.#chance.happens(0.3);
    const plan = inReading ? null : await answer;
    if (plan !== null) {
      const { handle, digest } = plan.result ?? {};
      engine.call('apply', { handle, digest, declined: [] }).catch(() => undefined);
    }
    await delay(this.#chance.between(0, inReading ? 150 : 40));
    await engine.kill();
    this.#forest.engine = await startEngine(ENGINE);
    return [plan, null];
  }

  /** Without a fault one run of either kind does all that it sees. */
  async #expectEqual(life: TenantLife, full: boolean): Promise<void> {
    const before = await takeSnapshot(this.#forest);
    const passOver = new Set(full ? [] : [...life.fullOnly, ...life.lost]);
    const { run, changes } = await this.#forest.sync({ ...this.#options, full, ...NO_LIMIT });
    this.#tell(
      `fair weather, ${run.reading}: ${changes.map(({ action, objectId }) => `${action} ${objectId}`).join(', ')}`,
    );
    if (run.outcome !== 'Completed' || run.skipped > 0) throw new Error(`The run ended with ${JSON.stringify(run)}.`);
    const after = await takeSnapshot(this.#forest);
    const isInScope = (device: StoredDevice): boolean => life.isInScope(device, this.#scope);
    const policy = { full: run.reading === 'Full', retention: this.#retention };
    const found = [
      ...wrongs(before, after, isInScope, run.reading, this.#retention),
      ...differences(before, after, this.#forest.tenant, isInScope, policy, passOver),
    ];
    if (found.length > 0) throw new Error(found.join('\n'));
    if (run.reading === 'Full') life.fullOnly.clear();
    if (full) {
      const again = await this.#forest.sync({ ...this.#options, full, ...NO_LIMIT });
      // A key that this run set free, by a delete or a new key, is seen free by the next.
      const waited = new Set(changes.filter(({ reason }) => reason === 'KeyInUse').map(({ objectId }) => objectId));
      const late = again.changes.filter(
        ({ action, objectId }) => action !== 'Held' && !(action === 'Create' && waited.has(objectId)),
      );
      if (late.length > 0) throw new Error(`A second full run changes ${JSON.stringify(late)}.`);
    }
  }
}

function tellOf(plan: Answer | null, applied: Answer | null): string {
  const error = plan?.error ?? applied?.error;
  const run = applied?.result;
  const changes = (plan?.outputs ?? []).map(({ item }) =>
    ['action', 'reason', 'objectId'].map((name) => String(item[name])).join(' '),
  );
  return [
    ...(error === undefined || error === null ? [] : [`${error.code}: ${error.message}`]),
    ...(run === undefined || run === null
      ? []
      : [
          `${String(run['reading'])} (${String(run['why'])}), ${String(run['outcome'])}, declined ${String(run['declined'])}`,
        ]),
    ...changes,
  ].join('; ');
}
