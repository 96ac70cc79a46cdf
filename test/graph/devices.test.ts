import { expect } from 'chai';
import type { EntraDevice } from '../../src/device/entraDevice.ts';
import type { Presence } from '../../src/ports.ts';
import type { EmulatorRequest } from '../emulator/exchange.ts';
import {
  badGateway,
  duplicatesOverPages,
  emptyPage,
  errorMember,
  failure,
  htmlError,
  foreignNextLink,
  linkOfRetriedPageRefused,
  meanwhile,
  pageTokenRefused,
  repeatedNextLink,
  samePageAgain,
  serverError,
  throttled,
} from '../emulator/faultPresets.ts';
import type { FaultAction } from '../emulator/faults.ts';
import { newDevice, newUser } from '../emulator/newEntities.ts';
import { collectGarbage } from '../garbage.ts';
import { caught, gather } from './caught.ts';
import { startSource, type SourceFixture } from './sourceFixture.ts';

const GONE = '99999999-0000-0000-0000-000000000000';

describe('graph/devices', () => {
  let fixture: SourceFixture;

  beforeEach(async () => {
    fixture = await startSource({ switches: { pageLimit: 3 } });
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  function addDevices(count: number): readonly string[] {
    return Array.from({ length: count }, () => fixture.emulator.devices.add(newDevice()).id);
  }

  const ids = async (): Promise<readonly string[]> =>
    (await gather(fixture.source.devices(fixture.signal))).map(({ id }) => id);

  /** Every device once, at its first place. */
  const distinctIds = async (): Promise<readonly string[]> => [...new Set(await ids())];

  const listRequests = (): number => fixture.emulator.requests.count(({ path }) => path === '/v1.0/devices');

  describe('list', () => {
    it('reads every device once, over all pages, with the selected properties and owners only', async () => {
      const added = addDevices(7);
      expect(await ids()).to.deep.equal(added);
      expect(listRequests()).to.equal(3);
      const { query } = fixture.emulator.requests.all().find(({ path }) => path === '/v1.0/devices') ?? { query: '' };
      expect(query).to.equal(
        '$select=id,deviceId,displayName,accountEnabled,alternativeSecurityIds,deviceVersion,operatingSystem,' +
          'operatingSystemVersion,physicalIds,isManaged,isCompliant,trustType&$expand=registeredOwners($select=id)&$top=999',
      );
    });

    it('reads an empty tenant as no devices', async () => {
      expect(await ids()).to.deep.equal([]);
    });

    it('goes on after an empty page', async () => {
      const { emulator } = fixture;
      const added = addDevices(7);
      emulator.faults.add({ after: 1, times: 1, action: emptyPage(emulator.pages) });
      expect(await ids()).to.deep.equal(added);
      expect(listRequests()).to.equal(4);
    });

    it('loses no device and stops in time when each page repeats one of the page before', async () => {
      const added = addDevices(7);
      fixture.emulator.faults.add({ times: 100, action: duplicatesOverPages() });
      expect(await distinctIds()).to.deep.equal(added);
    });

    it('gives a device that changes between two pages again, as last read', async () => {
      const { emulator, source, signal } = fixture;
      const [first = ''] = addDevices(4);
      const again = (read: unknown): FaultAction => ({
        kind: 'alter',
        change: (answer) => {
          const body = answer.body as { value: readonly unknown[] };
          return { ...answer, body: { ...body, value: [...body.value, read] } };
        },
      });
      emulator.faults.add({ after: 1, action: again({ id: first, displayName: 'Renamed', registeredOwners: [] }) });
      const devices = await gather(source.devices(signal));
      const names = devices.filter(({ id }) => id === first).map(({ displayName }) => displayName);
      expect(names).to.have.length(2);
      expect(names[1]).to.equal('Renamed');
      expect(new Set(devices.map(({ id }) => id)).size).to.equal(4);
    });

    it('gives every device that was there all the time when others come and go meanwhile', async () => {
      const { emulator } = fixture;
      const added = addDevices(7);
      emulator.faults.add({
        action: meanwhile(() => {
          emulator.devices.remove(added[0] ?? '');
          emulator.devices.add(newDevice());
        }),
      });
      expect(await ids()).to.include.members(added.slice(1));
    });

    it('refuses a repeated link', async () => {
      addDevices(9);
      fixture.emulator.faults.add({ times: 100, action: repeatedNextLink() });
      expect((await caught(ids)).code).to.equal('GraphAnswerInvalid');
    });

    it('refuses pages without end that bring nothing new', async () => {
      const { emulator } = fixture;
      addDevices(4);
      emulator.faults.add({ times: 10_000, action: samePageAgain(emulator.pages) });
      const error = await caught(ids);
      expect(error.code).to.equal('GraphAnswerInvalid');
      expect(error.message).to.contain('bring the same objects again and again');
      expect(listRequests()).to.be.below(110);
    });

    it('sends no token to the host of a foreign link', async () => {
      addDevices(7);
      fixture.emulator.faults.add({ action: foreignNextLink('https://graph.example') });
      const error = await caught(ids);
      expect(error.code).to.equal('GraphAnswerInvalid');
      expect(error.message).to.contain('https://graph.example');
    });

    it('asks for whole owners, once and for good, when Graph refuses the nested $select', async () => {
      const { emulator, source, signal, lines } = fixture;
      emulator.switches.refuseNestedSelect = true;
      const owner = emulator.users.add(newUser());
      const { id } = emulator.devices.add(newDevice({ registeredOwners: [owner.id] }));
      const [device] = await gather(source.devices(signal));
      expect(device?.ownerSid).to.equal(owner['onPremisesSecurityIdentifier']);
      expect(listRequests()).to.equal(2);
      await gather(source.devices(signal));
      await gather(source.devicesById([id], signal));
      expect(emulator.requests.count(({ status }) => status === 400)).to.equal(1);
      expect(lines.filter((line) => line.includes('asking for whole owners'))).to.have.length(1);
    });

    it('ends with the refusal when Graph refuses both forms', async () => {
      fixture.emulator.faults.add({ times: 100, action: failure(400, 'Request_BadRequest', 'No.') });
      const error = await caught(ids);
      expect(error.code).to.equal('GraphFailed');
      expect(listRequests()).to.equal(2);
    });

    for (const code of ['DirectoryPageTokenNotFoundException', 'Directory_ExpiredPageToken', 'Request_BadRequest']) {
      it(`asks for a page again when Graph no longer knows the page token that it gave: ${code}`, async () => {
        const added = addDevices(7);
        fixture.emulator.faults.add({ after: 1, action: pageTokenRefused(code) });
        expect(await ids()).to.deep.equal([...added.slice(0, 3), ...added]);
        expect(listRequests()).to.equal(5);
      });
    }

    it('reads each device to the end though every page is throttled once and the link of a repeated page is not good', async () => {
      const { emulator } = fixture;
      const added = addDevices(13);
      emulator.faults.add({ times: 10_000, action: linkOfRetriedPageRefused() });
      for (let page = 0; page < 3; page += 1) emulator.faults.add({ after: page * 4, action: throttled('1') });
      expect(await distinctIds()).to.deep.equal(added);
      expect(fixture.lines.filter((line) => line.includes('from the first page again'))).to.deep.equal([]);
    });

    it('begins again from the first page when the page token of a page that was asked for again is not known either', async () => {
      const added = addDevices(7);
      fixture.emulator.faults.add({ after: 2, action: pageTokenRefused() });
      fixture.emulator.faults.add({ after: 3, action: pageTokenRefused() });
      expect(await distinctIds()).to.deep.equal(added);
      expect(listRequests()).to.equal(8);
    });

    it('does not begin again for ever', async () => {
      addDevices(7);
      const later = ({ query }: EmulatorRequest): boolean => query.includes('skiptoken');
      fixture.emulator.faults.add({ when: later, times: 100, action: pageTokenRefused() });
      expect((await caught(ids)).code).to.equal('GraphFailed');
      expect(listRequests()).to.equal(16);
    });

    it('gives the devices of a page before it asks for the next one', async () => {
      const added = addDevices(7);
      let given = 0;
      for await (const { id } of fixture.source.devices(fixture.signal)) {
        expect(id).to.equal(added[given]);
        given += 1;
        expect(listRequests()).to.equal(Math.ceil(given / 3));
      }
      expect(given).to.equal(7);
    });

    it('ends with an error, and not as if it were complete, when a page cannot be read', async () => {
      const added = addDevices(7);
      for (const action of [serverError(500), errorMember(), failure(403, 'Authorization_RequestDenied', 'No.')]) {
        const fault = fixture.emulator.faults.add({ after: 1, times: 100, action });
        const given: string[] = [];
        const error = await caught(async () => {
          for await (const { id } of fixture.source.devices(fixture.signal)) given.push(id);
        });
        expect(error.code).to.be.oneOf(['GraphFailed', 'GraphForbidden']);
        expect(given).to.deep.equal(added.slice(0, 3));
        fault.remove();
      }
    });

    for (const id of [undefined, null, 7, 'no GUID']) {
      it(`ends the run and names the page of a device whose id is ${JSON.stringify(id)}`, async () => {
        addDevices(4);
        const action: FaultAction = {
          kind: 'alter',
          change: (answer) => ({ ...answer, body: { value: [{ ...newDevice(), id }] } }),
        };
        fixture.emulator.faults.add({ after: 1, action });
        const error = await caught(ids);
        expect(error).to.include({ code: 'GraphAnswerInvalid', category: 'InvalidData' });
        expect(error.message).to.contain('element 1 of page 2 is no device');
      });
    }

    const healing: readonly (readonly [string, FaultAction])[] = [
      ['429', throttled('2')],
      ['503 with a date', serverError(503, new Date(Date.now() + 5000).toUTCString())],
      ['500', serverError(500)],
      ['502 in HTML', badGateway()],
      ['504', serverError(504)],
      ['a connection cut in the middle of the body', { kind: 'resetInBody' }],
      ['a slow body', { kind: 'slowBody', milliseconds: 1500 }],
      ['invalid JSON', { kind: 'truncate' }],
      ['an error member', errorMember()],
      ['a refused token', failure(401, 'InvalidAuthenticationToken', 'No.')],
    ];
    for (const [what, action] of healing) {
      it(`gives every device though a page in the middle meets ${what}`, async () => {
        const { emulator, another, signal } = fixture;
        const added = addDevices(7);
        emulator.faults.add({ after: 1, action });
        const source = another({}, { requestTimeout: 1000 });
        const read = await gather(source.devices(signal));
        expect(read.map(({ id }) => id)).to.deep.equal(added);
      });

      it(`ends with an error, and not as if it were complete, where ${what} lasts`, async () => {
        const { emulator, another, signal } = fixture;
        const added = addDevices(7);
        const later = ({ query }: EmulatorRequest): boolean => query.includes('skiptoken');
        const short = action.kind === 'slowBody' ? { kind: 'slowBody', milliseconds: 300 } : action;
        emulator.faults.add({ when: later, times: 1000, action: short as FaultAction });
        const given: string[] = [];
        await caught(async () => {
          const source = another({}, { requestTimeout: action.kind === 'slowBody' ? 100 : 1000 });
          for await (const { id } of source.devices(signal)) given.push(id);
        });
        expect(given).to.deep.equal(added.slice(0, 3));
      });
    }

    it('reads compressed pages, and by the clock of a server that goes wrong', async () => {
      const { emulator } = fixture;
      Object.assign(emulator.switches, { gzip: true, clockSkew: -86_400_000, throttleLimitPercentage: 1.2 });
      const added = addDevices(7);
      emulator.faults.add({ after: 1, action: throttled(new Date(Date.now() - 86_400_000 + 9000).toUTCString()) });
      expect(await ids()).to.deep.equal(added);
      expect(fixture.clock.waits).to.have.length(1);
      expect(fixture.clock.waits[0]).to.be.within(6000, 10_000);
    });

    it('holds no device after it was given', async () => {
      addDevices(12);
      const given: WeakRef<EntraDevice>[] = [];
      for await (const device of fixture.source.devices(fixture.signal)) {
        given.push(new WeakRef(device));
        // A page of three may be held while it is given, and the one before it by the machine's stack.
        if (given.length % 3 !== 1) continue;
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        collectGarbage();
        expect(given.slice(0, -4).filter((held) => held.deref() !== undefined)).to.deep.equal([]);
      }
      expect(given).to.have.length(12);
    });

    it('takes a malformed property as not read, and no other with it', async () => {
      const { emulator, source, signal } = fixture;
      emulator.devices.add(newDevice({ accountEnabled: 'true', physicalIds: undefined, displayName: 'Good' }));
      const [device] = await gather(source.devices(signal));
      expect(device).to.include({ accountEnabled: undefined, physicalIds: undefined, displayName: 'Good' });
    });

    it('stops between pages when it is cancelled', async () => {
      const { emulator, source } = fixture;
      addDevices(9);
      const stop = new AbortController();
      emulator.faults.add({ action: meanwhile(() => stop.abort()) });
      expect((await caught(() => gather(source.devices(stop.signal)))).code).to.equal('Cancelled');
      expect(listRequests()).to.be.below(3);
    });
  });

  describe('by id', () => {
    const ask = async (asked: readonly string[]): Promise<Map<string, Presence>> => {
      const answers = await gather(fixture.source.devicesById(asked, fixture.signal));
      expect(answers).to.have.length(asked.length);
      return new Map(answers.map((answer) => [answer.id, answer]));
    };
    const inner = (id: string) => (request: EmulatorRequest) => request.kind === 'inner' && request.path.endsWith(id);

    it('tells present from gone, 20 in a request, owners included', async () => {
      const { emulator } = fixture;
      const owner = emulator.users.add(newUser());
      const owned = emulator.devices.add(newDevice({ registeredOwners: [owner.id] }));
      const added = [...addDevices(40), owned.id];
      const removed = added.slice(0, 15);
      for (const id of removed) emulator.devices.remove(id);
      const answers = await ask(added);
      expect(added.filter((id) => answers.get(id)?.state === 'gone')).to.deep.equal(removed);
      expect(added.filter((id) => answers.get(id)?.state === 'present')).to.deep.equal(added.slice(15));
      const answer = answers.get(owned.id);
      expect(answer?.state === 'present' ? answer.device.ownerSid : null).to.equal(
        owner['onPremisesSecurityIdentifier'],
      );
      expect(emulator.requests.count(({ path, kind }) => kind === 'graph' && path === '/v1.0/$batch')).to.equal(4);
    });

    it('asks nothing for no ids', async () => {
      await ask([]);
      expect(fixture.source.requests()).to.equal(0);
    });

    it('takes nothing but 404 as a proof of absence', async () => {
      const statuses = [400, 401, 403, 410, 424, 429, 500, 503];
      const asked = [...addDevices(statuses.length), GONE];
      statuses.forEach((status, index) => {
        const action = failure(status, `Code${status}`, 'No.');
        fixture.emulator.faults.add({ when: inner(asked[index] ?? ''), times: 1000, action });
      });
      const answers = await ask(asked);
      statuses.forEach((status, index) => {
        const answer = answers.get(asked[index] ?? '');
        expect(answer).to.deep.equal({
          id: asked[index],
          state: 'unproven',
          why: `Graph answered ${status} Code${status} No.`,
        });
      });
      expect(answers.get(GONE)?.state).to.equal('gone');
    });

    for (const [what, action] of [
      ['an HTML page', htmlError(404, 'Not Found')],
      ['nothing', { kind: 'answer', answer: { status: 404, headers: {}, body: undefined } }],
      ['a text', { kind: 'answer', answer: { status: 404, headers: {}, body: 'Request_ResourceNotFound' } }],
      ['another kind of error', { kind: 'answer', answer: { status: 404, headers: {}, body: { error: 'not_found' } } }],
      ['an error without code', { kind: 'answer', answer: { status: 404, headers: {}, body: { error: {} } } }],
      ['that there is no such path', failure(404, 'BadRequest', 'Resource not found for the segment.')],
      ['that there is no such tenant', failure(404, 'Directory_ObjectNotFound', 'No company information.')],
    ] as const satisfies readonly (readonly [string, FaultAction])[]) {
      it(`takes a 404 that says ${what} for no proof of absence`, async () => {
        const [id = ''] = addDevices(1);
        fixture.emulator.faults.add({ when: inner(id), times: 1000, action });
        const answers = await ask([id, GONE]);
        const answer = answers.get(id);
        expect(answer?.state).to.equal('unproven');
        expect(answer?.state === 'unproven' ? answer.why : '').to.contain('Graph answered 404');
        expect(answers.get(GONE)?.state).to.equal('gone');
      });
    }

    for (const code of ['Request_ResourceNotFound', 'ResourceNotFound']) {
      it(`takes a 404 ${code} as the proof of absence`, async () => {
        const [id = ''] = addDevices(1);
        fixture.emulator.faults.add({ when: inner(id), action: failure(404, code, 'No such device.') });
        expect((await ask([id])).get(id)?.state).to.equal('gone');
      });
    }

    it('spells out what is not seen in the words of Graph', async () => {
      const [id = ''] = addDevices(1);
      fixture.emulator.faults.add({ when: inner(id), times: 9, action: failure(403, 'No', 'a\u001b[2J\r\nb') });
      expect((await ask([id])).get(id)).to.include({ why: 'Graph answered 403 No a\\u001b[2J b' });
    });

    it('heals those that are throttled', async () => {
      const asked = [...addDevices(2), GONE];
      for (const id of asked) fixture.emulator.faults.add({ when: inner(id), action: throttled('3') });
      const answers = await ask(asked);
      expect(asked.map((id) => answers.get(id)?.state)).to.deep.equal(['present', 'present', 'gone']);
      expect(fixture.clock.waits).to.deep.equal([3000]);
    });

    for (const [what, body] of [
      ['another device', newDevice()],
      ['no device', { value: [] }],
      ['an error', { error: { code: 'x' } }],
      ['nothing', undefined],
    ] as const) {
      it(`proves nothing when the answer of success holds ${what}`, async () => {
        const [id = ''] = addDevices(1);
        const answer = { status: 200, headers: {}, body };
        fixture.emulator.faults.add({ when: inner(id), times: 100, action: { kind: 'answer', answer } });
        expect((await ask([id])).get(id)?.state).to.equal('unproven');
      });
    }

    it('asks for whole owners when Graph refuses the nested $select', async () => {
      fixture.emulator.switches.refuseNestedSelect = true;
      const asked = [...addDevices(2), GONE];
      const answers = await ask(asked);
      expect(asked.map((id) => answers.get(id)?.state)).to.deep.equal(['present', 'present', 'gone']);
    });

    it('ends the run when the batch as a whole fails', async () => {
      const batch = ({ path }: EmulatorRequest): boolean => path === '/v1.0/$batch';
      fixture.emulator.faults.add({ when: batch, times: 100, action: serverError(500) });
      expect((await caught(() => ask([GONE]))).code).to.equal('GraphFailed');
    });
  });
});
