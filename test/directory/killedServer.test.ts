/** The domain controller is killed in the middle of many writes and started again: the next run ends what was begun. */
import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import { WritebackError } from '../../src/errors.ts';
import type { Change } from '../../src/plan/change.ts';
import type { Directory } from '../../src/ports.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { randomNumbers } from '../plan/generator.ts';
import { all, changeOf, creation, deviceId, directoryOf, NEVER, sampleValues } from './sample.ts';

const SOAK = process.env['SOAK'] !== undefined;
const SEED = Number(process.env['SEED'] ?? randomInt(1_000_000));
const OBJECTS = SOAK ? 2000 : 150;
const KILLS = SOAK ? 12 : 3;

/** attributeID of displayName as [MS-DRSR] 5.16.4 shortens it: 1.2.840.113556.1.2.13. */
const DISPLAY_NAME = 0x0002_000d;
/** Its version after a create and one modify, in which Samba counts the deletion and the addition of the value. */
const CREATED_AND_CHANGED = 3;

describe(`a domain controller killed in the middle of ${OBJECTS} writes (SEED=${SEED}${SOAK ? '' : ', SOAK=1 for more'})`, function () {
  this.timeout(SOAK ? 3_600_000 : 240_000);
  const random = randomNumbers(SEED);
  let domainController: DomainController;
  let directory: Directory;
  let container: string;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true, durable: true });
    directory = directoryOf(domainController, { timeouts: { connect: 5000 } });
    container = domainController.deviceContainerDn;
  });

  after(async () => {
    await directory?.close();
    await domainController?.stop();
  });

  const read = async (): Promise<ReadonlyMap<string, DeviceObject>> => {
    const objects = await all(directory.devices(container, NEVER));
    return new Map(objects.map((object) => [object.name, object]));
  };

  /** Runs until nothing is left to do; each run plans from what it reads. Returns how many runs it took. */
  async function converge(plan: (current: ReadonlyMap<string, DeviceObject>) => readonly Change[]): Promise<number> {
    const points = Array.from({ length: KILLS }, () => Math.floor((random() * OBJECTS) / KILLS));
    for (let runs = 1; ; runs += 1) {
      const changes = plan(await read());
      if (changes.length === 0) return runs;
      const killAt = points.pop() ?? null;
      let killing: Promise<void> | null = null;
      try {
        for (const [index, change] of changes.entries()) {
          if (index === killAt) killing = domainController.kill();
          const outcome = await directory.write(change, NEVER);
          expect(outcome.state, JSON.stringify(outcome)).to.equal('applied');
        }
      } catch (error) {
        expect(killing, String(error)).to.not.equal(null);
        expect(error).to.be.instanceOf(WritebackError).and.include({ code: 'DirectoryUnreachable', retryable: true });
      }
      if (killing !== null) {
        await killing;
        await domainController.restart();
      }
    }
  }

  const numbers = Array.from({ length: OBJECTS }, (_, number) => number);

  it('has each object once after creates', async () => {
    const runs = await converge((current) =>
      numbers.filter((number) => !current.has(deviceId(number))).map((number) => creation(number, container)),
    );
    expect(runs).to.be.greaterThan(KILLS);
    const current = await read();
    expect(current.size).to.equal(OBJECTS);
    for (const number of numbers) expect(current.get(deviceId(number))?.attributes).to.deep.equal(sampleValues(number));
  });

  it('has changed each object once after updates', async () => {
    const runs = await converge((current) =>
      [...current.values()]
        .filter(({ attributes }) => attributes.displayName?.[0]?.startsWith('Device') === true)
        .map((object) => changeOf(object, { displayName: [`New ${object.name}`] })),
    );
    expect(runs).to.be.greaterThan(KILLS);
    for (const [name, object] of await read()) expect(object.attributes.displayName).to.deep.equal([`New ${name}`]);
    const entries = await domainController.ldbSearch('(objectClass=msDS-Device)', ['replPropertyMetaData'], container);
    const versions = entries.map(({ attributes }) => versionOf(attributes.get('replPropertyMetaData')?.[0]));
    expect(versions).to.deep.equal(numbers.map(() => CREATED_AND_CHANGED));
  });
});

/** The version of displayName: it grows with every write of it, whoever does it. Source: [MS-DRSR], replPropertyMetaData (PROPERTY_META_DATA). */
function versionOf(metaData: Buffer | undefined): number | null {
  if (metaData === undefined) return null;
  const count = metaData.readUInt32LE(8);
  for (let offset = 16; offset < 16 + 48 * count; offset += 48) {
    if (metaData.readUInt32LE(offset) === DISPLAY_NAME) return metaData.readUInt32LE(offset + 4);
  }
  return null;
}
