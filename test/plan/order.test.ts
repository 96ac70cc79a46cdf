import { expect } from 'chai';
import type { Action, Change, Held } from '../../src/plan/change.ts';
import { byDeviceId, heldInOrder, inOrderOfApplying } from '../../src/plan/order.ts';
import { computePlan } from '../../src/plan/computePlan.ts';
import { deviceId, entraDevice, objectGuid, planInput } from './samples.ts';

const [create] = computePlan(planInput({ devices: [entraDevice(1)] })).changes;

function change(action: Action, number: number, guid: string | null = objectGuid(number)): Change {
  if (create === undefined) throw new Error('the plan of a new device is empty');
  return { ...create, action, deviceId: deviceId(number), objectGuid: guid };
}

function held(parts: Partial<Held>): Held {
  return {
    reason: 'Unowned',
    deviceId: null,
    objectId: null,
    distinguishedName: null,
    displayName: null,
    attribute: null,
    sentence: '',
    ...parts,
  };
}

describe('order', () => {
  it('applies disables, updates, enables, creates, deletes, each by device id', () => {
    const wanted = [
      change('disable', 3),
      change('disable', 9),
      change('update', 2),
      change('enable', 1),
      change('create', 4, null),
      change('create', 5, null),
      change('delete', 0),
    ];
    for (const given of [wanted.toReversed(), [...wanted.slice(3), ...wanted.slice(0, 3)], wanted]) {
      expect(inOrderOfApplying(given)).to.deep.equal(wanted);
    }
  });

  it('tells two objects of one device id apart by their objectGUID', () => {
    const [first, second] = [change('disable', 1, objectGuid(1)), change('disable', 1, objectGuid(2))];
    expect([second, first].toSorted(byDeviceId)).to.deep.equal([first, second]);
  });

  it('sorts what is held by device id, object id, name, reason and attribute, what is missing first', () => {
    const wanted = [
      held({ objectId: 'b' }),
      held({ deviceId: 'a', distinguishedName: 'CN=1' }),
      held({ deviceId: 'a', distinguishedName: 'CN=2', reason: 'NoKey' }),
      held({ deviceId: 'a', distinguishedName: 'CN=2', reason: 'Unreadable', attribute: 'displayName' }),
      held({ deviceId: 'a', distinguishedName: 'CN=2', reason: 'Unreadable', attribute: 'msDS-IsManaged' }),
      held({ deviceId: 'a', objectId: 'a' }),
      held({ deviceId: 'b' }),
    ];
    expect(heldInOrder(wanted.toReversed())).to.deep.equal(wanted);
  });
});
