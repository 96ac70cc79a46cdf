import { expect } from 'chai';
import { assertSchema, connect, readPages, valueOf } from './emulatorClient.ts';
import { startGraphEmulator } from './graphEmulator.ts';
import { DEVICE_KINDS, syntheticDevices, type DeviceKind } from './syntheticDevices.ts';
import type { Entity, StoredDevice } from './entityTypes.ts';

const KEY = /^X509:<SHA1-TP-PUBKEY>[0-9A-F]{40}[A-Za-z0-9+/]{43}=$/;
const COUNT = 500;

describe('the synthetic tenant of the Graph emulator', () => {
  const tenant = syntheticDevices(COUNT, 7);

  const ofKind = (kind: DeviceKind): readonly StoredDevice[] =>
    Array.from({ length: COUNT }, (_, index) => index)
      .filter((index) => tenant.kindAt(index) === kind)
      .map((index) => tenant.devices.at(index));
  const ownerOf = (device: StoredDevice): Entity | null => {
    const index = tenant.users.indexOf(device.registeredOwners?.[0] ?? '');
    return index === null ? null : tenant.users.at(index);
  };

  it('is the same for the same seed and another for another', () => {
    expect(syntheticDevices(900, 7).devices.at(3)).to.deep.include({ id: tenant.devices.at(3).id });
    expect(syntheticDevices(COUNT, 7).devices.at(499)).to.deep.equal(tenant.devices.at(499));
    expect(syntheticDevices(COUNT, 8).devices.at(499).id).to.not.equal(tenant.devices.at(499).id);
  });

  it('has each kind, and each shows what it is for', () => {
    for (const kind of DEVICE_KINDS) expect(ofKind(kind), kind).to.not.have.length(0);
    const each = (kind: DeviceKind, check: (device: StoredDevice) => unknown): void => {
      for (const device of ofKind(kind)) expect(check(device), `${kind} ${device.id}`).to.equal(true);
    };
    each(
      'joined',
      (device) =>
        device['trustType'] === 'AzureAd' && typeof ownerOf(device)?.['onPremisesSecurityIdentifier'] === 'string',
    );
    each('hybrid', (device) => device['trustType'] === 'ServerAd');
    each('registered', (device) => device['trustType'] === 'Workplace');
    each('disabled', (device) => device['accountEnabled'] === false);
    each('ownerless', (device) => device.registeredOwners?.length === 0);
    each('ownerCloudOnly', (device) => ownerOf(device)?.['onPremisesSecurityIdentifier'] === null);
    each('keyless', (device) => keysOf(device).length === 0);
    each('otherKeyForm', (device) => keysOf(device).every((key) => key.startsWith('X509:<UID>')));
    each('nonAsciiName', (device) => String(device['displayName']).length <= 256);
    each('longPhysicalIds', (device) => (device['physicalIds'] as string[]).some((id) => id.length === 1024));
    each('nameless', (device) => device['displayName'] === null);
    const names = ofKind('nonAsciiName')
      .map((device) => String(device['displayName']))
      .join(' ');
    expect(names)
      .to.match(/é/)
      .and.to.match(/会議室/)
      .and.to.match(/\p{Extended_Pictographic}/u);
  });

  it('gives keys of the registered form to every other device', () => {
    for (let index = 0; index < COUNT; index += 1) {
      if (['keyless', 'otherKeyForm'].includes(tenant.kindAt(index))) continue;
      const keys = keysOf(tenant.devices.at(index));
      expect(keys).to.have.length(1);
      expect(keys[0]).to.match(KEY);
    }
  });

  it('makes any of a million when asked for and finds its index by its id', () => {
    const large = syntheticDevices(1_000_000, 7);
    for (const index of [0, 1, 65_535, 524_287, 999_999]) {
      expect(large.devices.indexOf(large.devices.at(index).id.toUpperCase())).to.equal(index);
      expect(large.users.indexOf(large.users.at(index % 600_000).id)).to.equal(index % 600_000);
    }
    expect(large.devices.indexOf(large.users.at(0).id)).to.equal(null);
    expect(tenant.devices.indexOf(large.devices.at(COUNT).id)).to.equal(null);
    const groups = new Set<string>();
    for (let index = 0; index < 20_000; index += 1) groups.add(large.devices.at(index).id.slice(0, 8));
    expect(groups.size).to.equal(20_000);
  });

  it('fits the Graph description and keeps changes above what is generated', async () => {
    const emulator = await startGraphEmulator({ synthetic: tenant });
    try {
      const client = await connect(emulator);
      const { id } = tenant.devices.at(5);
      emulator.devices.update(id, { displayName: 'renamed' });
      emulator.devices.remove(tenant.devices.at(6).id);
      const pages = await readPages(client, '/devices?$expand=registeredOwners&$top=250');
      for (const page of pages) assertSchema(page, 'microsoft.graph.deviceCollectionResponse');
      const devices = pages.flatMap(valueOf);
      expect(devices).to.have.length(COUNT - 1);
      expect(emulator.devices.size).to.equal(COUNT - 1);
      expect(devices[5]).to.include({ id, displayName: 'renamed' });
      emulator.devices.restore(tenant.devices.at(6).id);
      expect((await client.get(`/devices/${tenant.devices.at(6).id}`)).status).to.equal(200);
    } finally {
      await emulator.stop();
    }
  });
});

function keysOf(device: StoredDevice): readonly string[] {
  const entries = device['alternativeSecurityIds'] as readonly { readonly key: string }[];
  return entries.map(({ key }) => Buffer.from(key, 'base64').toString('utf16le'));
}
