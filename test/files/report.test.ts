import { readdirSync, readFileSync, statSync } from 'node:fs';
import { expect } from 'chai';
import { createJournal, type OpenJournal } from '../../src/files/journal.ts';
import { hasReport, reportPath, type Report, type ReportEnding } from '../../src/files/report.ts';
import type { Action } from '../../src/plan/change.ts';
import { change, ending, header, reportTo, temporaryFolders } from './samples.ts';

const reportOf = (base: string, journal: OpenJournal, end: ReportEnding = ending()): Report => {
  const path = reportTo(base, journal, end);
  return JSON.parse(readFileSync(path, 'utf8')) as Report;
};

describe('report', () => {
  const folder = temporaryFolders();
  const open: OpenJournal[] = [];
  afterEach(() => {
    for (const journal of open.splice(0)) journal.close();
  });

  const started = (base: string): OpenJournal => {
    const journal = createJournal(base, header('20261122T142312Z-0a1b'));
    open.push(journal);
    return journal;
  };
  it('holds header, ending, changes with old values and results, and what was held', () => {
    const base = folder();
    const journal = started(base);
    journal.append({ kind: 'before', number: 0, change: change(0) });
    journal.append({ kind: 'after', number: 0, result: { state: 'applied', why: null, code: null, milliseconds: 3 } });
    const error = {
      code: 'Cancelled',
      category: 'OperationStopped',
      message: 'm',
      target: null,
      remedy: 'r',
      detail: null,
      retryable: false,
    } as const;
    const report = reportOf(base, journal, { ...ending('cancelled'), cancelled: 4, error });
    const { counts, ...rest } = report;
    expect(rest).to.deep.equal({
      formatVersion: 1,
      ...header('20261122T142312Z-0a1b'),
      ended: '2026-11-22T14:25:00.000Z',
      outcome: 'cancelled',
      graphRequests: 7,
      directoryRequests: 5,
      error,
      notices: [],
      changes: [{ number: 0, change: change(0), result: { state: 'applied', why: null, code: null, milliseconds: 3 } }],
    });
    expect(counts).to.include({ created: 1, cancelled: 4 });
  });

  it('counts applied changes by action and the others by state', () => {
    const base = folder();
    const journal = started(base);
    const actions: Action[] = ['disable', 'update', 'update', 'enable', 'create', 'create', 'create', 'delete'];
    for (const [number, action] of actions.entries()) {
      journal.append({ kind: 'before', number, change: change(number, action) });
      journal.append({ kind: 'after', number, result: { state: 'applied', why: null, code: null, milliseconds: 3 } });
    }
    for (const [index, state] of (['failed', 'skipped', 'skipped', 'cancelled'] as const).entries()) {
      journal.append({ kind: 'before', number: 20 + index, change: change(20 + index) });
      journal.append({ kind: 'after', number: 20 + index, result: { state, why: 'w', code: null, milliseconds: 3 } });
    }
    journal.append({ kind: 'before', number: 30, change: change(30, 'delete') });
    expect(reportOf(base, journal).counts).to.deep.equal({
      created: 3,
      updated: 2,
      disabled: 1,
      enabled: 1,
      deleted: 1,
      failed: 1,
      skipped: 2,
      cancelled: 1,
      unknown: 1,
    });
  });

  it('says unknown of a change without result, and has no change where only a result was noted', () => {
    const base = folder();
    const journal = started(base);
    journal.append({ kind: 'before', number: 1, change: change(1) });
    journal.append({
      kind: 'after',
      number: 0,
      result: { state: 'cancelled', why: 'stopped', code: null, milliseconds: 3 },
    });
    const [first, second] = reportOf(base, journal).changes;
    expect(first).to.deep.equal({
      number: 0,
      change: null,
      result: { state: 'cancelled', why: 'stopped', code: null, milliseconds: 3 },
    });
    expect(second?.change).to.deep.equal(change(1));
    expect(second?.result.state).to.equal('unknown');
    expect(second?.result.why).to.include('next run');
  });

  it('is JSON also without held differences and changes, one change a line otherwise', () => {
    const base = folder();
    const empty = createJournal(base, { ...header('empty'), held: [] });
    open.push(empty);
    expect(reportOf(base, empty)).to.deep.include({ held: [], changes: [] });
    const journal = started(base);
    for (let number = 0; number < 3; number++) journal.append({ kind: 'before', number, change: change(number) });
    reportOf(base, journal);
    const text = readFileSync(reportPath(base, '20261122T142312Z-0a1b'), 'utf8');
    expect(text.split('\n').filter((line) => line.startsWith('    {"number":'))).to.have.length(3);
  });

  it('is written whole under its name, for its owner only', () => {
    const base = folder();
    const journal = started(base);
    expect(hasReport(base, '20261122T142312Z-0a1b')).to.equal(false);
    reportOf(base, journal);
    expect(hasReport(base, '20261122T142312Z-0a1b')).to.equal(true);
    expect(readdirSync(base).sort()).to.deep.equal([
      'journal-20261122T142312Z-0a1b.ndjson',
      'report-20261122T142312Z-0a1b.json',
    ]);
    expect(statSync(reportPath(base, '20261122T142312Z-0a1b')).mode & 0o777).to.equal(0o600);
  });

  it('of 20,000 changes has every one in order', () => {
    const base = folder();
    const journal = started(base);
    for (let number = 19_999; number >= 0; number--) journal.append({ kind: 'before', number, change: change(number) });
    const { changes } = reportOf(base, journal);
    expect(changes).to.have.length(20_000);
    expect(
      changes.every((each, index) => each.number === index && each.change?.displayName === `Gerät ${index} 💻`),
    ).to.equal(true);
  });
});
