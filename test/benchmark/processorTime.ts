/**
 * What the engine's process costs per 1,000 writes over LDAPS against a program that calls ldapts and nothing else. Of
 * both it is the processor time between bound connection and last answer, all threads, user and system, as the kernel
 * counts it. The engine keeps its journal meanwhile; the report and the undo plan that it makes of that at the end are a
 * figure of their own (docs/decisions/0014-what-a-write-costs.md).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { LdifEntry } from '../lab/ldif.ts';
import type { BareWrite } from './bareWriter.ts';
import { alternatingPairs, median, medianRatio, type Row } from './figure.ts';
import {
  startTenant,
  verifyWritten,
  withFreshDirectory,
  withPlannedWrite,
  type FreshDirectory,
  type PlannedWrite,
} from './plannedWrite.ts';
import { processorSeconds } from './processFigures.ts';

const OBJECTS = 2_000;
const PAIRS = 5;
/** How often it is looked whether the report is begun, in milliseconds: it takes many of them, and looking slows the engine. */
const INTERVAL = 10;
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
      const whole: number[] = [];
      const engine = (): Promise<number> =>
        withFreshDirectory(async (directory) => {
          const { writing, all } = await withPlannedWrite(graph, directory, OBJECTS, applySeconds);
          await verifyWritten(directory, entries);
          whole.push(perThousand(all));
          return perThousand(writing);
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
        {
          name: 'the same with report and undo plan',
          value: median(pairs.map(({ other }, index) => (whole[index] ?? NaN) / other)),
          unit: 'ratio',
          limit: null,
          bound: 'most',
          samples: pairs.map(({ other }, index) => ({ engineSeconds: whole[index] ?? NaN, bareSeconds: other })),
        },
      ];
    } finally {
      await graph.stop();
    }
  },
};

/** The engine's processor seconds until it begins its report, and until it has answered. */
async function applySeconds({ engine, statePath, apply }: PlannedWrite): Promise<{ writing: number; all: number }> {
  const before = processorSeconds(engine.pid);
  let writing: number | null = null;
  const watch = setInterval(() => {
    const begun = readdirSync(statePath, { recursive: true }).some((name) =>
      path.basename(String(name)).startsWith('report-'),
    );
    if (begun) writing ??= processorSeconds(engine.pid) - before;
  }, INTERVAL);
  try {
    await apply();
  } finally {
    clearInterval(watch);
  }
  const all = processorSeconds(engine.pid) - before;
  return { writing: writing ?? all, all };
}

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
