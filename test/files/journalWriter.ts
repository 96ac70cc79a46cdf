/**
 * A run of its own process for the tests: journalWriter.ts STATEPATH RUNID LINES. It says "ready" when the journal is
 * open, notes changes until it is killed or has noted so many, and prints the code of the error that ends it.
 */
import { createLog } from '../../src/log.ts';
import { toWritebackError } from '../../src/errors.ts';
import { createRunFiles } from '../../src/files/state.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import { change, DOMAIN, ending, header, TENANT } from './samples.ts';

const [statePath = '', runId = '', lines = '0'] = process.argv.slice(2);
const log = createLog((level, message) => process.stderr.write(`${level}: ${message}\n`));
const files = createRunFiles({ statePath, tenantId: TENANT, domain: DOMAIN }, log, { undoPlan });
try {
  const journal = files.openJournal(header(runId));
  process.stdout.write('ready\n');
  journal.append({ kind: 'before', number: 0, change: change(0) });
  for (let number = 0; number < Number(lines); number++) {
    journal.append(
      { kind: 'after', number, result: { state: 'applied', why: null, code: null, milliseconds: 3 } },
      { kind: 'before', number: number + 1, change: change(number + 1) },
    );
  }
  process.stdout.write(`${journal.finish(ending())}\n`);
} catch (thrown) {
  process.stdout.write(`${JSON.stringify(toWritebackError(thrown))}\n`);
}
