import { expect } from 'chai';
import type { WireDevice } from '../../src/protocol/messages.ts';
import type { Answer } from '../protocol/engineClient.ts';
import { Forest } from './forest.ts';
import { certificateKeys } from './oracle.ts';

describe('commands/explain', () => {
  let forest: Forest;

  before(async () => {
    forest = await Forest.startPrepared();
  });

  after(() => forest.stop());

  beforeEach(() => forest.clear());

  function explain(...identity: readonly string[]): Promise<Answer> {
    return forest.engine.call('explain', { ...forest.params, devices: identity });
  }

  async function explained(identity: string): Promise<WireDevice> {
    const { outputs, error } = await explain(identity);
    expect(error).to.equal(null);
    expect(outputs).to.have.length(1);
    return outputs[0]?.item as unknown as WireDevice;
  }

  function valuesOf(device: WireDevice, name: string): WireDevice['attributes'][number] | undefined {
    return device.attributes.find((one) => one.name === name);
  }

  it('finds a device by device id, object id, display name or DN, and writes nothing', async () => {
    const device = forest.addDevice({ displayName: 'Zoës PC' });
    await forest.sync();
    const usn = await forest.usn();
    for (const identity of [String(device['deviceId']).toUpperCase(), device.id, 'zoës pc', forest.dnOf(device)]) {
      const found = await explained(identity);
      expect(found).to.include({
        identity,
        name: 'Zoës PC',
        objectId: device.id,
        verdict: 'Nothing',
        ownership: 'Owned',
      });
      expect(found.distinguishedName).to.equal(forest.dnOf(device));
    }
    expect(await forest.usn()).to.equal(usn);
  });

  it('shows source, desired and current of a device that differs, and what the plan would do', async () => {
    const device = forest.addDevice({ displayName: 'Before' });
    await forest.sync();
    forest.tenant.devices.update(device.id, { displayName: 'After', isCompliant: null });
    const found = await explained(device.id);
    expect(found).to.include({ verdict: 'Update', reason: 'Flow', name: 'After' });
    expect(valuesOf(found, 'displayName')).to.deep.equal({
      name: 'displayName',
      source: 'After',
      desired: ['After'],
      current: ['Before'],
    });
    expect(valuesOf(found, 'msDS-IsCompliant')).to.deep.include({ source: null, desired: [], current: ['TRUE'] });
    expect(valuesOf(found, 'altSecurityIdentities')?.current).to.deep.equal(certificateKeys(device));
    expect(valuesOf(found, 'msDS-CloudAnchor')?.current).to.deep.equal([device.id]);
  });

  it('tells a device that has no object yet, and one that is held and why', async () => {
    const fresh = forest.addDevice();
    const keyless = forest.addDevice({ alternativeSecurityIds: [] });
    expect(await explained(fresh.id)).to.include({ verdict: 'Create', ownership: 'Absent' });
    const held = await explained(keyless.id);
    expect(held).to.include({ verdict: 'Held', reason: 'NoKey', ownership: 'Absent' });
    expect(held.description).to.contain('no certificate key');
  });

  it('tells an object whose Entra device is gone, by its anchor too', async () => {
    forest.addDevice();
    const gone = forest.addDevice({ displayName: 'Gone' });
    await forest.sync();
    forest.tenant.devices.remove(gone.id);
    const found = await explained(gone.id);
    expect(found).to.include({ verdict: 'Disable', reason: 'Removal', name: 'Gone', ownership: 'Owned' });
    expect(valuesOf(found, 'displayName')).to.deep.include({ source: null, current: ['Gone'] });
  });

  it('tells each of several devices of one name', async () => {
    for (let count = 0; count < 3; count += 1) forest.addDevice({ displayName: 'Shared name' });
    const { outputs } = await explain('Shared name');
    expect(new Set(outputs.map(({ item }) => item['deviceId'])).size).to.equal(3);
  });

  it('tells an identity that neither side has as an error, and explains the others', async () => {
    const device = forest.addDevice();
    const { outputs, errors, error } = await explain('no-such-device', device.id);
    expect(error).to.equal(null);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.include({ code: 'DeviceNotFound', target: 'no-such-device', category: 'ObjectNotFound' });
    expect(outputs.map(({ item }) => item['objectId'])).to.deep.equal([device.id]);
  });
});
