import type { Forest } from '../commands/forest.ts';
import { certificateKey, newDevice } from '../emulator/newEntities.ts';
import type { Chance } from './chance.ts';
import { isDue, isRemoved, type Snapshot } from './snapshot.ts';

const LONG_AGO = '2024-01-01T00:00:00Z';
/** Days. */
export const RETENTION = 30;
const CREATED = 9;

/** Adds good devices. */
export function addDevices(forest: Forest, chance: Chance, count: number): void {
  for (let added = 0; added < count; added += 1) {
    const id = chance.guid();
    forest.tenant.devices.add(
      newDevice({ id, deviceId: chance.guid(), alternativeSecurityIds: [certificateKey(id)], displayName: `PC ${id}` }),
    );
  }
}

/** Some 45 changes of every kind wait for a run; the number of devices stays what it was. */
export async function prepareChanges(forest: Forest, chance: Chance, snapshot: Snapshot): Promise<void> {
  const { devices } = forest.tenant;
  const living = shuffled([...devices], chance);
  addDevices(forest, chance, CREATED);
  const take = (count: number): typeof living => living.splice(0, count);
  for (const { id } of take(CREATED)) devices.remove(id);
  for (const { id } of take(11)) devices.update(id, { displayName: `PC ${chance.between(0, 1e6)}` });
  for (const { id } of take(4)) devices.update(id, { alternativeSecurityIds: [certificateKey(chance.guid())] });
  for (const { id, accountEnabled } of take(8)) devices.update(id, { accountEnabled: accountEnabled !== true });
  await age(forest, snapshot);
}

/** The time of retention of every removed object is over. */
async function age(forest: Forest, { own }: Snapshot): Promise<void> {
  const removed = [...own.values()].filter((object) => isRemoved(object) && !isDue(object, RETENTION));
  if (removed.length === 0) return;
  const mark = `DeviceWriteback ${forest.tenant.tenantId} removed ${LONG_AGO}`;
  const changes = removed.map(({ deviceId }) => {
    const dn = forest.dnOf({ id: '', deviceId });
    return `dn: ${dn}\nchangetype: modify\nreplace: adminDescription\nadminDescription: ${mark}\n-\n`;
  });
  await forest.dc.ldapModify(changes.join('\n'));
}

function shuffled<T>(all: readonly T[], chance: Chance): T[] {
  return all
    .map((one) => ({ one, at: chance.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
