import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const MANIFEST = path.join(ROOT, 'DeviceWriteback.psd1');

const HOST_ASSEMBLY = path.join(import.meta.dirname, 'host/bin/PowerShellHost.dll');
const SCENARIO_SCRIPT = path.join(import.meta.dirname, 'scenario.ps1');

/** How long a scenario may take, in milliseconds. */
const PATIENCE = 60_000;

/** PowerShell breaks lines between words only in languages that it knows. */
export const POWERSHELL_ENVIRONMENT = { POWERSHELL_TELEMETRY_OPTOUT: '1', LC_ALL: 'en_US.UTF-8' };

export interface Scenario {
  readonly script: string;
  /** Answers to prompts, in order: the label of a choice, such as "Yes to All", or a line of text. */
  readonly answers?: readonly string[];
  /** Stops the pipeline as Ctrl+C does, so long after its start. */
  readonly stopAfterMs?: number;
  /** Stops it when this stream first holds this text. */
  readonly stopWhen?: { readonly stream: 'progress' | 'verbose' | 'warning' | 'output'; readonly text: string };
}

export interface ScenarioError {
  readonly id: string;
  readonly message: string;
  readonly exceptionMessage: string;
  readonly exception: string;
  readonly category: string;
  readonly target: string | null;
  readonly recommendedAction: string | null;
}

export interface ScenarioProgress {
  readonly activity: string;
  readonly status: string;
  readonly percent: number;
  readonly type: 'Processing' | 'Completed';
}

/** Everything that a script gave. */
export interface ScenarioResult {
  /** Objects carry their type name as "$type". */
  readonly output: readonly unknown[];
  readonly errors: readonly ScenarioError[];
  readonly terminating: ScenarioError | null;
  readonly verbose: readonly string[];
  readonly warnings: readonly string[];
  readonly debug: readonly string[];
  readonly information: readonly string[];
  readonly progress: readonly ScenarioProgress[];
  /** What reached the screen, lines "kind: text". */
  readonly host: readonly string[];
  readonly state: 'Completed' | 'Failed' | 'Stopped';
  readonly milliseconds: number;
  /** From the stop to the end of the pipeline. */
  readonly stopMilliseconds: number | null;
}

/** The path of a real PowerShell (7.4 or later) to run the scenarios in, if the environment names one. */
export function namedPwsh(): string | null {
  const named = process.env['DEVICEWRITEBACK_PWSH'];
  return named === undefined || named === '' ? null : named;
}

/**
 * One PowerShell process that runs scenarios, each in its own runspace: the host of this folder, or the pwsh that the
 * environment variable DEVICEWRITEBACK_PWSH names.
 */
export class PowerShell {
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, { done(result: ScenarioResult): void; failed(error: Error): void }>();
  private lastId = 0;
  private errorOutput = '';

  /** @param environment variables to add to this process's own */
  constructor(environment: Readonly<Record<string, string>> = {}) {
    const [program, ...parameters] = commandLine();
    this.process = spawn(program, parameters, {
      env: { ...process.env, ...POWERSHELL_ENVIRONMENT, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdin, stdout, stderr } = this.process;
    if (stdin === null || stdout === null || stderr === null) throw new Error('The PowerShell process has no pipes.');
    // A broken pipe is told by the exit.
    stdin.on('error', () => {});
    createInterface({ input: stdout }).on('line', (line) => this.accept(line));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errorOutput = (this.errorOutput + text).slice(-4096);
    });
    this.process.on('error', (error) => this.failAll(error));
    this.process.on('exit', (code, signal) => {
      this.failAll(new Error(`PowerShell ended with ${code ?? signal}: ${this.errorOutput}`));
    });
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('The PowerShell process did not start.');
    return this.process.pid;
  }

  /** Runs a script with the module imported. */
  run(scenario: string | Scenario): Promise<ScenarioResult> {
    const given = typeof scenario === 'string' ? { script: scenario } : scenario;
    return this.runBare({ ...given, script: `Import-Module ${quote(MANIFEST)}\n${given.script}` });
  }

  /** Runs a script as it is. */
  async runBare(scenario: Scenario): Promise<ScenarioResult> {
    this.lastId += 1;
    const id = this.lastId;
    const answer = new Promise<ScenarioResult>((done, failed) => this.waiting.set(id, { done, failed }));
    const limit = setTimeout(() => {
      this.waiting.get(id)?.failed(new Error(`The scenario did not end within ${PATIENCE} ms: ${scenario.script}`));
    }, PATIENCE);
    this.process.stdin?.write(`${JSON.stringify({ id, ...scenario })}\n`);
    try {
      return await answer;
    } finally {
      clearTimeout(limit);
      this.waiting.delete(id);
    }
  }

  /** Ends the process: by the end of its input, or if that does not help within 5 s, by force. */
  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.stdin?.end();
    const force = setTimeout(() => this.process.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(force);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  private accept(line: string): void {
    const { id, ...result } = JSON.parse(line) as ScenarioResult & { id: number };
    this.waiting.get(id)?.done(result);
  }

  private failAll(error: Error): void {
    for (const { failed } of this.waiting.values()) failed(error);
  }
}

/** A PowerShell literal of the text. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** How to run one script file as `pwsh -File` does, its output as plain text; arguments follow. */
export function fileCommandLine(script: string): [string, ...string[]] {
  const pwsh = namedPwsh();
  if (pwsh !== null) return [pwsh, '-NoProfile', '-NonInteractive', '-File', script];
  return ['dotnet', builtHost(), '-File', script];
}

function commandLine(): [string, ...string[]] {
  const pwsh = namedPwsh();
  if (pwsh !== null) return [pwsh, '-NoProfile', '-NonInteractive', '-File', SCENARIO_SCRIPT];
  return ['dotnet', builtHost(), '-Serve'];
}

function builtHost(): string {
  if (!existsSync(HOST_ASSEMBLY)) throw new Error(`${HOST_ASSEMBLY} is not built: run \`node build/assemblies.mjs\`.`);
  return HOST_ASSEMBLY;
}
