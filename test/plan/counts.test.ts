import { expect } from 'chai';
import { computePlan } from '../../src/plan/computePlan.ts';
import { countActions, countHeld } from '../../src/plan/counts.ts';
import { deviceObject, entraDevice, planInput } from './samples.ts';

describe('counts', () => {
  it('names every action and only the reasons that hold something', () => {
    const devices = [entraDevice(1), entraDevice(2), entraDevice(3, { displayName: null })];
    const { changes, held } = computePlan(planInput({ devices, objects: [deviceObject(9, { mark: null })] }));
    expect(countActions(changes)).to.deep.equal({ create: 2, update: 0, disable: 0, enable: 0, delete: 0 });
    expect(countHeld(held)).to.deep.equal({ Unusable: 1 });
    expect(countHeld([])).to.deep.equal({});
  });
});
