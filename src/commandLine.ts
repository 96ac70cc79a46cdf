import { parseArgs } from 'node:util';
import { redacted, type Handler } from './protocol/serve.ts';
import type { Method, Outputs, PlanResult, TestResult, WireRun } from './protocol/messages.ts';
import { toWritebackError, WritebackError, type ErrorData } from './errors.ts';
import { createLog } from './log.ts';

/**
 * The engine without PowerShell: node engine.mjs test|plan|sync --configuration FILE. Standard output has one JSON object
 * a line, { kind, … }: checks, changes and results as they come, at the end { kind: "done", … }, or { kind: "error", … }
 * where a run could not be finished or a change failed. What people should read besides goes to standard error, one line
 * for each warning and error.
 */
export const USAGE = `usage: node engine.mjs test|plan|sync --configuration FILE [--full] [--maximum-removal N] [--verbose]`;

/** What a scheduler sees. */
export const EXIT = { done: 0, failed: 1, failedChanges: 2, refused: 3 } as const;

/** Where the command line speaks. */
export interface Terminal {
  /** Resolves when the line has left the process. */
  out(message: object): Promise<void>;
  error(line: string): void;
}

/** Runs one command; resolves with the exit code. */
export async function runCommandLine(
  words: readonly string[],
  handlers: Readonly<Record<Method, Handler>>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  let verbose = false;
  const complain = (text: string): void => terminal.error(text.replaceAll(/\s+/g, ' '));
  const log = createLog(
    (level, message) => complain(`${level}: ${message}`),
    (level) => level === 'warning' || (verbose && level === 'verbose'),
  );
  const say = (kind: string, object: object): Promise<void> => terminal.out({ kind, ...object });
  const told = (error: ErrorData): ErrorData => {
    const clean = redacted(error, log);
    complain(`${clean.code}: ${clean.message} ${clean.remedy}`);
    return clean;
  };
  const outputs: Outputs = {
    emit: say,
    progress: () => undefined,
    error: (error) => void say('error', { error: told(error) }),
  };
  const call = { outputs, log, signal };
  try {
    const request = parse(words);
    const { verb, params } = request;
    ({ verbose } = request);
    if (verb === 'test') {
      const { passed } = (await handlers.test(params, call)) as TestResult;
      await say('done', { passed });
      return passed ? EXIT.done : EXIT.failed;
    }
    // A plan for review is that of a full run, as Get-DeviceWritebackPlan gives it.
    const planParams = verb === 'plan' ? { ...params, full: true } : params;
    const { handle, ...planned } = (await handlers.plan(planParams, call)) as PlanResult;
    if (verb === 'plan') {
      await handlers.release({ handle }, call);
      await say('done', { ...planned, refusal: planned.refusal && told(planned.refusal) });
      return planned.refusal === null ? EXIT.done : EXIT.refused;
    }
    const approval = { handle, digest: planned.digest, declined: [], results: true };
    const run = (await handlers.apply(approval, call)) as WireRun;
    await say('done', { ...run, error: run.error && told(run.error) });
    return exitOf(run);
  } catch (thrown) {
    await say('error', { error: told(toWritebackError(thrown).toJSON()) });
    return EXIT.failed;
  }
}

function exitOf({ outcome, failed }: WireRun): number {
  if (outcome === 'Refused') return EXIT.refused;
  if (outcome === 'Cancelled') return EXIT.failed;
  return failed > 0 ? EXIT.failedChanges : EXIT.done;
}

type Verb = 'test' | 'plan' | 'sync';

interface Request {
  readonly verb: Verb;
  readonly params: Readonly<Record<string, unknown>>;
  readonly verbose: boolean;
}

function parse(words: readonly string[]): Request {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        configuration: { type: 'string' },
        full: { type: 'boolean', default: false },
        'maximum-removal': { type: 'string' },
        verbose: { type: 'boolean', default: false },
      },
    });
    const { configuration, full, 'maximum-removal': maximum, verbose } = values;
    const [verb, ...rest] = positionals;
    if (verb !== 'test' && verb !== 'plan' && verb !== 'sync') throw new Error('it names none of test, plan and sync');
    if (rest.length > 0) throw new Error('it has more than one command');
    if (configuration === undefined || configuration === '') throw new Error('--configuration names no file');
    if (maximum !== undefined && !/^\d{1,9}$/.test(maximum)) throw new Error('--maximum-removal takes a whole number');
    if (verb === 'test' && (full || maximum !== undefined))
      throw new Error('test makes no plan, so it takes no option of one');
    return {
      verb,
      verbose,
      params: {
        configurationPath: configuration,
        ...(full ? { full } : {}),
        ...(maximum === undefined ? {} : { maximumRemoval: Number(maximum) }),
      },
    };
  } catch (thrown) {
    // The words themselves are not shown: somebody may have put a secret among them.
    const [why] = (thrown instanceof Error ? thrown.message : String(thrown)).split(/\. |\.?\n/);
    throw new WritebackError('ParameterInvalid', `The command line cannot be used: ${why}.`, { remedy: USAGE });
  }
}
