import { expect } from 'chai';
import type { EmulatorRequest } from '../emulator/exchange.ts';
import {
  badGateway,
  emptyPage,
  failure,
  foreignNextLink,
  pageTokenRefused,
  serverError,
} from '../emulator/faultPresets.ts';
import { newDevice, newGroup, newUser } from '../emulator/newEntities.ts';
import { caught } from './caught.ts';
import { CLIENT_ID, startSource, type SourceFixture } from './sourceFixture.ts';

const NOBODY = '99999999-0000-0000-0000-000000000000';

describe('graph/groups', () => {
  let fixture: SourceFixture;

  beforeEach(async () => {
    fixture = await startSource({ switches: { pageLimit: 3 } });
    fixture.emulator.apps.grant(CLIENT_ID, ['GroupMember.Read.All']);
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  const addDevices = (count: number): readonly string[] =>
    Array.from({ length: count }, () => fixture.emulator.devices.add(newDevice()).id);
  const addGroup = (...members: readonly string[]): string => fixture.emulator.groups.add(newGroup({ members })).id;
  const members = async (id: string): Promise<readonly string[]> => [
    ...(await fixture.source.groupMembers(id, fixture.signal)),
  ];
  const toGroup = ({ path }: EmulatorRequest): boolean => path.startsWith('/v1.0/groups/');

  it('gives the devices of the group and of groups in it, over pages, and nothing else', async () => {
    const { emulator, source } = fixture;
    const devices = addDevices(11);
    const users = Array.from({ length: 5 }, () => emulator.users.add(newUser()).id);
    const inner = addGroup(...devices.slice(6, 10), ...users);
    const group = addGroup(...devices.slice(0, 7), inner, ...users);
    expect(await members(group)).to.have.members(devices.slice(0, 10));
    expect(source.requests()).to.equal(4);
  });

  it('gives nothing for a group without devices', async () => {
    expect(await members(addGroup(fixture.emulator.users.add(newUser()).id))).to.deep.equal([]);
  });

  it('reads all members and their types where Graph refuses the cast', async () => {
    const { emulator, lines } = fixture;
    const devices = addDevices(7);
    const group = addGroup(...devices, emulator.users.add(newUser()).id);
    emulator.switches.castIsAdvanced = true;
    expect(await members(group)).to.have.members(devices);
    expect(lines.filter((line) => line.includes('is not supported here'))).to.have.length(1);
  });

  it('ends with the refusal where Graph refuses both', async () => {
    fixture.emulator.faults.add({ when: toGroup, times: 1000, action: failure(400, 'Request_BadRequest', 'No.') });
    expect((await caught(() => members(addGroup()))).code).to.equal('GraphFailed');
    expect(fixture.source.requests()).to.equal(2);
  });

  it('refuses a group that does not exist, and does not take it for an empty one', async () => {
    const error = await caught(() => members(NOBODY));
    expect(error).to.include({ code: 'ParameterInvalid', target: NOBODY });
    expect(error.message).to.contain(
      `Reading the members of group ${NOBODY}: there is no such group: Graph answered 404`,
    );
    expect(error.remedy).to.contain('never taken for an empty one');
  });

  it('names the permission that it needs', async () => {
    fixture.emulator.apps.grant(CLIENT_ID, ['Device.Read.All', 'User.Read.All']);
    const error = await caught(() => members(addGroup()));
    expect(error.code).to.equal('GraphForbidden');
    expect(error.remedy).to.contain('GroupMember.Read.All');
  });

  it('goes on after an empty page, and begins again when Graph no longer knows the page token', async () => {
    const { emulator } = fixture;
    const devices = addDevices(7);
    const group = addGroup(...devices);
    emulator.faults.add({ when: toGroup, action: emptyPage(emulator.pages) });
    emulator.faults.add({ when: toGroup, after: 1, action: pageTokenRefused() });
    expect(await members(group)).to.have.members(devices);
  });

  for (const [what, action, code] of [
    ['a later page cannot be read', serverError(500), 'GraphFailed'],
    ['a later page is HTML', badGateway(), 'GraphFailed'],
    ['a link leads to another host', foreignNextLink('https://graph.example'), 'GraphAnswerInvalid'],
    ['a page token stays unknown', pageTokenRefused(), 'GraphFailed'],
  ] as const) {
    it(`ends with an error, and not with fewer devices, when ${what}`, async () => {
      const group = addGroup(...addDevices(7));
      const later = (request: EmulatorRequest): boolean => toGroup(request) && request.query.includes('skiptoken');
      fixture.emulator.faults.add({ when: later, times: 1000, action });
      expect((await caught(() => members(group))).code).to.equal(code);
    });
  }

  for (const member of [{}, { id: 'x' }, 7]) {
    it(`refuses ${JSON.stringify(member)} as a member`, async () => {
      const answer = { status: 200, headers: {}, body: { value: [member] } };
      fixture.emulator.faults.add({ when: toGroup, action: { kind: 'answer', answer } });
      expect((await caught(() => members(addGroup()))).code).to.equal('GraphAnswerInvalid');
    });
  }
});
