import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { SOURCES } from '../../src/device/attributeFlow.ts';
import { SELECTED_PROPERTIES } from '../../src/device/entraDevice.ts';

describe('entraDevice', () => {
  it('is read with every property that the attribute flow needs', () => {
    const needed = Object.values(SOURCES).filter((property) => property !== 'ownerSid');
    expect(SELECTED_PROPERTIES).to.include.members(needed);
  });

  it('is read with properties that Graph has, and none that changes with every sign-in', () => {
    const document = readFileSync(new URL('../vectors/graph-device-openapi.json', import.meta.url), 'utf8');
    for (const property of SELECTED_PROPERTIES) expect(document).to.include(`"${property}"`);
    expect(SELECTED_PROPERTIES).to.not.include('approximateLastSignInDateTime');
  });
});
