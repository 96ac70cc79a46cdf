/**
 * Measures what the project promises about its speed: prints a table and writes .build/bench.json. Arguments select rows
 * by name; without any the usual rows are measured. A figure that misses is a measurement and no error; a row that could not be measured ends with exit code 1.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cmdletOverhead } from './cmdletOverhead.ts';
import { isReached, round, type Figure, type Row } from './figure.ts';
import { fullRun, fullRunChanged, million, millionChanged } from './fullRun.ts';
import { initialWrite } from './initialWrite.ts';
import { moduleImport } from './moduleImport.ts';
import { operationCount } from './operationCount.ts';
import { pipelineRate } from './pipelineRate.ts';
import { processorTime } from './processorTime.ts';
import { sealedWrite } from './sealedWrite.ts';

const USUAL_ROWS: readonly Row[] = [
  initialWrite,
  operationCount,
  processorTime,
  sealedWrite,
  fullRun,
  fullRunChanged,
  moduleImport,
  cmdletOverhead,
  pipelineRate,
];
/** They take minutes each, and are measured when they are named. */
const LONG_ROWS: readonly Row[] = [million, millionChanged];
const ROWS = [...USUAL_ROWS, ...LONG_ROWS];
const RESULT_FILE = path.resolve(import.meta.dirname, '../../.build/bench.json');

interface Outcome {
  readonly row: string;
  readonly figures: readonly Figure[];
  readonly error: string | null;
}

const selected = select(process.argv.slice(2));
const started = new Date();
const loadAtStart = os.loadavg();
const outcomes: Outcome[] = [];
for (const row of selected) outcomes.push(await measure(row));
process.stdout.write(`${table(outcomes)}\n`);
save(outcomes);
process.exitCode = outcomes.some(({ error }) => error !== null) ? 1 : 0;

function select(names: readonly string[]): readonly Row[] {
  const unknown = names.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `No row is named ${unknown.join(', ')}: there are ${ROWS.map(({ name }) => name).join(', ')}.\n`,
    );
    process.exit(1);
  }
  return names.length === 0 ? USUAL_ROWS : ROWS.filter(({ name }) => names.includes(name));
}

async function measure(row: Row): Promise<Outcome> {
  const tell = (what: string): void => {
    process.stderr.write(`${row.name}: ${what}\n`);
  };
  try {
    return { row: row.name, figures: await row.measure(tell), error: null };
  } catch (thrown) {
    const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    tell(`could not be measured: ${error}`);
    return { row: row.name, figures: [], error };
  }
}

function table(all: readonly Outcome[]): string {
  const lines = [['row', 'measured', 'must reach', 'verdict']];
  for (const { row, figures, error } of all) {
    for (const figure of figures) {
      lines.push([figure.name, `${round(figure.value)} ${figure.unit}`, limitOf(figure), verdictOf(figure)]);
    }
    if (error !== null) lines.push([row, '-', '-', 'ERROR']);
  }
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function limitOf({ limit, bound, unit }: Figure): string {
  return limit === null ? '-' : `${bound === 'most' ? '≤' : '≥'} ${round(limit)} ${unit}`;
}

function verdictOf(figure: Figure): string {
  const reached = isReached(figure);
  return reached === null ? '-' : reached ? 'reached' : 'MISSED';
}

function save(all: readonly Outcome[]): void {
  const processors = os.cpus();
  const content = {
    started: started.toISOString(),
    ended: new Date().toISOString(),
    node: process.version,
    processors: `${processors.length} × ${processors[0]?.model ?? 'unknown'}`,
    loadAverage: { start: loadAtStart[0], end: os.loadavg()[0] },
    figures: all.flatMap(({ row, figures }) =>
      figures.map((figure) => ({ row, ...figure, reached: isReached(figure) })),
    ),
    errors: all.flatMap(({ row, error }) => (error === null ? [] : [{ row, error }])),
  };
  mkdirSync(path.dirname(RESULT_FILE), { recursive: true });
  writeFileSync(RESULT_FILE, `${JSON.stringify(content, null, 2)}\n`);
}
