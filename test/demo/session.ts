import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import type { Credential } from '../../src/ports.ts';
import { fileCommandLine, POWERSHELL_ENVIRONMENT } from '../powershell/powerShell.ts';

const END_OF_OUTPUT = '<end of output>';

/** A PowerShell that commands are typed into: the pwsh of PATH, else the host that the tests use. */
export class Session {
  /** Which PowerShell it is, for people. */
  readonly name: string;
  private readonly shell: ChildProcessWithoutNullStreams;
  private output: string[] = [];
  private ended: () => void = () => undefined;

  /**
   * @param credentials by the names of the variables that hold them
   * @param environment variables to add to this process's own
   */
  constructor(credentials: Readonly<Record<string, Credential>>, environment: Readonly<Record<string, string>> = {}) {
    const pwsh = onPath('pwsh');
    if (pwsh !== null) process.env['DEVICEWRITEBACK_PWSH'] ??= pwsh;
    const [program, ...args] = fileCommandLine(path.join(import.meta.dirname, 'session.ps1'));
    this.name = program === 'dotnet' ? 'the PowerShell engine in the test host' : program;
    this.shell = spawn(program, [...args, END_OF_OUTPUT, ...Object.keys(credentials)], {
      env: { ...process.env, ...POWERSHELL_ENVIRONMENT, COLUMNS: '140', ...environment },
      stdio: 'pipe',
    });
    this.shell.stderr.pipe(process.stderr);
    createInterface({ input: this.shell.stdout }).on('line', (line) => {
      if (line === END_OF_OUTPUT) this.ended();
      else this.output.push(process.stdout.isTTY ? line : stripVTControlCharacters(line));
    });
    for (const { userName, password } of Object.values(credentials)) {
      this.shell.stdin.write(`${userName}\n${password}\n`);
    }
  }

  /** Types a command; gives the lines that it printed. */
  async type(command: string): Promise<readonly string[]> {
    this.output = [];
    const ended = new Promise<void>((resolve, reject) => {
      this.ended = resolve;
      this.shell.once('exit', (code) => reject(new Error(`PowerShell ended with ${code}.`)));
    });
    this.shell.stdin.write(`${command}\n`);
    await ended;
    this.shell.removeAllListeners('exit');
    return this.output;
  }

  async close(): Promise<void> {
    const gone = once(this.shell, 'exit');
    this.shell.stdin.end();
    await gone;
  }
}

function onPath(program: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file)) ?? null;
}
