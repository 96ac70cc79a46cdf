import { expect } from 'chai';
import { ATTRIBUTES, type AttributeDefinition } from '../../src/device/attributes.ts';
import { toEntry } from '../../src/directory/entry.ts';
import { deviceAttributes, fromEntry } from '../../src/directory/fromEntry.ts';
import type { WritebackError } from '../../src/errors.ts';
import { vectorsOf } from '../device/vectors.ts';
import { answered } from './sample.ts';

const NAME = 'CN=9d53c6fa-b38e-4509-8fb1-51dedb421aac,CN=RegisteredDevices,DC=corp,DC=contoso,DC=test';

type Sent = Readonly<Record<string, readonly (string | Buffer)[]>>;

const SENT: Sent = {
  objectGUID: [Buffer.from('00112233445566778899aabbccddeeff', 'hex')],
  name: ['9d53c6fa-b38e-4509-8fb1-51dedb421aac'],
  whenCreated: ['20261122142312.0Z'],
  adminDescription: ['DeviceWriteback 72f988bf-86f1-41af-91ab-2d7cd011db47'],
  altSecurityIdentities: ['X509:b', 'X509:a'],
  displayName: ['Büro 😀'],
  'msDS-DeviceID': [Buffer.from('fac6539d8eb309458fb151dedb421aac', 'hex')],
  'msDS-IsEnabled': ['TRUE'],
};

const read = (changes: Sent = {}): ReturnType<typeof fromEntry> =>
  fromEntry(toEntry(answered(NAME, { ...SENT, ...changes })));

describe('fromEntry', () => {
  it('makes a device object with canonical values', () => {
    expect(
      read({ 'msDS-DeviceObjectVersion': ['2'], 'msDS-RegisteredOwner': ['S-1-5-21'], 'msDS-IsManaged': [] }),
    ).to.deep.equal({
      objectGuid: '33221100-5544-7766-8899-aabbccddeeff',
      distinguishedName: NAME,
      name: '9d53c6fa-b38e-4509-8fb1-51dedb421aac',
      attributes: {
        altSecurityIdentities: ['X509:a', 'X509:b'],
        displayName: ['Büro 😀'],
        'msDS-DeviceID': ['fac6539d8eb309458fb151dedb421aac'],
        'msDS-DeviceObjectVersion': ['2'],
        'msDS-IsEnabled': ['TRUE'],
        'msDS-RegisteredOwner': ['532d312d352d3231'],
      },
      adminDescription: ['DeviceWriteback 72f988bf-86f1-41af-91ab-2d7cd011db47'],
      hasTransportKey: false,
      whenCreated: new Date('2026-11-22T14:23:12Z'),
    });
  });

  for (const { name, input } of vectorsOf<{ dn: string }, unknown>('dn-binary').filter((vector) => vector.positive)) {
    it(`sees that there is a transport key and leaves its value aside (${name})`, () => {
      expect(read({ 'msDS-KeyCredentialLink': [`B:10:0002000020:${input.dn}`] }).hasTransportKey).to.equal(true);
    });
  }

  it('gives octets that happen to be text as octets', () => {
    const text = Buffer.from('Device_9d53c6fa-b38e-4509-8fb1-51dedb421aac');
    expect(read({ 'msDS-CloudAnchor': [text] }).attributes['msDS-CloudAnchor']).to.deep.equal([text.toString('hex')]);
  });

  const UNFIT: Sent = {
    'msDS-IsEnabled': ['true'],
    'msDS-IsManaged': [Buffer.from([0xff])],
    'msDS-DeviceObjectVersion': ['two'],
    displayName: [Buffer.from('c328', 'hex')],
    'msDS-DeviceOSType': ['a', 'b'],
    altSecurityIdentities: ['X509:a', Buffer.from([0xff])],
  };
  for (const [attribute, values] of Object.entries(UNFIT)) {
    it(`gives the object without the unfit ${attribute} of ${JSON.stringify(values.map(String))} and tells`, () => {
      const changed = { 'msDS-IsManaged': ['TRUE'], 'msDS-DeviceObjectVersion': ['2'], 'msDS-DeviceOSType': ['a'] };
      const told: WritebackError[] = [];
      const entry = toEntry(answered(NAME, { ...SENT, ...changed, [attribute]: values }));
      const without = toEntry(answered(NAME, { ...SENT, ...changed, [attribute]: [] }));
      expect(fromEntry(entry, (error) => told.push(error))).to.deep.equal(fromEntry(without));
      expect(told.map(({ code }) => code)).to.deep.equal(['DirectoryAnswerInvalid']);
      expect(told[0]?.message).to.include(`Reading ${attribute} of ${NAME}`);
      expect(() => read({ [attribute]: values }), 'nobody is told').to.throw(`Reading ${attribute} of ${NAME}`);
    });
  }

  for (const [attribute, { mandatory }] of Object.entries<AttributeDefinition>(ATTRIBUTES)) {
    if (!mandatory) continue;
    it(`gives the object without ${attribute}, which every device object has, if it cannot be read`, () => {
      const { attributes, ...others } = read();
      const remaining = Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== attribute));
      expect(read({ [attribute]: [] })).to.deep.equal({ ...others, attributes: remaining });
    });
  }

  it('needs neither name nor time', () => {
    const object = { ...read(), whenCreated: new Date(0) };
    expect(read({ name: [], whenCreated: [] })).to.deep.equal(object);
    const told: string[] = [];
    const unfit = toEntry(answered(NAME, { ...SENT, name: [Buffer.from([0xff])], whenCreated: ['today'] }));
    expect(fromEntry(unfit, ({ message }) => told.push(message))).to.deep.equal(object);
    expect(told.join()).to.match(/^Reading name of .*,Reading whenCreated of /);
  });

  it('keeps an unfit mark as a mark of somebody else', () => {
    const told: string[] = [];
    const entry = toEntry(
      answered(NAME, { ...SENT, adminDescription: [Buffer.from([...Buffer.from('Device'), 0xff])] }),
    );
    expect(fromEntry(entry, ({ message }) => told.push(message)).adminDescription).to.deep.equal(['Device\ufffd']);
    expect(told.join()).to.match(/^Reading adminDescription of /);
  });

  for (const values of [[], ['short']]) {
    it(`refuses an entry with objectGUID ${JSON.stringify(values)}`, () => {
      const entry = toEntry(answered(NAME, { ...SENT, objectGUID: values }));
      const told: WritebackError[] = [];
      expect(() => fromEntry(entry, (error) => told.push(error)))
        .to.throw(`Reading objectGUID of ${NAME}`)
        .with.property('code', 'DirectoryAnswerInvalid');
      expect(told).to.deep.equal([]);
    });
  }

  it('asks for the attributes that the schema has and for no other', () => {
    const names = deviceAttributes(new Set(['displayName', 'msDS-KeyCredentialLink', 'msDS-ComputerSID']));
    expect(names).to.deep.equal([
      'objectGUID',
      'name',
      'whenCreated',
      'adminDescription',
      'displayName',
      'msDS-KeyCredentialLink',
    ]);
  });
});
