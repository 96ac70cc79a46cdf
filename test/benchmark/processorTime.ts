/**
 * What the engine's process costs per 1,000 writes over LDAPS against a program that calls ldapts and nothing else. Of
 * both it is the processor time between bound connection and last answer, all threads, user and system, as the kernel
 * counts it. The engine reports, logs and keeps its journal meanwhile.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { LdifEntry } from '../lab/ldif.ts';
import type { BareWrite } from './bareWriter.ts';
import { alternatingPairs, medianRatio, type Row } from './figure.ts';
import {
  startTenant,
  verifyWritten,
  withFreshDirectory,
  withPlannedWrite,
  type FreshDirectory,
} from './plannedWrite.ts';
import { processorSeconds } from './processFigures.ts';

const OBJECTS = 2_000;
const PAIRS = 5;
const BARE_WRITER = path.join(import.meta.dirname, 'bareWriter.ts');

export const processorTime: Row = {
  name: 'processorTime',
  async measure(tell) {
    const graph = await startTenant(OBJECTS);
    try {
      tell(`planning the ${OBJECTS} creates`);
      const entries = await withFreshDirectory((directory) =>
        withPlannedWrite(graph, directory, OBJECTS, async (planned) => planned.entries),
      );
      const engine = (): Promise<number> =>
        withFreshDirectory(async (directory) => {
          const seconds = await withPlannedWrite(graph, directory, OBJECTS, async (planned) => {
            const before = processorSeconds(planned.engine.pid);
            await planned.apply();
            return processorSeconds(planned.engine.pid) - before;
          });
          await verifyWritten(directory, entries);
          return perThousand(seconds);
        });
      const bare = (): Promise<number> =>
        withFreshDirectory(async (directory) => {
          const seconds = await bareSeconds(directory, entries);
          await verifyWritten(directory, entries);
          return perThousand(seconds);
        });
      const pairs = await alternatingPairs(PAIRS, engine, bare, tell);
      return [
        {
          name: 'engine CPU per 1,000 writes over LDAPS, over bare ldapts',
          value: medianRatio(pairs),
          unit: 'ratio',
          limit: 1.5,
          bound: 'most',
          samples: pairs.map(({ ours, other }) => ({ engineSeconds: ours, bareSeconds: other })),
        },
      ];
    } finally {
      await graph.stop();
    }
  },
};

function perThousand(seconds: number): number {
  return (seconds * 1000) / OBJECTS;
}

async function bareSeconds({ dc, account }: FreshDirectory, entries: readonly LdifEntry[]): Promise<number> {
  const child = spawn(process.execPath, [BARE_WRITER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  // A program that has ended is told by the line that does not come.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const expect = async (wanted: string): Promise<number> => {
    const { value } = await lines.next();
    if (value !== wanted) throw new Error(`The bare writer said ${String(value)} instead of ${wanted}.`);
    return processorSeconds(child.pid ?? 0);
  };
  try {
    const write: BareWrite = {
      url: dc.url,
      caFile: dc.caFile,
      userName: account.userName,
      password: account.password,
      entries: entries.map(({ dn, attributes }) => ({
        dn,
        attributes: Object.fromEntries(
          [...attributes].map(([name, values]) => [name, values.map((value) => value.toString('base64'))]),
        ),
      })),
    };
    child.stdin.write(`${JSON.stringify(write)}\n`);
    const before = await expect('bound');
    child.stdin.write('add\n');
    return (await expect('added')) - before;
  } finally {
    child.stdin.end();
    await ended;
  }
}
