import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { EntraDevice } from '../../src/device/entraDevice.ts';
import type { Absence, PlanInput } from '../../src/plan/computePlan.ts';
import {
  anchor,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  entry,
  idValue,
  key,
  MARK,
  NOW,
  objectId,
  OTHER_TENANT,
  planInput,
  removedMark,
} from './samples.ts';

/** Numbers from 0 up to but not 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ids come from so few that they often meet. */
const IDS = 12;

/** Both sides with every state that the table knows, often in conflict. */
export function randomInput(random: () => number): PlanInput {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(...choices: readonly [T, ...T[]]): T => choices[below(choices.length)] ?? choices[0];
  /** The first choice four times of five. */
  const mostly = <T>(usual: T, ...others: readonly [T, ...T[]]): T => (random() < 0.8 ? usual : pick(...others));

  const device = (number: number): EntraDevice =>
    entraDevice(number, {
      deviceId: mostly<string | null | undefined>(deviceId(number), deviceId(below(IDS)), null, undefined),
      displayName: mostly<string | null | undefined>(`PC-${number}`, 'New', null, undefined),
      accountEnabled: mostly<boolean | null | undefined>(true, false, null, undefined),
      alternativeSecurityIds: mostly<EntraDevice['alternativeSecurityIds']>(
        [entry(key(number))],
        [],
        [entry(key(number)), entry(key(below(IDS)))],
        [entry('another form')],
        null,
        undefined,
      ),
      isManaged: mostly<boolean | null | undefined>(true, false, null, undefined),
      operatingSystem: mostly<string | null | undefined>('Windows', 'iOS', null, undefined),
    });

  const object = (number: number): DeviceObject =>
    deviceObject(number, {
      mark: mostly<string | null>(
        MARK,
        null,
        'somebody else',
        `DeviceWriteback ${OTHER_TENANT}`,
        removedMark(daysAgo(below(60))),
        removedMark(daysAgo(45)),
        removedMark(daysAgo(-0.02)),
      ),
      created: random() < 0.05 ? daysAgo(0.5) : daysAgo(100),
      hasTransportKey: random() < 0.2,
      attributes: {
        'msDS-DeviceID': mostly(idValue(deviceId(number)), idValue(deviceId(below(IDS)))),
        'msDS-CloudAnchor': mostly<readonly string[]>(anchor(objectId(number)), anchor(objectId(below(IDS))), []),
        'msDS-IsEnabled': pick(['TRUE'], ['TRUE'], ['FALSE']),
        displayName: mostly([`PC-${number}`], ['Old']),
        altSecurityIdentities: mostly([key(number)], [key(below(IDS))]),
      },
    });

  const some = (): number[] => Array.from({ length: IDS }, (_, number) => number).filter(() => random() < 0.6);
  const absence = (): Absence =>
    mostly<Absence>({ state: 'gone' }, { state: 'outOfScope' }, { state: 'unproven', why: 'Graph answered 503' });
  const devices = some().map(device);
  return planInput({
    devices,
    objects: some().map(object),
    absences: new Map(Array.from({ length: IDS }, (_, number) => [objectId(number), absence()])),
    sourceTime: mostly<Date | null>(NOW, daysAgo(1), null),
    policy: {
      deleteAfterDays: pick(30, 30, 7, 0),
      keepRemoved: random() < 0.1,
      adopt: random() < 0.3,
      maximumRemoval: mostly<number | null>(null, 1, 100),
    },
  });
}

/** The same sides as a delta run may see them: of some devices nothing is said, and the container is not counted. */
export function randomDelta(random: () => number): PlanInput {
  const input = randomInput(random);
  const said = new Map([...input.absences].filter(() => random() < 0.5));
  return { ...input, reading: 'delta', absences: said, census: null };
}

/** The same elements in another order. */
export function shuffled<T>(elements: readonly T[], random: () => number): T[] {
  return elements
    .map((element) => ({ element, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ element }) => element);
}
