import type { Log } from '../log.ts';
import type { Outside } from '../ports.ts';
import type { Outputs, TestResult } from '../protocol/messages.ts';
import { Checklist, fail, pass } from './checklist.ts';
import { checkDirectory } from './directoryChecks.ts';
import { checkGraph } from './graphChecks.ts';
import { directorySettings, sourceSettings, type Options } from './options.ts';

const HOUR = 60 * 60 * 1000;

/** Every check against the live systems, nothing cached, nothing written. */
export async function testPrerequisites(
  options: Options,
  outside: Outside,
  log: Log,
  outputs: Outputs,
  signal: AbortSignal,
): Promise<TestResult> {
  const source = sourceSettings(options, log);
  const directory = directorySettings(options);
  const list = new Checklist(outputs);
  const reached = await checkGraph(list, () => outside.openSource(source, log), source.tenantId, signal);
  const open = await outside.openDirectory(directory, log);
  try {
    const bound = await checkDirectory(list, () => open, source.tenantId, options.text('adConnectorAccount'), signal);
    const ground = reached === null || bound === null ? null : { reached, bound };
    await list.check('Clocks', 'Clocks of domain controller and Graph', ground, async (both) => {
      const there = (await both.bound.rootDse(signal)).currentTime;
      const here = both.reached.serverTime();
      const evidence = `${there.toISOString()} and ${here?.toISOString() ?? 'unknown'}.`;
      if (here !== null && Math.abs(there.getTime() - here.getTime()) <= HOUR) return pass(true, evidence);
      return fail(
        evidence,
        'No object is deleted while they differ by more than an hour: set the clock of the domain.',
      );
    });
  } finally {
    await open.close();
  }
  return { passed: list.passed };
}
