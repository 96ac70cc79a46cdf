import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PowerShell } from './powerShell.ts';

/** One line of the fake engine's log. */
export interface LogEntry {
  readonly pid: number;
  readonly event: 'started' | 'received' | 'answered' | 'report' | 'ended';
  readonly line?: string;
  readonly message?: {
    readonly id?: number | string;
    readonly method?: string;
    readonly params?: Record<string, unknown>;
    readonly error?: unknown;
  };
  readonly method?: string;
  readonly mostOpen?: number;
  readonly cancelled?: boolean;
  readonly applied?: number;
  readonly arguments?: readonly string[];
  readonly environment?: readonly string[];
  readonly folder?: string;
}

/** A PowerShell process whose engine is the fake one, and what that engine noted. */
export class FakeEngineSetup {
  readonly folder: string;
  readonly powerShell: PowerShell;
  private readonly logFile: string;

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-'));
    this.logFile = path.join(this.folder, 'engine log.jsonl');
    writeFileSync(this.logFile, '');
    const wrapper = path.join(this.folder, 'fake node');
    const engine = path.join(import.meta.dirname, 'fakeEngine.mjs');
    writeFileSync(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${engine}' "$@"\n`, { mode: 0o755 });
    this.powerShell = new PowerShell({ DEVICEWRITEBACK_NODE: wrapper, FAKE_ENGINE_LOG: this.logFile, ...environment });
  }

  log(): readonly LogEntry[] {
    return readFileSync(this.logFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogEntry);
  }

  /** The process ids of the engines that were started, oldest first. */
  engines(): readonly number[] {
    return this.log()
      .filter(({ event }) => event === 'started')
      .map(({ pid }) => pid);
  }

  /** The parameters of the requests and notifications of this method, oldest first. */
  received(method: string): readonly Record<string, unknown>[] {
    return this.log().flatMap(({ message }) => (message?.method === method ? [message.params ?? {}] : []));
  }

  async close(): Promise<void> {
    await this.powerShell.close();
    rmSync(this.folder, { recursive: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended but was not waited for is a zombie.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until the condition holds; fails with its description after a while. */
export async function eventually(description: string, condition: () => boolean, patience = 5000): Promise<void> {
  const end = Date.now() + patience;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`Not within ${patience} ms: ${description}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
