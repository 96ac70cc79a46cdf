import { expect } from 'chai';
import { markText, parseMark } from '../../src/device/mark.ts';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';

describe('mark', () => {
  it('is written as the product name and the tenant id', () => {
    expect(markText({ tenantId: TENANT, removed: null })).to.equal(`DeviceWriteback ${TENANT}`);
  });

  it('is written after a removal with the time in UTC and whole seconds', () => {
    const removed = new Date('2026-11-22T15:23:12.789+01:00');
    expect(markText({ tenantId: TENANT, removed })).to.equal(`DeviceWriteback ${TENANT} removed 2026-11-22T14:23:12Z`);
  });

  it('is read as it was written', () => {
    for (const mark of [
      { tenantId: TENANT, removed: null },
      { tenantId: TENANT, removed: new Date('2026-11-22T14:23:12Z') },
      { tenantId: TENANT, removed: new Date('2028-02-29T00:00:00Z') },
    ]) {
      expect(parseMark(markText(mark))).to.deep.equal(mark);
    }
  });

  it('is read with a tenant id in upper case', () => {
    expect(parseMark(`DeviceWriteback ${TENANT.toUpperCase()}`)).to.deep.equal({ tenantId: TENANT, removed: null });
  });

  const others = [
    '',
    'DeviceWriteback',
    'DeviceWriteback ',
    `DeviceWriteback ${TENANT} `,
    ` DeviceWriteback ${TENANT}`,
    `devicewriteback ${TENANT}`,
    `DeviceWriteback  ${TENANT}`,
    `DeviceWriteback {${TENANT}}`,
    `DeviceWriteback ${TENANT.replaceAll('-', '')}`,
    `DeviceWriteback ${'-'.repeat(36)}`,
    `DeviceWriteback ${TENANT} removed`,
    `DeviceWriteback ${TENANT} removed 2026-11-22`,
    `DeviceWriteback ${TENANT} removed 2026-11-22T14:23:12`,
    `DeviceWriteback ${TENANT} removed 2026-11-22T14:23:12+01:00`,
    `DeviceWriteback ${TENANT} removed 2026-11-22T14:23:12.000Z`,
    `DeviceWriteback ${TENANT} removed 2026-02-30T14:23:12Z`,
    `DeviceWriteback ${TENANT} removed 2026-11-22T24:00:00Z`,
    `DeviceWriteback ${TENANT} removed 2026-13-01T00:00:00Z`,
    `DeviceWriteback ${TENANT}\n`,
    `DeviceWriteback ${TENANT} kept by the help desk`,
    'Laptop of the reception',
  ];
  for (const text of others) {
    it(`takes ${JSON.stringify(text)} for no mark`, () => {
      expect(parseMark(text)).to.equal(null);
    });
  }
});
