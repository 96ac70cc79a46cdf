import { expect } from 'chai';
import { assertSchema, connect, ODATA_ERROR, type EmulatorClient, type Received } from './emulatorClient.ts';
import { serverError, throttled } from './faultPresets.ts';
import type { FaultAction } from './faults.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { newDevice, newUser } from './newEntities.ts';
import { syntheticDevices } from './syntheticDevices.ts';

interface InnerAnswer {
  readonly id: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
}

describe('the batch of the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  beforeEach(async () => {
    emulator = await startGraphEmulator({ synthetic: syntheticDevices(40, 1) });
    client = await connect(emulator);
  });

  afterEach(async () => await emulator.stop());

  const devices = (count: number): readonly string[] =>
    [...emulator.devices].slice(0, count).map((device) => device.id);

  it('answers each of twenty requests by its own status, in no order', async () => {
    const ids = devices(20);
    emulator.devices.remove(ids[4] ?? '');
    const requests = ids.map((id, index) => get(String(index), `/devices/${id}?$select=id`));
    const orders = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const received = await client.batch(requests);
      assertSchema(received, 'x.batchResponse');
      const answers = answersOf(received);
      orders.add(answers.map((answer) => answer.id).join());
      for (const answer of answers) {
        expect(answer.status).to.equal(answer.id === '4' ? 404 : 200);
        if (answer.status === 200) expect(answer.body).to.include({ id: ids[Number(answer.id)] });
      }
      expect(answers).to.have.length(20);
    }
    expect(orders.size).to.be.greaterThan(1);
    expect(emulator.requests.count((request) => request.kind === 'graph')).to.equal(3);
    expect(emulator.requests.count((request) => request.kind === 'inner')).to.equal(60);
  });

  it('refuses more than twenty requests, two with one id, and nonsense', async () => {
    const one = get('1', '/organization');
    const many = Array.from({ length: 21 }, (_, index) => get(String(index), '/organization'));
    for (const requests of [many, [one, one], [{ id: '1' }]]) {
      const received = await client.batch(requests);
      expect(received.status).to.equal(400);
      assertSchema(received, ODATA_ERROR);
    }
  });

  it('gives permissions and bad requests to the one request alone', async () => {
    const narrow = await connect(emulator, ['Device.Read.All']);
    const urls = ['/devices', '/users', '/nonsense', '/v1.0/devices', '/$batch'];
    const received = await narrow.batch(urls.map((url, index) => get(String(index), url)));
    const statuses = answersOf(received)
      .toSorted((a, b) => Number(a.id) - Number(b.id))
      .map((answer) => answer.status);
    expect(statuses).to.deep.equal([200, 403, 400, 400, 400]);
  });

  it('throttles one request alone, with its own Retry-After, and fails what depends on it by 424', async () => {
    const [first = '', second = ''] = devices(2);
    emulator.faults.add({
      when: (request) => request.kind === 'inner' && request.path.endsWith(first),
      action: throttled('2.5'),
    });
    const received = await client.batch([
      get('1', `/devices/${first}`),
      get('2', `/devices/${second}`),
      get('3', '/organization', { dependsOn: ['1'] }),
    ]);
    const answers = new Map(answersOf(received).map((answer) => [answer.id, answer]));
    expect(answers.get('1')).to.include({ status: 429 });
    expect(answers.get('1')?.headers).to.include({ 'Retry-After': '2.5' });
    expect(answers.get('2')).to.include({ status: 200 });
    expect(answers.get('3')).to.include({ status: 424 });
  });

  it('reads devices by id with their owners, each by its own status', async () => {
    const owner = emulator.users.add(newUser());
    const { id } = emulator.devices.add(newDevice({ registeredOwners: [owner.id] }));
    const [gone = '', slow = '', failing = ''] = devices(3);
    emulator.devices.purge(gone);
    const hit = (part: string, action: FaultAction): unknown =>
      emulator.faults.add({ when: (request) => request.kind === 'inner' && request.path.endsWith(part), action });
    hit(slow, throttled('Wed, 25 Nov 2026 12:00:00 GMT'));
    hit(failing, serverError(503, '3'));
    const query = '$select=id,displayName&$expand=registeredOwners($select=id)';
    const ids = [id, gone, slow, failing];
    const received = await client.batch(ids.map((one, index) => get(String(index), `/devices/${one}?${query}`)));
    assertSchema(received, 'x.batchResponse');
    const answers = new Map(answersOf(received).map((answer) => [answer.id, answer]));
    expect(ids.map((_, index) => answers.get(String(index))?.status)).to.deep.equal([200, 404, 429, 503]);
    expect(answers.get('0')?.body).to.deep.include({
      id,
      registeredOwners: [{ '@odata.type': '#microsoft.graph.user', id: owner.id }],
    });
    expect(answers.get('2')?.headers).to.include({ 'Retry-After': 'Wed, 25 Nov 2026 12:00:00 GMT' });
    expect(answers.get('3')?.headers).to.include({ 'Retry-After': '3' });
    for (const key of ['1', '2', '3']) expect(answers.get(key)?.body['error']).to.be.an('object');
    for (const answer of answers.values()) expect(answer.headers).to.include({ 'Content-Type': 'application/json' });
  });

  it('takes the headers of each request', async () => {
    const headers = { ConsistencyLevel: 'eventual' };
    const received = await client.batch([get('1', '/devices?$count=true&$top=1', { headers })]);
    expect(answersOf(received)[0]?.body).to.include({ '@odata.count': 40 });
  });
});

function get(id: string, url: string, more: object = {}): object {
  return { id, method: 'GET', url, ...more };
}

function answersOf(received: Received): readonly InnerAnswer[] {
  return received.body['responses'] as readonly InnerAnswer[];
}
