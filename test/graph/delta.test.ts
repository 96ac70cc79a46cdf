import { expect } from 'chai';
import type { DeltaAnswer } from '../../src/ports.ts';
import { GONE, RESYNC_REQUIRED, SYNC_STATE_NOT_FOUND } from '../emulator/deltaLinks.ts';
import type { EmulatorRequest } from '../emulator/exchange.ts';
import {
  badGateway,
  errorMember,
  failure,
  foreignNextLink,
  repeatedNextLink,
  serverError,
  throttled,
} from '../emulator/faultPresets.ts';
import type { FaultAction } from '../emulator/faults.ts';
import { newDevice, newUser } from '../emulator/newEntities.ts';
import { caught, gather } from './caught.ts';
import { CLIENT_ID, startSource, type SourceFixture } from './sourceFixture.ts';

describe('graph/delta', () => {
  let fixture: SourceFixture;

  beforeEach(async () => {
    fixture = await startSource({ switches: { deltaPageSize: 3 } });
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  const start = (): Promise<string> => fixture.source.startDelta(fixture.signal);
  const since = (link: string): Promise<DeltaAnswer> => fixture.source.changesSince(link, fixture.signal);
  const addDevices = (count: number): readonly string[] =>
    Array.from({ length: count }, () => fixture.emulator.devices.add(newDevice()).id);

  /** The ids and the next link of a round that was not refused. */
  const changes = async (link: string): Promise<{ ids: readonly string[]; link: string }> => {
    const answer = await since(link);
    if (answer.state === 'refused') throw new Error(answer.why);
    return answer;
  };

  const toDelta = ({ kind, path }: EmulatorRequest): boolean => kind === 'graph' && path.endsWith('/delta');
  const laterPage = (request: EmulatorRequest): boolean => toDelta(request) && request.query.includes('skiptoken');

  describe('start', () => {
    it('asks for a link of now by one request, with the properties of the list, and no device', async () => {
      addDevices(10);
      expect(await start()).to.match(/\/v1\.0\/devices\/delta\?\$deltatoken=./);
      const asked = fixture.emulator.requests.all().filter(({ path }) => path === '/v1.0/devices/delta');
      expect(asked.map(({ query }) => query)).to.deep.equal([
        '$select=id,deviceId,displayName,accountEnabled,alternativeSecurityIds,deviceVersion,operatingSystem,' +
          'operatingSystemVersion,physicalIds,isManaged,isCompliant,trustType&$deltatoken=latest',
      ]);
    });

    it('comes to the link though Graph gives the devices all the same', async () => {
      const { emulator, source, signal } = fixture;
      addDevices(7);
      await source.signIn(signal);
      const latest = ({ query }: EmulatorRequest): boolean => query.endsWith('=latest');
      emulator.faults.add({
        when: latest,
        action: {
          kind: 'alter',
          change: (answer) => {
            const { '@odata.deltaLink': link } = answer.body as { '@odata.deltaLink': string };
            const page = { value: [newDevice(), newDevice()], '@odata.nextLink': link };
            return { ...answer, body: page };
          },
        },
      });
      const link = await start();
      const [added = ''] = addDevices(1);
      expect((await changes(link)).ids).to.deep.equal([added]);
    });

    it('refuses an answer without a link', async () => {
      const body = { value: [] };
      fixture.emulator.faults.add({ action: { kind: 'answer', answer: { status: 200, headers: {}, body } } });
      expect((await caught(start)).code).to.equal('GraphAnswerInvalid');
    });

    for (const [status, retryable] of [
      [400, false],
      [404, false],
      [501, false],
      [500, true],
      [502, true],
      [503, true],
    ] as const) {
      it(`${retryable ? 'may come through another time' : 'is not there for this tenant'} where Graph answers ${status}`, async () => {
        const action = failure(status, 'Request_UnsupportedQuery', 'Not supported.');
        fixture.emulator.faults.add({ when: toDelta, times: 1000, action });
        expect(await caught(start)).to.include({ code: 'GraphFailed', retryable });
      });
    }

    it('names the permission that it needs', async () => {
      fixture.emulator.apps.grant(CLIENT_ID, []);
      const error = await caught(start);
      expect(error.code).to.equal('GraphForbidden');
      expect(error.remedy).to.contain('Device.Read.All');
    });
  });

  describe('since', () => {
    it('costs one request and names no device when nothing changed', async () => {
      addDevices(10);
      const link = await start();
      const before = fixture.source.requests();
      const next = await changes(link);
      expect(next.ids).to.deep.equal([]);
      expect(fixture.source.requests() - before).to.equal(1);
      expect((await changes(next.link)).ids).to.deep.equal([]);
    });

    it('names new, changed, removed, purged and restored devices', async () => {
      const { devices } = fixture.emulator;
      const [changed = '', removed = '', purged = '', restored = '', untouched = ''] = addDevices(5);
      devices.remove(restored);
      const link = await start();
      devices.update(changed, { displayName: 'Renamed' });
      devices.remove(removed);
      devices.purge(purged);
      devices.restore(restored);
      const [added = ''] = addDevices(1);
      const { ids } = await changes(link);
      expect(ids).to.have.members([changed, removed, purged, restored, added]);
      expect(ids).not.to.include(untouched);
    });

    it('names each device once over pages that repeat and are empty', async () => {
      const { emulator } = fixture;
      const link = await start();
      const added = addDevices(20);
      Object.assign(emulator.switches, { deltaRepeats: true, deltaEmptyPages: 4 });
      const { ids } = await changes(link);
      expect(ids).to.have.length(20).and.to.have.members(added);
    });

    it('goes on from the link of the round before, and names late changes later', async () => {
      const { emulator } = fixture;
      const first = await start();
      const [one = ''] = addDevices(1);
      emulator.switches.deltaLate = 1;
      const second = await changes(first);
      expect(second.ids).to.deep.equal([]);
      emulator.switches.deltaLate = 0;
      const third = await changes(second.link);
      expect(third.ids).to.deep.equal([one]);
      expect((await changes(third.link)).ids).to.deep.equal([]);
    });

    it('costs three requests for ten changed devices with their owners', async () => {
      const { emulator, source, signal } = fixture;
      emulator.switches.deltaPageSize = 200;
      const added = Array.from({ length: 40 }, () => {
        const owner = emulator.users.add(newUser());
        return emulator.devices.add(newDevice({ registeredOwners: [owner.id] })).id;
      });
      const link = await start();
      for (const id of added.slice(0, 10)) emulator.devices.update(id, { accountEnabled: false });
      const before = source.requests();
      const { ids } = await changes(link);
      const answers = await gather(source.devicesById(ids, signal));
      expect(answers).to.have.length(10);
      for (const answer of answers) expect(answer.state === 'present' && answer.device.ownerSid).to.match(/^S-1-5-21-/);
      expect(source.requests() - before).to.equal(3);
    });

    for (const expired of [SYNC_STATE_NOT_FOUND, RESYNC_REQUIRED, GONE]) {
      it(`is refused with a link that has expired: ${expired.status} ${expired.code}`, async () => {
        const { emulator } = fixture;
        const link = await start();
        emulator.switches.expiredDelta = expired;
        emulator.deltaLinks.expireAll();
        const answer = await since(link);
        expect(answer.state).to.equal('refused');
        expect(answer.state === 'refused' ? answer.why : '').to.contain(`${expired.status} ${expired.code}`);
        await changes(await start());
      });
    }

    const refusing: readonly (readonly [string, FaultAction])[] = [
      ['400 for whatever reason', failure(400, 'Request_BadRequest', 'Badly formed token.')],
      ['501', failure(501, 'NotImplemented', 'No.')],
      ['404', failure(404, 'Request_ResourceNotFound', 'No.')],
      ['an error in a page', errorMember()],
      ['a page of something else', { kind: 'answer', answer: { status: 200, headers: {}, body: { value: {} } } }],
      ['a page that is no JSON', { kind: 'answer', answer: { status: 200, headers: {}, body: '<html>' } }],
      ['a page without any link', { kind: 'answer', answer: { status: 200, headers: {}, body: { value: [] } } }],
      ['a change without id', { kind: 'answer', answer: { status: 200, headers: {}, body: { value: [{}] } } }],
      ['a link to another host', foreignNextLink('https://graph.example')],
      ['a repeated link', repeatedNextLink()],
    ];
    for (const [what, action] of refusing) {
      it(`is refused, and no change is taken, when it meets ${what}`, async () => {
        const { emulator } = fixture;
        const link = await start();
        addDevices(7);
        emulator.faults.add({ when: toDelta, times: 1000, action });
        expect((await since(link)).state).to.equal('refused');
      });
    }

    it('is refused, and no change is taken, when a later page is', async () => {
      const link = await start();
      addDevices(7);
      fixture.emulator.faults.add({ when: laterPage, after: 1, times: 1000, action: failure(400, 'x', 'No.') });
      expect((await since(link)).state).to.equal('refused');
    });

    it('is refused with a page that names a next page and the end at once', async () => {
      const link = await start();
      const both: FaultAction = {
        kind: 'alter',
        change: (answer) => ({
          ...answer,
          body: { value: [], '@odata.nextLink': `${link}&a`, '@odata.deltaLink': link },
        }),
      };
      fixture.emulator.faults.add({ when: toDelta, action: both });
      expect((await since(link)).state).to.equal('refused');
    });

    for (const link of ['', 'no address', '/devices', 'https://graph.example/v1.0/devices/delta?$deltatoken=x']) {
      it(`is refused with the link ${JSON.stringify(link)}, and nothing is sent`, async () => {
        expect((await since(link)).state).to.equal('refused');
        expect(fixture.emulator.requests.count()).to.equal(0);
      });
    }

    const healing: readonly (readonly [string, FaultAction])[] = [
      ['429', throttled('1')],
      ['503', serverError(503)],
      ['502 in HTML', badGateway()],
      ['a reset connection', { kind: 'resetInBody' }],
      ['a truncated body', { kind: 'truncate' }],
      ['a refused token', failure(401, 'InvalidAuthenticationToken', 'No.')],
    ];
    for (const [what, action] of healing) {
      it(`heals ${what} in the middle of a round`, async () => {
        const link = await start();
        const added = addDevices(7);
        fixture.emulator.faults.add({ when: laterPage, action });
        expect((await changes(link)).ids).to.have.members(added);
      });
    }

    const lasting: readonly (readonly [string, FaultAction, string])[] = [
      ['429', throttled('1'), 'GraphThrottled'],
      ['500', serverError(500), 'GraphFailed'],
      ['503', serverError(503), 'GraphFailed'],
      ['a reset connection', { kind: 'resetInBody' }, 'GraphUnreachable'],
      ['403', failure(403, 'Authorization_RequestDenied', 'No.'), 'GraphForbidden'],
      ['401', failure(401, 'InvalidAuthenticationToken', 'No.'), 'GraphUnauthorized'],
    ];
    for (const [what, action, code] of lasting) {
      it(`ends the run with ${code}, for no full read would heal it, when ${what} lasts`, async () => {
        const link = await start();
        fixture.emulator.faults.add({ when: toDelta, times: 1000, action });
        expect((await caught(() => since(link))).code).to.equal(code);
      });
    }

    it('stops when it is cancelled', async () => {
      const link = await start();
      const error = await caught(() => fixture.source.changesSince(link, AbortSignal.abort()));
      expect(error.code).to.equal('Cancelled');
    });
  });
});
