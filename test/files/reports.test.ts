import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createJournal } from '../../src/files/journal.ts';
import { readReportHeads, removeOldReports } from '../../src/files/reports.ts';
import { change, ending, header, reportTo, temporaryFolders } from './samples.ts';

describe('reports', () => {
  const folder = temporaryFolders();
  const report = (base: string, runId: string, changes = 0): void => {
    const journal = createJournal(base, header(runId));
    for (let number = 0; number < changes; number += 1)
      journal.append({ kind: 'before', number, change: change(number) });
    reportTo(base, journal, ending());
    journal.close();
  };
  const filled = (...names: string[]): string => {
    const base = folder();
    for (const name of names) writeFileSync(join(base, name), '');
    return base;
  };

  it('keeps report and undo plan of the latest runs and every other file', () => {
    const base = filled('report-1.json', 'undo-1.json', 'report-2.json', 'undo-3.json', 'report-4.json', 'undo-4.json');
    for (const name of ['hints.json', 'lock-1-a.json', 'report-0.txt']) writeFileSync(join(base, name), '');
    removeOldReports(base, 2);
    expect(readdirSync(base).toSorted()).to.deep.equal([
      'hints.json',
      'lock-1-a.json',
      'report-0.txt',
      'report-4.json',
      'undo-3.json',
      'undo-4.json',
    ]);
  });

  it('removes nothing while there are no more than are kept', () => {
    const base = filled('report-1.json', 'report-2.json');
    removeOldReports(base, 2);
    removeOldReports(base, 100);
    expect(readdirSync(base)).to.have.length(2);
  });

  it('leaves what belongs to a run that is still at work', () => {
    const base = filled('report-1.json', 'undo-1.json', 'journal-1.ndjson', 'report-2.json', 'report-3.json');
    removeOldReports(base, 1);
    expect(readdirSync(base).toSorted()).to.deep.equal([
      'journal-1.ndjson',
      'report-1.json',
      'report-3.json',
      'undo-1.json',
    ]);
  });

  it('reads the heads of the latest reports, oldest first, without their lists', () => {
    const base = folder();
    for (const runId of ['r1', 'r2', 'r3']) report(base, runId, 3);
    const heads = readReportHeads(base, 2);
    expect(heads.map(({ runId, counts }) => [runId, counts.unknown])).to.deep.equal([
      ['r2', 3],
      ['r3', 3],
    ]);
    expect(Object.keys(heads[0] ?? {})).not.to.include.members(['held', 'changes']);
  });

  it('passes over what is no report', () => {
    const base = folder();
    report(base, 'r1');
    writeFileSync(join(base, 'report-r2.json'), '{"formatVersion": 1');
    writeFileSync(join(base, 'report-r3.json'), '{\n  "a": ,\n  "held": []}');
    writeFileSync(join(base, 'report-r4.json'), '{\n  "formatVersion": 2,\n  "held": []}');
    expect(readReportHeads(base, 100).map(({ runId }) => runId)).to.deep.equal(['r1']);
  });
});
