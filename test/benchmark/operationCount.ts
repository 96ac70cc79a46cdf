/**
 * LDAP operations per created object, counted on the wire: every message that the engine sends between the request to
 * apply and its answer, be it an add, a search or a bind. A run of its own, because the counting costs time.
 */
import type { Row } from './figure.ts';
import { startTenant, verifyWritten, withFreshDirectory, withPlannedWrite } from './plannedWrite.ts';
import { startRequestCounter } from './requestCounter.ts';

const OBJECTS = 2_000;

export const operationCount: Row = {
  name: 'operationCount',
  async measure(tell) {
    tell(`writing ${OBJECTS} objects through a counter`);
    const graph = await startTenant(OBJECTS);
    try {
      const operations = await withFreshDirectory(async (directory) => {
        const counter = await startRequestCounter(directory.dc);
        try {
          return await withPlannedWrite(
            graph,
            directory,
            OBJECTS,
            async ({ apply, entries }) => {
              const before = counter.count();
              await apply();
              const after = counter.count();
              await verifyWritten(directory, entries);
              return after - before;
            },
            counter.server,
          );
        } finally {
          await counter.stop();
        }
      });
      if (operations < OBJECTS) throw new Error(`Only ${operations} operations were seen for ${OBJECTS} objects.`);
      return [
        {
          name: 'LDAP operations per created object',
          value: operations / OBJECTS,
          unit: 'operations',
          limit: 1.01,
          bound: 'most',
          samples: [{ operations, objects: OBJECTS }],
        },
      ];
    } finally {
      await graph.stop();
    }
  },
};
