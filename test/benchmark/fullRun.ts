/**
 * A full run of a large tenant that was written before, over servers that stream, against the same two reads by the
 * engine's own clients with each device and object thrown away. Each run is one of a new process of the bundled engine,
 * from the request for a plan to the report; its time, its processor time and the most memory that it has held are
 * taken, of the reads likewise. The servers are processes of their own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PlanResult, WireRun } from '../../src/protocol/messages.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { median, round, type Figure, type Row } from './figure.ts';
import { startBundledEngine, resultOf } from './plannedWrite.ts';
import { peakMebibytes, processorSeconds } from './processFigures.ts';
import { ACCOUNT, APPLICATION, startProgram, startStreamedServers, type StreamedServers } from './streamedServers.ts';

const PAIRS = 3;
/** Of so many objects one differs from its device, in a run of changes. */
const STALE_EVERY = 100;
const MOST_MEBIBYTES = 512;

interface Measured {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly mebibytes: number;
}

interface Pair {
  readonly run: Measured;
  readonly reads: Measured;
}

const HUNDRED_THOUSAND = 100_000;
const MILLION = 1_000_000;

export const fullRun: Row = {
  name: 'fullRun',
  measure: async (tell) => {
    const pairs = await measurePairs(HUNDRED_THOUSAND, null, PAIRS, tell);
    return [timeFigure('full run, nothing changed, 100,000 devices, over the two reads', pairs)];
  },
};

/** One object of a hundred is read again, and its change is told. */
export const fullRunChanged: Row = {
  name: 'fullRunChanged',
  measure: async (tell) => {
    const pairs = await measurePairs(HUNDRED_THOUSAND, STALE_EVERY, 1, tell);
    return [
      processorFigure('full run, 1 % changed, 100,000 devices: CPU over the two reads', pairs),
      memoryFigure('full run, 1 % changed, 100,000 devices: peak memory', pairs),
    ];
  },
};

export const million: Row = {
  name: 'million',
  measure: async (tell) => {
    const pairs = await measurePairs(MILLION, null, 1, tell);
    return [
      memoryFigure('full run, nothing changed, 1,000,000 devices: peak memory', pairs),
      processorFigure('full run, nothing changed, 1,000,000 devices: CPU over the two reads', pairs),
    ];
  },
};

export const millionChanged: Row = {
  name: 'millionChanged',
  measure: async (tell) => {
    const pairs = await measurePairs(MILLION, STALE_EVERY, 1, tell);
    return [
      memoryFigure('full run, 1 % changed, 1,000,000 devices: peak memory', pairs),
      processorFigure('full run, 1 % changed, 1,000,000 devices: CPU over the two reads', pairs),
    ];
  },
};

async function measurePairs(
  devices: number,
  staleEvery: number | null,
  count: number,
  tell: (what: string) => void,
): Promise<readonly Pair[]> {
  const servers = await startStreamedServers(devices, staleEvery);
  const changes = staleEvery === null ? 0 : Math.ceil(devices / staleEvery);
  try {
    const pairs: Pair[] = [];
    while (pairs.length < count) {
      // In swapped order each time, so that drift of the machine meets both alike.
      const first = pairs.length % 2 === 0 ? await measureReads(servers, devices) : null;
      const run = await measureRun(servers, devices, changes);
      const reads = first ?? (await measureReads(servers, devices));
      pairs.push({ run, reads });
      tell(`pair ${pairs.length} of ${count}: run ${shown(run)}; reads ${shown(reads)}`);
    }
    return pairs;
  } finally {
    await servers.stop();
  }
}

function shown({ seconds, processorSeconds: processor, mebibytes }: Measured): string {
  return `${round(seconds)} s, CPU ${round(processor)} s, ${round(mebibytes)} MiB`;
}

/** Plans, and applies nothing but what is not to be counted: every change is declined. */
async function measureRun({ graph, directory }: StreamedServers, devices: number, changes: number): Promise<Measured> {
  const statePath = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bench-'));
  const engine = await startBundledEngine();
  try {
    const before = processorSeconds(engine.pid);
    const started = performance.now();
    const planned = resultOf<PlanResult>(
      await engine.call('plan', {
        tenantId: LAB_TENANT.tenantId,
        environment: { graph: graph.graphUrl, login: graph.loginUrl },
        server: directory.server,
        trustedCertificate: directory.caFile,
        statePath,
        clientSecretCredential: APPLICATION,
        credential: ACCOUNT,
      }),
    );
    const declined = Array.from({ length: planned.changes }, (_, number) => number);
    const { handle, digest } = planned;
    const run = resultOf<WireRun>(await engine.call('apply', { handle, digest, declined }));
    const measured = {
      seconds: (performance.now() - started) / 1000,
      processorSeconds: processorSeconds(engine.pid) - before,
      mebibytes: peakMebibytes(engine.pid),
    };
    const expected = { changes, held: 0, unchanged: devices - changes, outcome: 'Completed' };
    const found = { ...pick(planned), outcome: run.outcome };
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      throw new Error(`The run came to ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}.`);
    }
    return measured;
  } finally {
    await engine.end();
    rmSync(statePath, { recursive: true });
  }
}

function pick({ changes, held, unchanged }: PlanResult) {
  return { changes, held, unchanged };
}

async function measureReads({ graph, directory }: StreamedServers, devices: number): Promise<Measured> {
  const reader = await startProgram('bareReads.ts', { graph, directory });
  try {
    const before = processorSeconds(reader.pid);
    const read = await reader.next<{ seconds: number; objects: number; devices: number }>();
    const after = processorSeconds(reader.pid);
    if (read.objects !== devices || read.devices !== devices) {
      throw new Error(`${read.objects} objects and ${read.devices} devices were read of ${devices}.`);
    }
    return { seconds: read.seconds, processorSeconds: after - before, mebibytes: peakMebibytes(reader.pid) };
  } finally {
    await reader.stop();
  }
}

function timeFigure(name: string, pairs: readonly Pair[]): Figure {
  return {
    name,
    value: median(pairs.map(({ run, reads }) => run.seconds / reads.seconds)),
    unit: 'ratio',
    limit: 1.2,
    bound: 'most',
    samples: samplesOf(pairs),
  };
}

function processorFigure(name: string, pairs: readonly Pair[]): Figure {
  return {
    name,
    value: median(pairs.map(({ run, reads }) => run.processorSeconds / reads.processorSeconds)),
    unit: 'ratio',
    limit: 1.6,
    bound: 'most',
    samples: samplesOf(pairs),
  };
}

function memoryFigure(name: string, pairs: readonly Pair[]): Figure {
  return {
    name,
    value: Math.max(...pairs.map(({ run }) => run.mebibytes)),
    unit: 'MiB',
    limit: MOST_MEBIBYTES,
    bound: 'most',
    samples: samplesOf(pairs),
  };
}

function samplesOf(pairs: readonly Pair[]): Figure['samples'] {
  return pairs.map(({ run, reads }) => ({
    runSeconds: run.seconds,
    readsSeconds: reads.seconds,
    runProcessorSeconds: run.processorSeconds,
    readsProcessorSeconds: reads.processorSeconds,
    runMebibytes: run.mebibytes,
    readsMebibytes: reads.mebibytes,
  }));
}
