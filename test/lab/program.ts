import { spawn } from 'node:child_process';

/** A program that ended with another exit code than 0, with what it wrote. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  readonly exitCode: number | null;
  /** What the program wrote to its standard error. */
  readonly errorText: string;

  constructor(program: string, exitCode: number | null, output: string, errorText: string) {
    const words = (errorText.trim() || output.trim()).slice(-4000);
    super(`${program} ended with exit code ${exitCode ?? 'none (killed)'}: ${words}`);
    this.exitCode = exitCode;
    this.errorText = errorText;
  }
}

export interface ProgramOptions {
  /** Written to the program's standard input. */
  readonly input?: string;
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The working folder; default that of this process. */
  readonly folder?: string;
}

/**
 * Runs a program to its end and gives what it wrote to standard output.
 *
 * @throws {ProgramError} when its exit code is not 0; {Error} when there is no such program
 */
export function runProgram(
  program: string,
  parameters: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { cwd: options.folder, env: { ...process.env, ...options.environment } });
    const output: Buffer[] = [];
    const errorOutput: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errorOutput.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      const cause = { cause: error };
      if (error.code !== 'ENOENT') reject(error);
      else reject(new Error(`The lab needs the program ${program}, which is not on PATH: run npm run setup.`, cause));
    });
    // A program that ends before it has read all its input says why by its exit code, not by the broken pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('close', (exitCode) => {
      const text = Buffer.concat(output).toString('utf8');
      if (exitCode === 0) resolve(text);
      else reject(new ProgramError(program, exitCode, text, Buffer.concat(errorOutput).toString('utf8')));
    });
  });
}
