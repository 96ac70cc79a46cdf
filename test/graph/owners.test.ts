import { expect } from 'chai';
import type { EntraDevice } from '../../src/device/entraDevice.ts';
import type { EmulatorRequest } from '../emulator/exchange.ts';
import { failure, missingProperty, serverError, throttled } from '../emulator/faultPresets.ts';
import type { FaultAction } from '../emulator/faults.ts';
import { newDevice, newUser } from '../emulator/newEntities.ts';
import { gather } from './caught.ts';
import { CLIENT_ID, startSource, type SourceFixture } from './sourceFixture.ts';

const SID = 'S-1-5-21-3623811015-3361044348-30300820-1104';
const ofUsers = ({ kind, path }: EmulatorRequest): boolean => kind === 'inner' && path === '/v1.0/users';

/** The owners of every device on a page are these. */
function owners(...list: readonly unknown[]): FaultAction {
  return {
    kind: 'alter',
    change: (answer) => {
      const { value } = answer.body as { value: readonly object[] };
      return { ...answer, body: { value: value.map((device) => ({ ...device, registeredOwners: list })) } };
    },
  };
}

describe('graph/owners', () => {
  let fixture: SourceFixture;

  beforeEach(async () => {
    fixture = await startSource();
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  function addUser(sid: string | null = SID): string {
    return fixture.emulator.users.add(newUser({ onPremisesSecurityIdentifier: sid })).id;
  }

  function addDevice(...ownerIds: readonly string[]): string {
    return fixture.emulator.devices.add(newDevice({ registeredOwners: ownerIds })).id;
  }

  async function readAll(source = fixture.source): Promise<Map<string, EntraDevice>> {
    const devices = await gather(source.devices(fixture.signal));
    return new Map(devices.map((device) => [device.id, device]));
  }

  function warnings(): readonly string[] {
    return fixture.lines.filter((line) => line.startsWith('warning'));
  }

  function userRequests(): number {
    return fixture.emulator.requests.count(({ path }) => path === '/v1.0/users');
  }

  it('gives the SID of the owner, and none without owner or for a cloud-only one', async () => {
    const owned = addDevice(addUser());
    const cloudOnly = addDevice(addUser(null));
    const without = addDevice();
    const devices = await readAll();
    expect([owned, cloudOnly, without].map((id) => devices.get(id)?.ownerSid)).to.deep.equal([SID, null, null]);
    expect(warnings()).to.deep.equal([]);
  });

  it('asks for each owner once a run, 15 in a filter and 20 filters in a batch', async () => {
    const users = Array.from({ length: 301 }, (_, index) => addUser(`${SID}${index}`));
    for (const user of [...users, ...users]) addDevice(user);
    const devices = await readAll();
    expect(new Set([...devices.values()].map(({ ownerSid }) => ownerSid)).size).to.equal(301);
    expect(userRequests()).to.equal(21);
    expect(fixture.emulator.requests.count(({ path }) => path === '/v1.0/$batch')).to.equal(2);
    await readAll();
    expect(userRequests()).to.equal(21);
  });

  describe('when there are many', () => {
    /** 70 devices on pages of 20, each with an owner of its own, some of whom have no SID. */
    const start = (): readonly (string | null)[] => {
      fixture.emulator.switches.pageLimit = 20;
      return Array.from({ length: 70 }, (_, index) => {
        const sid = index % 5 === 0 ? null : `${SID}${index}`;
        addDevice(addUser(sid));
        return sid;
      });
    };
    const lists = (): number =>
      fixture.emulator.requests.count(({ path, query }) => path === '/v1.0/users' && !query.includes('$filter'));

    it('reads all users once, page by page, and asks for none of them one by one', async () => {
      const sids = start();
      const devices = await readAll(fixture.another({}, { manyOwners: 50 }));
      expect([...devices.values()].map(({ ownerSid }) => ownerSid)).to.deep.equal(sids);
      expect(lists()).to.equal(4);
      expect(userRequests()).to.equal(2 + 2 + 4);
    });

    for (const [what, action] of [
      ['breaks down', serverError(500)],
      ['is refused', failure(400, 'Request_BadRequest', 'No.')],
    ] as const) {
      it(`asks for the rest one by one where the list of users ${what} in the middle`, async () => {
        const sids = start();
        const second = ({ path, query }: EmulatorRequest): boolean =>
          path === '/v1.0/users' && query.includes('skiptoken');
        fixture.emulator.faults.add({ when: second, times: 1000, action });
        const devices = await readAll(fixture.another({}, { manyOwners: 50 }));
        expect([...devices.values()].map(({ ownerSid }) => ownerSid)).to.deep.equal(sids);
        expect(warnings()).to.deep.equal([]);
      });
    }

    it('has not read owners without permission', async () => {
      start();
      fixture.emulator.apps.grant(CLIENT_ID, ['Device.Read.All']);
      const devices = await readAll(fixture.another({}, { manyOwners: 5 }));
      expect([...devices.values()].every(({ ownerSid }) => ownerSid === undefined)).to.equal(true);
      expect(userRequests()).to.equal(1);
      expect(warnings()).to.have.length(1);
    });
  });

  it('takes an owner that Graph does not know as none', async () => {
    fixture.emulator.faults.add({ action: owners({ id: '99999999-0000-0000-0000-000000000000' }) });
    const id = addDevice();
    expect((await readAll()).get(id)?.ownerSid).to.equal(null);
  });

  for (const type of ['group', 'servicePrincipal']) {
    it(`takes a ${type} as owner for none, and does not ask for it`, async () => {
      const owner = { '@odata.type': `#microsoft.graph.${type}`, id: '99999999-0000-0000-0000-000000000000' };
      fixture.emulator.faults.add({ action: owners(owner) });
      const id = addDevice();
      expect((await readAll()).get(id)?.ownerSid).to.equal(null);
      expect(userRequests()).to.equal(0);
    });
  }

  describe('of several', () => {
    const OTHER_SID = 'S-1-5-21-1-2-3-4';
    const LEAST = '00000000-0000-0000-0000-00000000000a';
    const GREATEST = 'ffffffff-0000-0000-0000-00000000000a';
    const user = (id: string, sid: string | null): string =>
      fixture.emulator.users.add(newUser({ id, onPremisesSecurityIdentifier: sid })).id;
    const typed = (id: string, type = 'user') => ({ '@odata.type': `#microsoft.graph.${type}`, id });
    const ownerSidOf = async (...list: readonly unknown[]): Promise<unknown> => {
      fixture.emulator.faults.add({ action: owners(...list) });
      return (await readAll()).get(addedDevice)?.ownerSid;
    };
    let addedDevice: string;

    beforeEach(() => {
      addedDevice = addDevice();
    });

    it('takes the user with the least id, in whatever order they come, and says so', async () => {
      user(LEAST, SID);
      user(GREATEST, OTHER_SID);
      for (const list of [
        [LEAST, GREATEST],
        [GREATEST, LEAST],
      ]) {
        fixture.lines.length = 0;
        expect(await ownerSidOf(...list.map((id) => typed(id)))).to.equal(SID);
        expect(fixture.lines).to.include(
          `verbose: Entra device ${addedDevice} has 2 registered owners; user ${LEAST}, the least id that has a SID, is taken`,
        );
      }
    });

    it('passes over a user without a SID', async () => {
      user(LEAST, null);
      user(GREATEST, OTHER_SID);
      expect(await ownerSidOf(typed(LEAST), typed(GREATEST))).to.equal(OTHER_SID);
    });

    it('passes over what is no user', async () => {
      user(GREATEST, OTHER_SID);
      expect(await ownerSidOf(typed(LEAST, 'servicePrincipal'), typed(GREATEST))).to.equal(OTHER_SID);
    });

    it('asks for one whose type Graph does not tell as for a user', async () => {
      user(GREATEST, OTHER_SID);
      expect(await ownerSidOf({ id: LEAST }, { id: GREATEST })).to.equal(OTHER_SID);
    });

    it('takes none where no user has a SID, and says so', async () => {
      user(LEAST, null);
      user(GREATEST, null);
      expect(await ownerSidOf(typed(LEAST), typed(GREATEST))).to.equal(null);
      expect(fixture.lines).to.include(
        `verbose: Entra device ${addedDevice} has 2 registered owners; none is a user with a SID`,
      );
    });

    it('has not read the owner where one of them could not be read', async () => {
      user(LEAST, SID);
      const others = Array.from({ length: 14 }, () => addUser());
      const last = user(GREATEST, OTHER_SID);
      for (const id of others) addDevice(id);
      const oneUser = (request: EmulatorRequest): boolean => ofUsers(request) && request.query.includes(GREATEST);
      fixture.emulator.faults.add({ when: oneUser, times: 1000, action: serverError(500) });
      expect(await ownerSidOf(typed(LEAST), ...others.map((id) => typed(id)), typed(last))).to.equal(undefined);
      expect(warnings()).to.have.length(1);
      expect(fixture.lines).to.include(
        `verbose: Entra device ${addedDevice} has 16 registered owners; user ${GREATEST} could not be read, so none is taken`,
      );
    });
  });

  it('has not read the owner of a device whose owners are missing or cannot be read', async () => {
    const id = addDevice(addUser());
    fixture.emulator.faults.add({ action: missingProperty('registeredOwners') });
    expect((await readAll()).get(id)?.ownerSid).to.equal(undefined);
    fixture.emulator.faults.add({ action: owners({ id: 'no GUID' }) });
    expect((await readAll()).get(id)?.ownerSid).to.equal(undefined);
  });

  it('has not read owners without permission, and says once how many and what to grant', async () => {
    fixture.emulator.apps.grant(CLIENT_ID, ['Device.Read.All']);
    const ids = Array.from({ length: 40 }, () => addDevice(addUser()));
    const without = addDevice();
    const devices = await readAll();
    expect(ids.map((id) => devices.get(id)?.ownerSid)).to.deep.equal(ids.map(() => undefined));
    expect(devices.get(without)?.ownerSid).to.equal(null);
    expect(warnings()).to.have.length(1);
    expect(warnings()[0]).to.contain(
      'The SID of the owner of 40 Entra devices could not be read (403 Authorization_RequestDenied',
    );
    expect(warnings()[0]).to.contain('User.Read.All');
    const asked = userRequests();
    await readAll();
    expect(userRequests()).to.equal(asked);
    expect(warnings()).to.have.length(1);
  });

  it('has not read SIDs that the permission leaves out', async () => {
    fixture.emulator.apps.grant(CLIENT_ID, ['Device.Read.All', 'User.ReadBasic.All']);
    const id = addDevice(addUser());
    expect((await readAll()).get(id)?.ownerSid).to.equal(undefined);
    expect(warnings()[0]).to.contain(
      'The SID of the owner of 1 Entra device could not be read (an answer without onPremisesSecurityIdentifier)',
    );
  });

  it('has not read an owner whom an answer with further pages leaves out', async () => {
    const id = addDevice(addUser());
    const body = { value: [], '@odata.nextLink': `${fixture.emulator.graphUrl}/v1.0/users?$skiptoken=x` };
    fixture.emulator.faults.add({
      when: ofUsers,
      action: { kind: 'answer', answer: { status: 200, headers: {}, body } },
    });
    expect((await readAll()).get(id)?.ownerSid).to.equal(undefined);
    expect(warnings()).to.have.length(1);
  });

  it('heals a look-up that is throttled', async () => {
    const id = addDevice(addUser());
    fixture.emulator.faults.add({ when: ofUsers, action: throttled('2') });
    expect((await readAll()).get(id)?.ownerSid).to.equal(SID);
    expect(fixture.clock.waits).to.deep.equal([2000]);
  });

  for (const [what, action] of [
    ['one look-up', serverError(500)],
    ['a look-up for good', failure(400, 'Request_BadRequest', 'No.')],
  ] as const) {
    it(`has not read the owners of ${what} that fails, and has read the others`, async () => {
      const users = Array.from({ length: 16 }, (_, index) => addUser(`${SID}${index}`));
      for (const user of users) addDevice(user);
      const oneUser = (request: EmulatorRequest): boolean => ofUsers(request) && request.query.split('%2C').length < 3;
      fixture.emulator.faults.add({ when: oneUser, times: 100, action });
      const read = [...(await readAll()).values()].filter(({ ownerSid }) => ownerSid !== undefined);
      expect(read).to.have.length(15);
      expect(warnings()).to.have.length(1);
    });
  }

  it('reads the devices though the look-up of owners breaks down', async () => {
    const id = addDevice(addUser());
    fixture.emulator.faults.add({ when: ({ path }) => path === '/v1.0/$batch', times: 100, action: serverError(500) });
    expect((await readAll()).get(id)?.ownerSid).to.equal(undefined);
    expect(warnings()[0]).to.contain('500');
  });
});
