import type { Log } from '../log.ts';
import { clocksAgree } from '../plan/policy.ts';
import type { Directory, DirectorySettings, Outside } from '../ports.ts';
import type { Outputs, TestResult } from '../protocol/messages.ts';
import { Checklist, fail, pass } from './checklist.ts';
import { checkDirectory } from './directoryChecks.ts';
import { checkGraph } from './graphChecks.ts';
import { directorySettings, scopeOptions, sourceSettings, type Options } from './options.ts';

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
  const { groups } = scopeOptions(options);
  const list = new Checklist(outputs);
  const reached = await checkGraph(list, () => outside.openSource(source, log), source.tenantId, groups, signal);
  const opened: Directory[] = [];
  const open = async (): Promise<Directory> => {
    const one = await outside.openDirectory(directory, log);
    opened.push(one);
    return one;
  };
  try {
    const bound = await checkDirectory(
      list,
      open,
      source.tenantId,
      options.text('adConnectorAccount'),
      binderOf(directory),
      directory.domainName,
      signal,
    );
    const ground = reached === null || bound === null ? null : { reached, bound };
    await list.check('Clocks', 'Clocks of domain controller and Graph', ground, async (both) => {
      const there = (await both.bound.rootDse(signal)).currentTime;
      const here = both.reached.serverTime();
      const evidence = `${there.toISOString()} and ${here?.toISOString() ?? 'unknown'}.`;
      if (clocksAgree(there, here)) return pass(true, evidence);
      return fail(
        evidence,
        'No object is deleted while they differ by more than an hour: set the clock of the domain.',
      );
    });
  } finally {
    for (const one of opened) await one.close();
  }
  return { passed: list.passed };
}

function binderOf({ bind }: DirectorySettings): string {
  if (bind.kind === 'external') return `the account of ${bind.certificatePath}`;
  return bind.credential?.userName ?? 'the account that runs this command';
}
