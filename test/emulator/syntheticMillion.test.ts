import { expect } from 'chai';
import { collectGarbage } from '../garbage.ts';
import { connect, deltaLinkOf, nextLinkOf, valueOf, type EmulatorClient } from './emulatorClient.ts';
import { startGraphEmulator, type GraphEmulator } from './graphEmulator.ts';
import { syntheticDevices } from './syntheticDevices.ts';

const COUNT = 1_000_000;
/** Bytes; a hundredth of what the devices would take at 800 bytes each, and room for what the client keeps. */
const BOUND = 8 * 1024 * 1024;
const LIST = '/devices?$select=id,deviceId,displayName&$expand=registeredOwners($select=id)&$top=999';
const LATEST = '/devices/delta?$select=displayName&$deltatoken=latest';

describe('a million devices in the Graph emulator', () => {
  let emulator: GraphEmulator;
  let client: EmulatorClient;

  before(async () => {
    emulator = await startGraphEmulator({ synthetic: syntheticDevices(COUNT, 5) });
    client = await connect(emulator);
    await use();
  });

  after(async () => await emulator.stop());

  /** Three pages of a list and of a first round of delta, a round from now, look-ups, and changes. */
  const use = async (): Promise<void> => {
    for (const path of [LIST, '/devices/delta?$select=displayName']) {
      let link: string | undefined = path;
      for (let pages = 0; pages < 3 && link !== undefined; pages += 1) {
        const page = await client.get(link);
        expect(valueOf(page).length).to.be.greaterThan(100);
        link = nextLinkOf(page);
      }
      expect(link).to.be.a('string');
    }
    const latest = deltaLinkOf(await client.get(LATEST)) ?? '';
    const id = valueOf(await client.get('/devices?$top=1&$select=id'))[0]?.['id'];
    emulator.devices.update(String(id), { displayName: `changed ${Math.random()}` });
    expect(valueOf(await client.get(latest)).map((one) => one['id'])).to.deep.equal([id]);
    expect((await client.get(`/devices/${String(id)}`)).status).to.equal(200);
  };

  it('need no memory by their number', async () => {
    const before = usedHeap();
    for (let round = 0; round < 5; round += 1) await use();
    expect(usedHeap() - before).to.be.lessThan(BOUND);
    expect(emulator.devices.size).to.equal(COUNT);
  });

  it('are found by id and by a filter on ids without a search, wherever they are', async () => {
    const { devices, users } = syntheticDevices(COUNT, 5);
    const ids = [0, 499_999, 999_999].map((index) => devices.at(index).id);
    const owner = users.at(300_000).id;
    const start = performance.now();
    for (const id of ids) expect((await client.get(`/devices/${id}?$select=id`)).body).to.include({ id });
    const filter = encodeURIComponent(`id in ('${owner}')`);
    expect(valueOf(await client.get(`/users?$select=id&$filter=${filter}`))).to.deep.equal([{ id: owner }]);
    const some = encodeURIComponent(ids.map((id) => `id eq '${id}'`).join(' or '));
    expect(valueOf(await client.get(`/devices/delta?$select=id&$filter=${some}`))).to.have.length(3);
    expect(performance.now() - start).to.be.lessThan(2000);
  });

  it('give the delta link of now as fast as a thousand do', async () => {
    const small = await startGraphEmulator({ synthetic: syntheticDevices(1000, 5) });
    const few = await fastest(await connect(small));
    const many = await fastest(client);
    await small.stop();
    expect(many).to.be.lessThan(10 * few + 20);
  });
});

/** Milliseconds of the fastest of ten. */
async function fastest(client: EmulatorClient): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const start = performance.now();
    await client.get(LATEST);
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

/** Bytes that are used when everything unused was collected. */
function usedHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
