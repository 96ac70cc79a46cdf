import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { Plan } from '../../src/plan/change.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { digest } from '../../src/plan/digest.ts';
import { renderText } from '../../src/plan/render.ts';
import { differences } from './difference.ts';
import { randomInput, randomNumbers, shuffled } from './generator.ts';
import { applied } from './memoryDirectory.ts';
import { TENANT } from './samples.ts';

const ROUNDS = 400;

/** Runs a property over random inputs; a failure names the seed that gives the same input again. */
function always(property: (input: PlanInput, random: () => number) => void): void {
  const first = randomInt(2 ** 31);
  for (let seed = first; seed < first + ROUNDS; seed += 1) {
    const random = randomNumbers(seed);
    try {
      property(randomInput(random), random);
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`;
      throw error;
    }
  }
}

/** Ids that a held difference or change names, to ask whether it speaks of an object or a device. */
function namesOf(one: { objectId: string | null; distinguishedName: string | null }, objects: readonly DeviceObject[]) {
  const object = objects.find((candidate) => candidate.distinguishedName === one.distinguishedName);
  return object === undefined ? one.objectId : object.objectGuid;
}

/** What a plan says, in the words of `differences`. */
function told(plan: Plan, input: PlanInput): { readonly lines: Set<string>; readonly heldValues: Set<string> } {
  const lines = new Set<string>();
  const heldValues = new Set<string>();
  for (const one of plan.held) {
    const id = namesOf(one, input.objects);
    if (one.attribute !== null) heldValues.add(`${id} ${one.attribute}`);
    else if (['AbsenceUnproven', 'ClockSkew', 'DeleteLater'].includes(one.reason)) lines.add(`removal ${id}`);
    else if (['NameTaken', 'KeyInUse'].includes(one.reason)) lines.add(`create ${id}`);
    else lines.add(`hold ${one.reason} ${id}`);
    if (one.attribute !== null && one.distinguishedName === null) lines.add(`create ${one.objectId}`);
  }
  for (const change of plan.changes) {
    if (change.action === 'create') lines.add(`create ${change.objectId}`);
    else if (change.cause === 'removal' || change.cause === 'retention') lines.add(`removal ${change.objectGuid}`);
    else
      for (const { attribute, after } of change.attributes) {
        const values = attribute === 'adminDescription' ? '' : `=${after.join()}`;
        lines.add(`${change.objectGuid} ${attribute}${values}`);
      }
  }
  return { lines, heldValues };
}

describe('a plan of any input', () => {
  it('is the same, byte for byte, for the input in any order', () => {
    always((input, random) => {
      const other: PlanInput = {
        ...input,
        devices: shuffled(input.devices, random).map((device) => ({
          ...device,
          physicalIds: device.physicalIds?.toReversed(),
          alternativeSecurityIds: device.alternativeSecurityIds?.toReversed(),
        })),
        objects: shuffled(input.objects, random),
        absences: new Map(shuffled([...input.absences], random)),
        available: new Set(shuffled([...input.available], random)),
      };
      const [one, two] = [computePlan(input), computePlan(other)];
      expect(JSON.stringify(two)).to.equal(JSON.stringify(one));
      expect(renderText(two)).to.equal(renderText(one));
    });
  });

  it('says every difference, as a change or as held, and no other', () => {
    always((input) => {
      const { lines, heldValues } = told(computePlan(input), input);
      const found = differences(input);
      const untold = [...found].filter((line) => !lines.has(line));
      expect(untold, 'differences that the plan does not tell').to.deep.equal([]);
      // A disable inside a duplicate hold is told twice: as the hold, and as the change that it lets through.
      const doubled = [...found].flatMap((line) => /^hold Duplicate\S+ (\S+)$/.exec(line)?.[1] ?? []);
      const through = new Set(doubled.flatMap((guid) => [`removal ${guid}`, `${guid} msDS-IsEnabled=FALSE`]));
      const invented = [...lines].filter((line) => !found.has(line) && !through.has(line));
      expect(invented, 'what the plan tells and is no difference').to.deep.equal([]);
      const both = [...lines].filter((line) => heldValues.has(line.split('=')[0] ?? ''));
      expect(both, 'values that are changed and held').to.deep.equal([]);
    });
  });

  it('changes no object that is not owned by this tenant', () => {
    always((input) => {
      const owned = input.objects.filter((object) => object.adminDescription[0]?.includes(TENANT));
      const guids = owned.map((object) => object.objectGuid);
      for (const change of computePlan(input).changes) {
        if (change.action !== 'create') expect(guids).to.include(change.objectGuid);
      }
    });
  });

  it('keeps back no disable that Entra states for an owned object of its own', () => {
    always((input) => {
      const { changes } = computePlan(input);
      const disabled = changes.filter((change) => change.cause === 'stated').map((change) => change.objectGuid);
      const found = differences(input);
      for (const object of input.objects) {
        if (found.has(`${object.objectGuid} msDS-IsEnabled=FALSE`)) {
          const noKey = changes.some((one) => one.objectGuid === object.objectGuid && one.cause === 'noKey');
          expect(noKey || disabled.includes(object.objectGuid)).to.equal(true);
        }
      }
    });
  });

  it('has one change an object at most, and none that changes nothing', () => {
    always((input) => {
      const { changes } = computePlan(input);
      const guids = changes.flatMap((change) => (change.objectGuid === null ? [] : [change.objectGuid]));
      expect(new Set(guids).size).to.equal(guids.length);
      for (const change of changes) expect(change.attributes).to.not.deep.equal([]);
    });
  });

  it('is empty after it was applied, but for what was held before', () => {
    always((input) => {
      const plan = computePlan(input);
      const objects = applied(input.objects, plan.changes, input.directoryTime);
      const again = computePlan({ ...input, objects });
      const held = new Set(plan.held.flatMap((one) => [one.deviceId, one.objectId, one.distinguishedName]));
      for (const change of again.changes) {
        const before = [change.deviceId, change.objectId, change.distinguishedName].filter((one) => held.has(one));
        expect(before, `${change.action} ${change.distinguishedName}`).to.not.deep.equal([]);
      }
    });
  });

  it('comes to rest after as many runs as there are deletes to do', () => {
    always((input) => {
      let { objects } = input;
      let runs = 0;
      for (; runs <= input.objects.length + 2; runs += 1) {
        const { changes } = computePlan({ ...input, objects });
        if (changes.length === 0) break;
        objects = applied(objects, changes, input.directoryTime);
      }
      expect(computePlan({ ...input, objects }).changes).to.deep.equal([]);
    });
  });

  it('has the digest of its changes, and two plans have one digest if and only if their changes are equal', () => {
    const seen = new Map<string, string>();
    always((input) => {
      const plan = computePlan(input);
      expect(plan.digest).to.equal(digest(plan.changes));
      const text = JSON.stringify(plan.changes);
      expect(seen.get(plan.digest) ?? text).to.equal(text);
      seen.set(plan.digest, text);
    });
    expect(new Set(seen.values()).size).to.equal(seen.size);
  });

  it('has summary figures that agree with its changes and holds', () => {
    always((input) => {
      const { changes, held, summary } = computePlan(input);
      for (const [action, number] of Object.entries(summary.actions)) {
        expect(changes.filter((change) => change.action === action)).to.have.lengthOf(number);
      }
      expect(Object.values(summary.held).reduce((sum, number) => sum + number, 0)).to.equal(held.length);
      expect((summary.census?.owned ?? 0) + (summary.census?.unowned ?? 0) + (summary.census?.foreign ?? 0)).to.equal(
        input.objects.length,
      );
    });
  });
});
