import { expect } from 'chai';
import { PresenceFilter, SubstringFilter, type Filter } from 'ldapts';
import type { Connection } from '../../src/directory/connection.ts';
import { allOf, anyOf, equal, readObject, searchBelow } from '../../src/directory/search.ts';
import type { Directory } from '../../src/ports.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { vectorsOf } from '../device/vectors.ts';
import { apply, connectTo, creation, directoryOf, NEVER } from './sample.ts';
import { graphDevice } from './graphDevice.ts';

/** A filter of one term as RFC 4515 writes it, made without any parser of text. */
function filterOf(text: string): Filter {
  const [, attribute, value] = /^\(([^=]+)=(.*)\)$/.exec(text) ?? [];
  if (attribute === undefined || value === undefined) throw new Error(`no filter of one term: ${text}`);
  if (value === '*') return new PresenceFilter({ attribute });
  if (value.endsWith('*')) return new SubstringFilter({ attribute, initial: value.slice(0, -1) });
  const escaped = /^(?:\\[0-9A-Fa-f]{2})+$/.test(value);
  return equal(attribute, escaped ? Buffer.from(value.replaceAll('\\', ''), 'hex') : value);
}

describe('search', () => {
  let domainController: DomainController;
  let directory: Directory;
  let connection: Connection;
  let container: string;

  before(async () => {
    domainController = await startDomainController({ schema: 69, prepared: true });
    directory = directoryOf(domainController);
    connection = connectTo(domainController);
    container = domainController.deviceContainerDn;
    await apply(directory, creation(1, container));
    await apply(directory, { ...creation(2, container), ...graphDevice('graph-device/full-schema-69', container) });
  });

  after(async () => {
    await connection?.close();
    await directory?.close();
    await domainController?.stop();
  });

  const matches = async (filter: Parameters<typeof searchBelow>[2]): Promise<string[]> => {
    const entries = await searchBelow(connection, container, filter, ['name'], NEVER);
    return entries.map((entry) => entry.distinguishedName);
  };

  for (const { name, input, expected } of vectorsOf<{ filter: string; target: string }, { matches: boolean }>(
    'directory-search',
  )) {
    it(`${expected.matches ? 'finds' : 'does not find'} a device as ${name} does`, async () => {
      const target = graphDevice(input.target, container).distinguishedName;
      expect((await matches(filterOf(input.filter))).includes(target)).to.equal(expected.matches);
    });
  }

  it('finds octets by octets', async () => {
    const id = Buffer.from('fac6539d8eb309458fb151dedb421aac', 'hex');
    expect(await matches(equal('msDS-DeviceID', id))).to.have.lengthOf(1);
    expect(await matches(allOf(equal('msDS-DeviceID', id), equal('displayName', 'Device 1')))).to.have.lengthOf(0);
    expect(await matches(anyOf(['Device 1', 'MyPC', 'x*'].map((name) => equal('displayName', name))))).to.have.lengthOf(
      2,
    );
  });

  it('takes the characters of a filter in a value for themselves', async () => {
    const displayName = 'a*)(b\\2a|&!=<>~ ü';
    await apply(directory, creation(3, container, { displayName: [displayName] }));
    expect(await matches(equal('displayName', displayName))).to.have.lengthOf(1);
    expect(await matches(equal('displayName', 'a*'))).to.have.lengthOf(0);
  });

  it('gives null for an object that is not there and for one that the filter does not fit', async () => {
    const read = (base: string, objectClass: string): Promise<unknown> =>
      readObject(connection, { base, attributes: ['name'], filter: equal('objectClass', objectClass) }, NEVER);
    expect(await read(container, 'msDS-DeviceContainer')).to.not.equal(null);
    expect(await read(container, 'msDS-Device')).to.equal(null);
    expect(await read(`CN=Absent,${container}`, 'msDS-Device')).to.equal(null);
  });

  it('says what was read when the server refuses', async () => {
    const error: unknown = await searchBelow(connection, 'no name', equal('a', 'b'), [], NEVER).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.include({ code: 'DirectoryFailed', target: 'no name' });
    expect(error)
      .to.have.property('message')
      .that.matches(/^Searching below no name: .* answered \w+ \(\d+\)/);
  });
});
