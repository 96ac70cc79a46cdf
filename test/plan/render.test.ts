import { expect } from 'chai';
import { computePlan } from '../../src/plan/computePlan.ts';
import { renderSummary, renderText } from '../../src/plan/render.ts';
import {
  anchor,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  gone,
  objectId,
  planInput,
  removedMark,
} from './samples.ts';

describe('render', () => {
  it('says that there is nothing to do', () => {
    expect(renderText(computePlan(planInput()))).to.equal(
      '0 of 0 Entra devices in scope; 0 device objects (0 owned, 0 unowned, 0 foreign); nothing to do; 0 unchanged; nothing held\n',
    );
  });

  it('gives each change its object, its reason and each value before and after', () => {
    const devices = [entraDevice(1, { displayName: 'New', operatingSystem: null })];
    const lines = renderText(computePlan(planInput({ devices, objects: [deviceObject(1)] }))).split('\n');
    expect(lines[0]).to.equal(`~ update (flow) ${deviceObject(1).distinguishedName}`);
    expect(lines[1]).to.include('"PC-1"');
    expect(lines[2]).to.match(/^ +displayName +"PC-1" -> "New"$/);
    expect(lines[3]).to.match(/^ +msDS-DeviceOSType +"Windows" -> \(none\)$/);
  });

  it('quotes values, so that no name can forge a line', () => {
    const devices = [entraDevice(1, { displayName: 'PC"\n- disable CN=forged' })];
    const text = renderText(computePlan(planInput({ devices })));
    expect(text.split('\n').filter((line) => line.startsWith('- '))).to.deep.equal([]);
  });

  it('shows warnings, what is held, notices and the refusal', () => {
    const available = new Set(planInput().available);
    available.delete('msDS-IsCompliant');
    const text = renderText(
      computePlan(
        planInput({
          available,
          objects: [
            deviceObject(1, { hasTransportKey: true, attributes: { 'msDS-CloudAnchor': anchor(objectId(9)) } }),
            deviceObject(2, { mark: null }),
            deviceObject(3),
          ],
          devices: [entraDevice(1), entraDevice(2), entraDevice(4, { alternativeSecurityIds: [] })],
          absences: gone(3, 9),
          policy: { ...planInput().policy, maximumRemoval: 0 },
        }),
      ),
    );
    expect(text).to.include('warning: TransportKeyStale: msDS-KeyCredentialLink is kept');
    expect(text).to.include(`! held Unowned ${deviceObject(2).distinguishedName}`);
    expect(text).to.include(`! held NoKey ${deviceId(4)} (object id ${objectId(4)}) altSecurityIdentities`);
    expect(text).to.include('note: The schema lacks msDS-IsCompliant');
    expect(text).to.match(/^refused: RemovalThreshold: .+\n {4}.+-MaximumRemoval 1/m);
  });

  it('says that a new object is not created, or without which value, and that an object which is there is left', () => {
    const text = renderText(
      computePlan(
        planInput({
          devices: [
            entraDevice(1, { alternativeSecurityIds: [] }),
            entraDevice(2, { ownerSid: undefined }),
            entraDevice(3, { displayName: 'New', isManaged: undefined }),
          ],
          objects: [deviceObject(3)],
        }),
      ),
    );
    expect(text).to.match(/"PC-1" is not created: the Entra device has no certificate key/);
    expect(text).to.match(/msDS-RegisteredOwner of "PC-2" is left out: /);
    expect(text).to.match(/msDS-IsManaged of "PC-3" is left as it is: /);
  });

  it('says of a delta plan that it counts changed devices only, and of an undo that none was read', () => {
    const summary = { ...computePlan(planInput({ devices: [entraDevice(1)] })).summary, census: null };
    expect(renderSummary(summary, 'delta')).to.match(/^1 of 1 changed Entra devices in scope; 1 to create; /);
    const nothing = { ...summary, entraDevices: 0, inScope: 0 };
    expect(renderSummary(nothing, 'delta')).to.match(/^no Entra device read; /);
  });

  it('sums up in one line', () => {
    const plan = computePlan(
      planInput({
        devices: [entraDevice(1), entraDevice(2), entraDevice(3), entraDevice(4)],
        objects: [
          deviceObject(1),
          deviceObject(2, { mark: null }),
          deviceObject(3, { attributes: { displayName: ['Old'] } }),
          deviceObject(5, { mark: removedMark(daysAgo(50)), attributes: { 'msDS-IsEnabled': ['FALSE'] } }),
        ],
        absences: gone(5),
        entraDevices: 6,
      }),
    );
    expect(renderSummary(plan.summary)).to.equal(
      '4 of 6 Entra devices in scope; 4 device objects (3 owned, 1 unowned, 0 foreign); ' +
        '1 to update, 1 to create, 1 to delete; 1 unchanged; held: Unowned 1',
    );
  });
});
