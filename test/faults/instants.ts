import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { GraphEmulator } from '../emulator/graphEmulator.ts';
import type { Chance } from './chance.ts';

/** What a run is at when it is killed. */
export const PHASES = ['reading', 'planning', 'beginning', 'writing', 'ending', 'hints'] as const;
export type Phase = (typeof PHASES)[number];

/** Some milliseconds after a run was seen at something from outside. */
export interface Instant {
  readonly after: { readonly request: number } | { readonly file: string };
  readonly milliseconds: number;
}

/** A step of the engine's own work on files, as killAtStep takes it. */
export interface Step {
  readonly file: string;
  readonly number: number;
}

/** Wire requests to Graph that a run sends in any case, sign-in included; with them most is read. */
const REQUESTS = 3;
/** The first file that a run makes in each phase, the most steps that follow on files, and the milliseconds. */
const FILES = {
  beginning: { file: 'probe.', steps: 27, milliseconds: 8 },
  writing: { file: 'journal-', steps: 60, milliseconds: 160 },
  ending: { file: 'undo-', steps: 105, milliseconds: 8 },
  hints: { file: 'hints.json', steps: 8, milliseconds: 4 },
} as const;

export function chooseInstant(phase: Phase, chance: Chance): Instant {
  if (phase === 'reading')
    return { after: { request: chance.between(1, REQUESTS - 1) }, milliseconds: chance.between(0, 60) };
  if (phase === 'planning') return { after: { request: REQUESTS }, milliseconds: chance.between(0, 100) };
  const { file, milliseconds } = FILES[phase];
  return { after: { file }, milliseconds: chance.between(0, milliseconds) };
}

/** null where the phase has no files. */
export function chooseStep(phase: Phase, chance: Chance): Step | null {
  if (phase === 'reading' || phase === 'planning') return null;
  const { file, steps } = FILES[phase];
  return { file, number: chance.between(1, steps) };
}

/** What a run does to be seen: its requests to Graph and the files that it makes in its folder. */
export class Observer {
  readonly #tenant: GraphEmulator;
  readonly #watcher: FSWatcher;
  readonly #names = new Set<string>();

  constructor(tenant: GraphEmulator, folder: string) {
    this.#tenant = tenant;
    tenant.requests.clear();
    this.#watcher = watch(folder, (_, name) => {
      if (name !== null) this.#names.add(name);
    });
  }

  /** Ids of the runs whose journal was seen. */
  get journals(): readonly string[] {
    return [...this.#names].flatMap((name) => /^journal-(.+)\.ndjson$/.exec(name)?.[1] ?? []);
  }

  /** Resolves at the instant, or when `ended` does, whichever is first. */
  async at({ after, milliseconds }: Instant, ended: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    void ended.then(() => over.abort());
    while (!over.signal.aborted && !this.#saw(after)) await delay(1);
    await Promise.race([delay(milliseconds), ended]);
  }

  close(): void {
    this.#watcher.close();
  }

  #saw(after: Instant['after']): boolean {
    if ('request' in after) return this.#tenant.requests.count() >= after.request;
    return [...this.#names].some((name) => name.startsWith(after.file));
  }
}
