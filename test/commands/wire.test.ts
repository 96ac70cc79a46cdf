import { expect } from 'chai';
import { refusalError, wireChange, wireHeld, wireResult } from '../../src/commands/wire.ts';
import type { Change, Held } from '../../src/plan/change.ts';

const CHANGE: Change = {
  action: 'update',
  cause: 'flow',
  deviceId: '01234567-89ab-cdef-0123-456789abcdef',
  objectId: '11111111-2222-3333-4444-555555555555',
  objectGuid: '99999999-2222-3333-4444-555555555555',
  distinguishedName: 'CN=01234567-89ab-cdef-0123-456789abcdef,CN=RegisteredDevices,DC=x',
  displayName: 'PC',
  attributes: [
    { attribute: 'msDS-CloudAnchor', before: [], after: ['11111111222233334444555555555555'] },
    { attribute: 'msDS-RegisteredOwner', before: ['532d312d35'], after: [] },
    { attribute: 'displayName', before: ['Old'], after: ['PC'] },
  ],
  mark: 'DeviceWriteback 72f988bf-86f1-41af-91ab-2d7cd011db47',
  warnings: ['TransportKeyStale'],
  sentence: 'Update "PC": displayName.',
};

const HELD: Held = {
  reason: 'Unusable',
  deviceId: null,
  objectId: '11111111-2222-3333-4444-555555555555',
  distinguishedName: null,
  displayName: null,
  attribute: 'displayName',
  sentence: 'It is left as it is.',
};

describe('commands/wire', () => {
  it('tells a change with its number, its action as a word, and values as people read them', () => {
    const wire = wireChange(CHANGE, 3);
    expect(wire).to.include({ number: 3, action: 'Update', reason: 'Flow', name: 'PC', description: CHANGE.sentence });
    expect(wire.warnings).to.deep.equal(['TransportKeyStale']);
    expect(wire.attributes).to.deep.equal([
      { name: 'msDS-CloudAnchor', before: [], after: ['11111111-2222-3333-4444-555555555555'] },
      { name: 'msDS-RegisteredOwner', before: ['S-1-5'], after: [] },
      { name: 'displayName', before: ['Old'], after: ['PC'] },
    ]);
    expect(wire).to.not.have.any.keys('mark', 'objectGuid');
  });

  it('tells a held difference with number -1, the reason, and the attribute that is left', () => {
    expect(wireHeld(HELD)).to.deep.include({
      number: -1,
      action: 'Held',
      reason: 'Unusable',
      name: null,
      description: 'It is left as it is.',
      attributes: [{ name: 'displayName', before: [], after: [] }],
    });
    expect(wireHeld({ ...HELD, attribute: null }).attributes).to.deep.equal([]);
  });

  it('tells how a change ended, and why', () => {
    const result = wireResult(CHANGE, 0, { state: 'skipped', why: 'It is gone.', code: null, milliseconds: 3 });
    expect(result).to.include({ state: 'Skipped', message: 'It is gone.', number: 0 });
  });

  it('makes of a refusal the error that names the container', () => {
    const error = refusalError({ code: 'RemovalThreshold', sentence: 'Too many.', remedy: 'Look.' }, 'CN=x');
    expect(error).to.include({ code: 'RemovalThreshold', message: 'Too many.', target: 'CN=x', remedy: 'Look.' });
    expect(error.category).to.equal('LimitsExceeded');
  });
});
