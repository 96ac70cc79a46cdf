import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { Plan } from '../../src/plan/change.ts';
import { computePlan, type Absence, type PlanInput } from '../../src/plan/computePlan.ts';
import { digest } from '../../src/plan/digest.ts';
import { renderText } from '../../src/plan/render.ts';
import { differences } from './difference.ts';
import { randomDelta, randomInput, randomNumbers, shuffled } from './generator.ts';
import { applied } from './memoryDirectory.ts';
import { MARK, TENANT } from './samples.ts';

const ROUNDS = 400;

const UNPROVEN: Absence = { state: 'unproven', why: 'Graph answered 503' };

/** Runs a property over random inputs, one in four of a delta run; a failure names the seed that gives it again. */
function always(property: (input: PlanInput, random: () => number) => void): void {
  const first = randomInt(2 ** 31);
  for (let seed = first; seed < first + ROUNDS; seed += 1) {
    const random = randomNumbers(seed);
    try {
      property(seed % 4 === 0 ? randomDelta(random) : randomInput(random), random);
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

  it('changes no object that is not owned by this tenant, but for unmarked ones of devices in scope with -Adopt', () => {
    let adopted = 0;
    always((input) => {
      const owned = input.objects.filter((object) => object.adminDescription[0]?.includes(TENANT));
      const guids = new Set(owned.map((object) => object.objectGuid));
      for (const change of computePlan(input).changes) {
        if (change.objectGuid === null || guids.has(change.objectGuid)) continue;
        const object = input.objects.find(({ objectGuid }) => objectGuid === change.objectGuid);
        expect(input.policy.adopt).to.equal(true);
        expect(object?.adminDescription).to.deep.equal([]);
        expect(change.mark).to.equal(null);
        expect(input.devices.map(({ id }) => id)).to.include(change.objectId);
        expect(change.attributes[0]).to.deep.equal({ attribute: 'adminDescription', before: [], after: [MARK] });
        adopted += 1;
      }
    });
    expect(adopted).to.be.greaterThan(0);
  });

  it('removes nothing whose Entra device is not proven to be gone or out of scope', () => {
    let removals = 0;
    always((input, random) => {
      const unproven = new Map([...input.absences].map(([id, absence]) => [id, random() < 0.5 ? UNPROVEN : absence]));
      const partial = { ...input, absences: unproven };
      const inScope = new Set(input.devices.map(({ id }) => id));
      const changes = computePlan(partial).changes.filter(({ cause }) => cause === 'removal' || cause === 'retention');
      for (const { objectId } of changes) {
        expect(inScope.has(objectId ?? '')).to.equal(false);
        expect(unproven.get(objectId ?? '')?.state).to.be.oneOf(['gone', 'outOfScope']);
      }
      removals += changes.length;
      const unasked = computePlan({ ...input, absences: new Map() });
      expect(unasked.changes.filter(({ cause }) => cause === 'removal' || cause === 'retention')).to.deep.equal([]);
    });
    expect(removals).to.be.greaterThan(0);
  });

  it('deletes in full runs only, and only while both clocks agree', () => {
    let deletes = 0;
    always((input) => {
      const number = computePlan(input).changes.filter(({ action }) => action === 'delete').length;
      const agree = input.sourceTime?.getTime() === input.directoryTime.getTime();
      if (input.reading === 'delta' || !agree || input.policy.keepRemoved) expect(number).to.equal(0);
      deletes += number;
    });
    expect(deletes).to.be.greaterThan(0);
  });

  it('says nothing more of a delta run than of a full run over the same sides', () => {
    always((input) => {
      const delta = computePlan({ ...input, reading: 'delta' });
      const full = computePlan({ ...input, reading: 'full' });
      const known = new Map(full.changes.map((change) => [change.distinguishedName, change]));
      for (const change of delta.changes) {
        const other = known.get(change.distinguishedName);
        // What a full run deletes, or holds for a later run's delete, a delta run only disables.
        if (other?.action === 'delete') expect(change.cause).to.equal('removal');
        else expect(other, change.distinguishedName).to.deep.equal(change);
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
          const change = changes.find((one) => one.objectGuid === object.objectGuid);
          const other = object.adminDescription.length === 0 ? ['noKey', 'adoption'] : ['noKey'];
          expect(disabled.includes(object.objectGuid) || other.includes(change?.cause ?? '')).to.equal(true);
          expect(change?.action).to.equal('disable');
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
      const { census } = summary;
      if (census === null) expect(input.reading).to.equal('delta');
      else expect(census.owned + census.unowned + census.foreign).to.equal(input.objects.length);
    });
  });
});
