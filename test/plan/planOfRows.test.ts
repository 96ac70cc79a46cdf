import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { EntraDevice } from '../../src/device/entraDevice.ts';
import type { Guid } from '../../src/device/guid.ts';
import type { Plan } from '../../src/plan/change.ts';
import { takeCensus } from '../../src/plan/census.ts';
import { absencesToProve, computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { SCOPE_UNREAD } from '../../src/plan/draft.ts';
import { planOfRows, type ValueReader } from '../../src/plan/planOfRows.ts';
import { Matcher } from '../../src/plan/matcher.ts';
import type { ScopeAnswer } from '../../src/plan/scope.ts';
import { randomInput, randomNumbers, shuffled } from './generator.ts';
import { deviceId, deviceObject, entraDevice, objectGuid, planInput } from './samples.ts';

const ROUNDS = 1000;

/** Devices as a source may send them: in any order, and some twice, of which the last one counts. */
interface Sent {
  readonly device: EntraDevice;
  readonly scope: ScopeAnswer;
}

/** A source and a directory whose values are read again one by one, and counted. */
class Scene implements ValueReader {
  readonly matcher: Matcher;
  readonly spool: string[] = [];
  readonly input: PlanInput;
  read = 0;
  private readonly now: Map<Guid, DeviceObject>;

  constructor(input: PlanInput, sent: readonly Sent[], objects = input.objects, now = objects) {
    this.input = input;
    this.matcher = new Matcher(input);
    this.now = new Map(now.map((object) => [object.objectGuid, object]));
    for (const object of objects) this.matcher.addObject(object);
    for (const { device, scope } of sent) {
      this.matcher.addDevice(device, scope, (values) => this.spool.push(JSON.stringify(values)) - 1);
    }
  }

  device(offset: number): EntraDevice {
    this.read += 1;
    return JSON.parse(this.spool[offset] ?? '') as EntraDevice;
  }

  async objects(objectGuids: readonly Guid[]): Promise<ReadonlyMap<Guid, DeviceObject>> {
    this.read += objectGuids.length;
    return new Map(objectGuids.flatMap((guid) => [...this.now].filter(([known]) => known === guid)));
  }

  plan(): Promise<Plan | null> {
    return planOfRows(this.matcher, this.input, this.input.absences, this);
  }
}

const inScope = (devices: readonly EntraDevice[]): readonly Sent[] =>
  devices.map((device) => ({ device, scope: 'in' }));

/** What the rows need not be told: devices out of scope and undecided ones that the input knows as absences. */
function withScopes(input: PlanInput, random: () => number): { readonly input: PlanInput; readonly sent: Sent[] } {
  const sorted = input.devices.map((device): Sent => {
    const chance = random();
    return { device, scope: chance < 0.8 ? 'in' : chance < 0.9 ? 'out' : 'unread' };
  });
  const of = (wanted: ScopeAnswer): readonly EntraDevice[] =>
    sorted.filter(({ scope }) => scope === wanted).map(({ device }) => device);
  const known = new Set(input.devices.map(({ id }) => id));
  const absences = new Map([
    ...[...input.absences].filter(([id]) => !known.has(id)),
    ...of('out').map(({ id }) => [id, { state: 'outOfScope' }] as const),
    ...of('unread').map((device) => [device.id, { state: 'unproven', why: SCOPE_UNREAD, device }] as const),
  ]);
  const former = input.devices
    .filter(() => random() < 0.2)
    .map((device): Sent => ({ device: { ...device, deviceId: deviceId(0), displayName: 'before' }, scope: 'in' }));
  return {
    input: { ...input, devices: of('in'), undecided: of('unread'), absences },
    sent: [...shuffled(former, random), ...shuffled(sorted, random)],
  };
}

describe('a plan of rows', () => {
  it('is the plan of the devices and objects themselves, byte for byte, for any input in any order', async () => {
    const first = randomInt(2 ** 31);
    for (let seed = first; seed < first + ROUNDS; seed += 1) {
      const random = randomNumbers(seed);
      const { input, sent } = withScopes(randomInput(random), random);
      const known = { ...input, absences: new Map([...input.absences].filter(([id]) => isSent(id, sent))) };
      const scene = new Scene(input, sent, shuffled(input.objects, random));
      expect(JSON.stringify(await scene.plan()), `seed ${seed}`).to.equal(JSON.stringify(computePlan(input)));
      expect(scene.matcher.absencesToProve(), `seed ${seed}`).to.deep.equal(absencesToProve(known));
      expect(scene.matcher.census(), `seed ${seed}`).to.deep.equal(takeCensus(input.objects, input.tenantId));
    }
  });

  it('looks at no values where nothing differs', async () => {
    const numbers = Array.from({ length: 50 }, (_, number) => number);
    const input = planInput({
      devices: numbers.map((number) => entraDevice(number)),
      objects: numbers.map((number) => deviceObject(number)),
    });
    const scene = new Scene(input, inScope(input.devices));
    expect((await scene.plan())?.summary.unchanged).to.equal(50);
    expect(scene.read).to.equal(0);
  });

  it('looks at the values of what differs only', async () => {
    const input = planInput({
      devices: [1, 2, 3].map((number) => entraDevice(number)),
      objects: [
        deviceObject(1),
        deviceObject(2, { attributes: { displayName: ['Old'] } }),
        deviceObject(3, { mark: 'somebody else' }),
      ],
    });
    const scene = new Scene(input, inScope(input.devices));
    const plan = await scene.plan();
    expect(plan?.changes.map(({ deviceId: id }) => id)).to.deep.equal([deviceId(2)]);
    expect(plan?.held.map(({ reason }) => reason)).to.deep.equal(['Unowned']);
    expect(scene.read).to.equal(4);
  });

  it('is made again where an object changed or vanished between its row and its values', async () => {
    const devices = [1, 2, 3].map((number) => entraDevice(number, { displayName: 'New' }));
    const objects = [1, 2, 3].map((number) => deviceObject(number));
    const now = [deviceObject(1), deviceObject(2, { mark: null })];
    const input = planInput({ devices, objects: now });
    const scene = new Scene(input, inScope(devices), objects, now);
    expect(await scene.plan()).to.equal(null);
    expect(await scene.plan()).to.deep.equal(computePlan(input));
  });

  it('reads values in batches that do not grow with the number of differences', async () => {
    const numbers = Array.from({ length: 2500 }, (_, number) => number);
    const devices = numbers.map((number) => entraDevice(number, { displayName: 'New' }));
    const input = planInput({ devices, objects: numbers.map((number) => deviceObject(number)) });
    const scene = new Scene(input, inScope(devices));
    const sizes: number[] = [];
    const objects = new Map(input.objects.map((object) => [object.objectGuid, object]));
    const plan = await planOfRows(scene.matcher, input, input.absences, {
      device: (offset) => scene.device(offset),
      objects: async (guids) => {
        sizes.push(guids.length);
        return new Map(
          guids.flatMap((guid): [Guid, DeviceObject][] => {
            const object = objects.get(guid);
            return object === undefined ? [] : [[guid, object]];
          }),
        );
      },
    });
    expect(sizes).to.deep.equal([1000, 1000, 500]);
    expect(plan?.changes).to.have.lengthOf(2500);
    expect(plan?.changes[0]?.objectGuid).to.equal(objectGuid(0));
  });
});

function isSent(id: Guid, sent: readonly Sent[]): boolean {
  return sent.some(({ device }) => device.id === id);
}
