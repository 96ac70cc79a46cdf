import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { GONE, RESYNC_REQUIRED } from './deltaLinks.ts';
import {
  assertSchema,
  connect,
  deltaLinkOf,
  errorCode,
  nextLinkOf,
  ODATA_ERROR,
  readPages,
  requestToken,
  SECRET,
  valueOf,
  type EmulatorClient,
  type Received,
} from './emulatorClient.ts';
import { duplicatesOverPages, emptyPage, repeatedNextLink, samePageAgain, serverError } from './faultPresets.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { newDevice, newUser } from './newEntities.ts';
import { syntheticDevices } from './syntheticDevices.ts';

const FIRST = '/devices/delta?$select=displayName,accountEnabled,physicalIds';
const LATEST = `${FIRST}&$deltatoken=latest`;

describe('the delta of the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  beforeEach(async () => {
    emulator = await startGraphEmulator({ synthetic: syntheticDevices(50, 1) });
    emulator.switches.deltaPageSize = 20;
    client = await connect(emulator);
  });

  afterEach(async () => await emulator.stop());

  /** All pages of a round, each of which must fit the description. */
  const round = async (link: string): Promise<readonly Received[]> => {
    const pages = await readPages(client, link);
    for (const page of pages) {
      expect(page.status).to.equal(200);
      assertSchema(page, 'microsoft.graph.deviceDeltaResponse');
      for (const { '@removed': removed } of valueOf(page)) {
        if (removed !== undefined) expect((removed as { reason: unknown }).reason).to.be.oneOf(['changed', 'deleted']);
      }
    }
    for (const page of pages.slice(0, -1)) expect(deltaLinkOf(page)).to.equal(undefined);
    return pages;
  };
  const objects = (pages: readonly Received[]): readonly Record<string, unknown>[] => pages.flatMap(valueOf);
  const idsOf = (pages: readonly Received[]): readonly unknown[] => objects(pages).map((one) => one['id']);
  const after = (pages: readonly Received[]): string => deltaLinkOf(pages.at(-1) ?? pages[0]) ?? '';
  const latest = async (path = LATEST): Promise<string> => after(await round(path));
  const deviceId = (index: number): string => [...emulator.devices].at(index)?.id ?? '';

  it('tells the whole state page by page and ends with a delta link that then has nothing', async () => {
    const pages = await round(FIRST);
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([20, 20, 10]);
    expect(new Set(idsOf(pages)).size).to.equal(50);
    expect(nextLinkOf(pages[0] ?? (await client.get(FIRST)))).to.match(/\/v1\.0\/devices\/delta\?\$skiptoken=[\w.-]+$/);
    expect(after(pages)).to.match(/\/v1\.0\/devices\/delta\?\$deltatoken=[\w.-]+$/);
    const next = await round(after(pages));
    expect(objects(next)).to.deep.equal([]);
    expect(after(next)).to.not.equal(after(pages));
  });

  it('gives the delta link of now and no data for latest, under both spellings and all names of the function', async () => {
    for (const path of ['/devices/delta', '/devices/delta()', '/devices/microsoft.graph.delta()']) {
      for (const name of ['$deltatoken', '$deltaToken']) {
        const pages = await round(`${path}?$select=displayName&${name}=latest`);
        expect(pages).to.have.length(1);
        expect(objects(pages)).to.deep.equal([]);
        expect((await client.get(after(pages).replace('$deltatoken', '$deltaToken'))).status).to.equal(200);
      }
    }
    const link = nextLinkOf(await client.get(FIRST)) ?? '';
    expect((await client.get(link.replace('$skiptoken', '$skipToken'))).status).to.equal(200);
  });

  it('can tell the whole state for latest all the same', async () => {
    emulator.switches.deltaLatestIgnored = true;
    const pages = await round(LATEST);
    expect(objects(pages)).to.have.length(50);
    expect(objects(await round(after(pages)))).to.deep.equal([]);
  });

  it('tells new and changed devices by all selected properties, nulls included, and leaves out what was never set', async () => {
    const link = await latest('/devices/delta?$select=displayName,model,manufacturer&$deltatoken=latest');
    const added = emulator.devices.add(newDevice({ displayName: 'new', manufacturer: null }));
    const changed = deviceId(3);
    emulator.devices.update(changed, { displayName: 'renamed' });
    const byId = new Map(objects(await round(link)).map((one) => [one['id'], one]));
    expect(byId.get(added.id)).to.deep.equal({ id: added.id, displayName: 'new', manufacturer: null });
    expect(byId.get(changed)).to.include({ id: changed, displayName: 'renamed' });
    expect(byId.get(changed)).to.have.all.keys('id', 'displayName', 'manufacturer', 'model');
    expect(byId.size).to.equal(2);
  });

  it('tracks the selected properties alone, and never owners', async () => {
    const link = await latest();
    emulator.devices.update(deviceId(0), { model: 'other', approximateLastSignInDateTime: '2026-11-20T00:00:00Z' });
    emulator.devices.update(deviceId(1), { registeredOwners: [emulator.users.add(newUser()).id] });
    emulator.devices.update(deviceId(2), { accountEnabled: emulator.devices.get(deviceId(2))?.['accountEnabled'] });
    expect(objects(await round(link))).to.deep.equal([]);
    emulator.devices.update(deviceId(1), { physicalIds: [] });
    expect(idsOf(await round(link))).to.deep.equal([deviceId(1)]);
  });

  it('tracks the default properties without a selection', async () => {
    const link = await latest('/devices/delta?$deltatoken=latest');
    emulator.devices.update(deviceId(0), { model: 'other' });
    emulator.devices.update(deviceId(1), { onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-4' });
    const [one, ...others] = objects(await round(link));
    expect(others).to.have.length(0);
    expect(one).to.include({ id: deviceId(0), model: 'other' });
    expect(one).to.not.have.any.keys('onPremisesSecurityIdentifier', 'registeredOwners');
  });

  it('tells a soft delete as changed, a purge as deleted, at once or later, and a restored device as new', async () => {
    const [removed, purged, both, restored] = [deviceId(0), deviceId(1), deviceId(2), deviceId(3)];
    const link = await latest();
    for (const id of [removed, both, restored]) emulator.devices.remove(id);
    emulator.devices.purge(purged);
    const first = await round(link);
    const reasons = new Map(objects(first).map((one) => [one['id'], one['@removed']]));
    for (const id of [removed, both, restored]) expect(reasons.get(id)).to.deep.equal({ reason: 'changed' });
    expect(reasons.get(purged)).to.deep.equal({ reason: 'deleted' });

    emulator.devices.purge(both);
    emulator.devices.restore(restored);
    const second = new Map(objects(await round(after(first))).map((one) => [one['id'], one]));
    expect(second.get(both)).to.deep.equal({ id: both, '@removed': { reason: 'deleted' } });
    expect(second.get(restored)).to.have.all.keys('id', 'displayName', 'accountEnabled', 'physicalIds');
    expect(second.size).to.equal(2);
  });

  it('tells the removed ones in the first round too if told so, and otherwise leaves them out', async () => {
    const [removed, purged] = [deviceId(0), deviceId(1)];
    emulator.devices.remove(removed);
    emulator.devices.purge(purged);
    expect(objects(await round(FIRST))).to.have.length(48);
    emulator.switches.deltaRemovedInFirstRound = true;
    const told = objects(await round(FIRST));
    expect(told).to.have.length(50);
    expect(told.filter((one) => '@removed' in one)).to.deep.equal([
      { id: removed, '@removed': { reason: 'changed' } },
      { id: purged, '@removed': { reason: 'deleted' } },
    ]);
  });

  it('follows devices by id alone when filtered', async () => {
    const [one, two] = [deviceId(4), deviceId(9)];
    const filter = encodeURIComponent(`id eq '${one}' or id eq '${two.toUpperCase()}'`);
    const pages = await round(`${FIRST}&$filter=${filter}`);
    expect(idsOf(pages)).to.have.members([one, two]);
    emulator.devices.update(two, { displayName: 'followed' });
    emulator.devices.update(deviceId(5), { displayName: 'not followed' });
    expect(idsOf(await round(after(pages)))).to.deep.equal([two]);
  });

  it('loses nothing that changes while a round is read', async () => {
    const first = await client.get(FIRST);
    emulator.devices.update(deviceId(2), { displayName: 'already read' });
    const added = emulator.devices.add(newDevice());
    const rest = await round(nextLinkOf(first) ?? '');
    expect(idsOf(rest)).to.not.include(added.id);
    expect(idsOf(await round(after(rest)))).to.have.members([deviceId(2), added.id]);
  });

  it('comes in pages of the size that the server chooses, in no order', async () => {
    const link = await latest();
    const ids = [...emulator.devices].map((device) => device.id);
    for (const id of ids) emulator.devices.update(id, { displayName: `again ${id}` });
    const pages = await round(link);
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([20, 20, 10]);
    expect(idsOf(pages)).to.have.members(ids);
    expect(idsOf(pages)).to.not.deep.equal(ids);
  });

  it('begins rounds with empty pages', async () => {
    const link = await latest();
    emulator.devices.update(deviceId(0), { displayName: 'changed' });
    emulator.switches.deltaEmptyPages = 2;
    for (const begin of [link, FIRST]) {
      const pages = await round(begin);
      expect(pages.slice(0, 2).map((page) => valueOf(page).length)).to.deep.equal([0, 0]);
      expect(pages.every((page, index) => (nextLinkOf(page) === undefined) === (index === pages.length - 1))).to.equal(
        true,
      );
      expect(idsOf(pages)).to.include(deviceId(0));
    }
  });

  it('repeats devices within a round and loses none', async () => {
    emulator.switches.deltaRepeats = true;
    const pages = await round(FIRST);
    expect(pages.map((page) => valueOf(page).length)).to.deep.equal([20, 21, 11]);
    expect(new Set(idsOf(pages)).size).to.equal(50);
  });

  it('replays changes in later rounds', async () => {
    const link = await latest();
    emulator.devices.update(deviceId(0), { displayName: 'one' });
    emulator.devices.remove(deviceId(7));
    const next = after(await round(link));
    emulator.switches.deltaReplayed = 2;
    expect(objects(await round(next))).to.have.length(2);
    emulator.switches.deltaReplayed = 0;
    expect(objects(await round(next))).to.have.length(0);
  });

  it('shows changes late, but then it does', async () => {
    const link = await latest();
    emulator.switches.deltaLate = 1;
    emulator.devices.update(deviceId(0), { displayName: 'early' });
    emulator.devices.update(deviceId(1), { displayName: 'late' });
    const early = await round(link);
    expect(idsOf(early)).to.deep.equal([deviceId(0)]);
    const behind = await latest();
    emulator.switches.deltaLate = 0;
    expect(idsOf(await round(after(early)))).to.deep.equal([deviceId(1)]);
    expect(idsOf(await round(behind))).to.deep.equal([deviceId(1)]);
  });

  it('refuses options that it does not support, and options beside a token', async () => {
    const link = await latest();
    const refused = [
      '/devices/delta?$expand=registeredOwners',
      '/devices/delta?$top=5',
      '/devices/delta?$orderby=displayName',
      `/devices/delta?$filter=${encodeURIComponent("displayName eq 'x'")}`,
      `/devices/delta?$filter=${encodeURIComponent("id in ('x')")}`,
      '/devices/delta?$select=nonsense',
      `${link}&$select=displayName`,
    ];
    for (const path of refused) {
      const received = await client.get(path);
      expect(received.status, path).to.equal(400);
      assertSchema(received, ODATA_ERROR);
    }
  });

  it('refuses a token that is damaged, of the other kind, of another application or of another server', async () => {
    const link = await latest();
    const skip = nextLinkOf(await client.get(FIRST)) ?? '';
    const other = await startGraphEmulator();
    const foreign = deltaLinkOf(await (await connect(other)).get(LATEST)) ?? '';
    await other.stop();
    const query = (url: string): string => url.slice(url.indexOf('?'));
    for (const bad of [
      '?$deltatoken=nonsense',
      `${query(link)}x`,
      query(skip).replace('skip', 'delta'),
      query(foreign),
    ]) {
      const received = await client.get(`/devices/delta${bad}`);
      expect(received.status, bad).to.equal(400);
      expect(errorCode(received)).to.equal('Request_BadRequest');
    }
    const clientId = randomUUID();
    emulator.apps.register({ clientId, secrets: [SECRET] });
    const { body } = await requestToken(emulator, { client_id: clientId, client_secret: SECRET });
    const stranger = await fetch(link, { headers: { authorization: `Bearer ${String(body['access_token'])}` } });
    expect(stranger.status).to.equal(400);
    expect((await client.get(link)).status).to.equal(200);
  });

  it('refuses a delta link after its lifetime or when all are expired, and gives new ones that are good', async () => {
    const link = await latest();
    emulator.switches.deltaLinkLifetime = -1;
    const old = await client.get(link);
    expect(old.status).to.equal(400);
    expect(errorCode(old)).to.equal('syncStateNotFound');
    assertSchema(old, ODATA_ERROR);
    emulator.switches.deltaLinkLifetime = 60;
    expect((await client.get(link)).status).to.equal(200);
    emulator.deltaLinks.expireAll();
    emulator.switches.expiredDelta = RESYNC_REQUIRED;
    expect(errorCode(await client.get(link))).to.equal('resyncRequired');
    expect((await client.get(await latest())).status).to.equal(200);
  });

  it('can answer an expired delta link by 410 and the place from which to begin again', async () => {
    emulator.switches.expiredDelta = GONE;
    const link = await latest();
    emulator.deltaLinks.expireAll();
    const gone = await client.get(link);
    expect(gone.status).to.equal(410);
    const location = gone.headers.get('location') ?? '';
    expect(location).to.match(
      /\/v1\.0\/devices\/delta\?\$select=displayName%2CaccountEnabled%2CphysicalIds&\$deltatoken=$/,
    );
    const pages = await round(location);
    expect(objects(pages)).to.have.length(50);
    expect(objects(pages)[0]).to.have.all.keys('id', 'displayName', 'accountEnabled', 'physicalIds');
  });

  it('takes the faults of pages, and still never gives both links', async () => {
    const later = (request: { parameters: URLSearchParams }): boolean => request.parameters.has('$skiptoken');
    const forever = Number.POSITIVE_INFINITY;
    emulator.faults.add({ when: later, times: 2, action: emptyPage(emulator.deltaLinks) });
    expect((await round(FIRST)).map((page) => valueOf(page).length)).to.deep.equal([20, 0, 0, 20, 10]);
    emulator.faults.add({ when: later, times: forever, action: samePageAgain(emulator.deltaLinks) });
    const same = await readPages(client, FIRST);
    expect(same).to.have.length(100);
    expect(new Set(same.map(nextLinkOf)).size).to.equal(100);
    emulator.faults.clear();
    emulator.faults.add({ times: forever, action: repeatedNextLink() });
    expect(new Set((await readPages(client, FIRST)).map(nextLinkOf)).size).to.equal(1);
    emulator.faults.clear();
    emulator.faults.add({ times: forever, action: duplicatesOverPages() });
    expect(objects(await round(FIRST))).to.have.length(52);
    emulator.faults.clear();
    emulator.faults.add({ when: later, action: serverError(503) });
    expect((await readPages(client, FIRST)).at(-1)?.status).to.equal(503);
  });
});
