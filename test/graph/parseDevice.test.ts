import { expect } from 'chai';
import { parseDevice } from '../../src/graph/parseDevice.ts';

const GRAPH_DEVICE = {
  '@odata.type': '#microsoft.graph.device',
  id: '0EDA3F45-7DFD-4EE9-9212-896271787BF5',
  deviceId: 'AAA2DCF5-2F76-45B4-B314-30EFFD2F0ACE',
  displayName: 'Größe 7 – Łódź',
  accountEnabled: true,
  alternativeSecurityIds: [{ type: 2, identityProvider: null, key: 'WAA1ADAAOQA6AA==' }],
  deviceVersion: 2,
  operatingSystem: 'Windows',
  operatingSystemVersion: '10.0.26100.4652',
  physicalIds: ['[HWID]:h:6825963099ea3c836d080593'],
  isManaged: false,
  isCompliant: null,
  trustType: 'AzureAd',
  registeredOwners: [{ '@odata.type': '#microsoft.graph.user', id: '11111111-2222-3333-4444-55555555AAAA' }],
  hostnames: [],
};

/** What of the device is read when this property is as given. */
function read(name: string, value: unknown): unknown {
  const parsed = parseDevice({ ...GRAPH_DEVICE, [name]: value });
  if (parsed === null) return 'no device';
  return name === 'registeredOwners' ? parsed.owners : { ...parsed.device }[name];
}

describe('graph/parseDevice', () => {
  it('reads a whole device, GUIDs in lower case, and passes over what it does not know', () => {
    expect(parseDevice(GRAPH_DEVICE)).to.deep.equal({
      device: {
        id: '0eda3f45-7dfd-4ee9-9212-896271787bf5',
        deviceId: 'aaa2dcf5-2f76-45b4-b314-30effd2f0ace',
        displayName: 'Größe 7 – Łódź',
        accountEnabled: true,
        alternativeSecurityIds: [{ type: 2, key: 'WAA1ADAAOQA6AA==' }],
        deviceVersion: 2,
        operatingSystem: 'Windows',
        operatingSystemVersion: '10.0.26100.4652',
        physicalIds: ['[HWID]:h:6825963099ea3c836d080593'],
        isManaged: false,
        isCompliant: null,
        trustType: 'AzureAd',
      },
      owners: [{ id: '11111111-2222-3333-4444-55555555aaaa', type: '#microsoft.graph.user' }],
    });
  });

  it('has not read the owners of a list that Graph cut', () => {
    const cut = { ...GRAPH_DEVICE, 'registeredOwners@odata.nextLink': 'https://graph.example/v1.0/devices/1/x' };
    expect(parseDevice(cut)?.owners).to.equal(undefined);
  });

  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    deviceId: [7, true, {}, []],
    displayName: [7, true, {}, []],
    accountEnabled: ['true', 1, 0, {}],
    alternativeSecurityIds: ['a', {}, [7], [null], [{ type: '2', key: 'a' }], [{ type: 2, key: 7 }], [{ type: 2 }]],
    deviceVersion: ['2', 2.5, true],
    operatingSystem: [7, {}],
    operatingSystemVersion: [10, {}],
    physicalIds: ['a', [7], ['a', null]],
    isManaged: ['false', 0],
    isCompliant: ['', 1],
    trustType: [1, {}],
    registeredOwners: ['a', {}, [{}], [{ id: 'x' }], [null]],
  };
  for (const [name, values] of Object.entries(wrong)) {
    it(`has not read ${name} when it is missing or of another type, and takes null as null`, () => {
      for (const value of [undefined, ...values]) expect(read(name, value), JSON.stringify(value)).to.equal(undefined);
      expect(read(name, null)).to.equal(null);
    });
  }

  it('takes a device id that is no GUID as none', () => {
    for (const text of ['', 'x', '{AAA2DCF5-2F76-45B4-B314-30EFFD2F0ACE}'])
      expect(read('deviceId', text)).to.equal(null);
  });

  it('keeps empty lists as empty lists', () => {
    for (const name of ['alternativeSecurityIds', 'physicalIds', 'registeredOwners'])
      expect(read(name, [])).to.deep.equal([]);
  });

  it('is no device without an object id', () => {
    for (const id of [undefined, null, 7, '', 'x']) expect(read('id', id)).to.equal('no device');
    for (const value of [null, undefined, 'x', 7, [], [GRAPH_DEVICE]]) expect(parseDevice(value)).to.equal(null);
  });
});
