/**
 * The apply phase of a first run against ldapadd: both write the same 2,000 objects as the same account over LDAPS into
 * a fresh copy of the same directory, and what each wrote is read back and compared with the plan. Ours is the time from
 * the request to apply until its answer, with journal and report; the plan was made before. ldapadd's is the life of the
 * program, with its bind.
 */
import { alternatingPairs, medianRatio, type Row } from './figure.ts';
import { startTenant, toLdif, verifyWritten, withFreshDirectory, withPlannedWrite } from './plannedWrite.ts';

const OBJECTS = 2_000;
const PAIRS = 5;

export const initialWrite: Row = {
  name: 'initialWrite',
  async measure(tell) {
    const graph = await startTenant(OBJECTS);
    try {
      tell(`planning the ${OBJECTS} creates`);
      const entries = await withFreshDirectory((directory) =>
        withPlannedWrite(graph, directory, OBJECTS, async (planned) => planned.entries),
      );
      const ldif = toLdif(entries);
      const ours = (): Promise<number> =>
        withFreshDirectory(async (directory) => {
          const seconds = await withPlannedWrite(graph, directory, OBJECTS, ({ apply }) => secondsOf(apply));
          await verifyWritten(directory, entries);
          return seconds;
        });
      const ldapadd = (): Promise<number> =>
        withFreshDirectory(async (directory) => {
          const seconds = await secondsOf(() => directory.dc.ldapAdd(ldif, directory.account));
          await verifyWritten(directory, entries);
          return seconds;
        });
      const pairs = await alternatingPairs(PAIRS, ours, ldapadd, tell);
      return [
        {
          name: `initial write of ${OBJECTS} objects, apply phase, over ldapadd`,
          value: medianRatio(pairs),
          unit: 'ratio',
          limit: 1.1,
          bound: 'most',
          samples: pairs.map(({ ours: oursSeconds, other }) => ({ oursSeconds, ldapaddSeconds: other })),
        },
      ];
    } finally {
      await graph.stop();
    }
  },
};

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
