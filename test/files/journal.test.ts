import { closeSync, openSync, readFileSync, statSync, utimesSync, writeFileSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import {
  createJournal,
  hasLivingRun,
  isJournal,
  journalPath,
  readChanges,
  readJournal,
  type JournalContent,
} from '../../src/files/journal.ts';
import { ownIdentity, SILENCE } from '../../src/files/processIdentity.ts';
import { change, header, temporaryFolders } from './samples.ts';

const APPLIED = { state: 'applied', why: null, code: null, milliseconds: 3 } as const;

const reading = <T>(path: string, read: (fd: number) => T): T => {
  const fd = openSync(path, 'r');
  try {
    return read(fd);
  } finally {
    closeSync(fd);
  }
};

const contentOf = (path: string): JournalContent => reading(path, (fd) => readJournal(fd, path));

describe('journal', () => {
  const folder = temporaryFolders();

  const journalOf = (process: unknown, base = folder()): string => {
    const path = journalPath(base, 'r1');
    writeFileSync(path, `${JSON.stringify({ kind: 'run', formatVersion: 1, process, run: header('r1') })}\n`);
    return path;
  };

  it('has its header in the file as soon as there is a file, for its owner only', () => {
    const journal = createJournal(folder(), header('r1'));
    expect(contentOf(journal.path)).to.deep.equal({ header: header('r1'), entries: [], notices: [] });
    expect(statSync(journal.path).mode & 0o777).to.equal(0o600);
    expect(isJournal(journal.path.slice(journal.path.lastIndexOf('/') + 1))).to.equal(true);
    journal.close();
  });

  it('has each line in the file when append returns', () => {
    const journal = createJournal(folder(), header('r1'));
    journal.append({ kind: 'before', number: 0, change: change(0) });
    expect(readFileSync(journal.path, 'utf8').split('\n')).to.have.length(3);
    journal.append({ kind: 'after', number: 0, result: APPLIED });
    expect(readFileSync(journal.path, 'utf8').split('\n')).to.have.length(4);
    journal.close();
  });

  it('writes several lines at once, in their order, all there when append returns', () => {
    const journal = createJournal(folder(), header('r1'));
    journal.append({ kind: 'before', number: 0, change: change(0) });
    journal.append({ kind: 'after', number: 0, result: APPLIED }, { kind: 'before', number: 1, change: change(1) });
    journal.append();
    const { entries, notices } = readJournal(journal.fd, journal.path);
    expect(notices).to.deep.equal([]);
    expect(entries.map(({ number, action, result }) => [number, action, result?.state ?? null])).to.deep.equal([
      [0, 'create', 'applied'],
      [1, 'create', null],
    ]);
    expect(() =>
      journal.append({ kind: 'after', number: 1, result: APPLIED }, { kind: 'run', run: header('r1') }),
    ).to.throw('header');
    expect(readFileSync(journal.path, 'utf8').trimEnd().split('\n')).to.have.length(4);
    journal.close();
  });

  it('joins changes and results by number, whatever their order', () => {
    const journal = createJournal(folder(), header('r1'));
    journal.append({ kind: 'before', number: 2, change: change(2, 'disable') });
    journal.append({ kind: 'before', number: 0, change: change(0, 'update') });
    journal.append({ kind: 'after', number: 0, result: APPLIED });
    journal.append({ kind: 'after', number: 7, result: { state: 'cancelled', why: 'x', code: null, milliseconds: 3 } });
    const { entries } = readJournal(journal.fd, journal.path);
    expect(entries.map(({ number, action, result }) => [number, action, result?.state ?? null])).to.deep.equal([
      [0, 'update', 'applied'],
      [2, 'disable', null],
      [7, null, 'cancelled'],
    ]);
    expect(Array.from(readChanges(journal.fd, entries), ([, each]) => each)).to.deep.equal([
      change(0, 'update'),
      change(2, 'disable'),
      null,
    ]);
    journal.close();
  });

  it('reads on over a damaged line and tells a half last line', () => {
    const journal = createJournal(folder(), header('r1'));
    journal.append({ kind: 'before', number: 0, change: change(0) });
    journal.close();
    appendFileSync(
      journal.path,
      '\0\0\0\n{"kind":"after","number":0,"result":{"state":"applied","why":null,"code":null,"milliseconds":3}}\n',
    );
    appendFileSync(journal.path, '{"kind":"before","number":1,"cha');
    const content = contentOf(journal.path);
    expect(content.entries.map(({ number, result }) => [number, result])).to.deep.equal([[0, APPLIED]]);
    expect(content.notices).to.deep.equal([
      'Line 3 of the journal could not be read.',
      'The journal ends in the middle of line 5: the process was ended while it wrote it.',
    ]);
  });

  it('cannot be read without its header', () => {
    const path = join(folder(), 'journal-r1.ndjson');
    for (const content of ['', '{"kind":"run"', `${JSON.stringify({ kind: 'after', number: 0, result: APPLIED })}\n`]) {
      writeFileSync(path, content);
      expect(() => contentOf(path))
        .to.throw(WritebackError, 'not a header')
        .with.property('code', 'StateInvalid');
    }
  });

  it('takes no second header, no line after its end, and no run id twice', () => {
    const base = folder();
    const journal = createJournal(base, header('r1'));
    expect(() => journal.append({ kind: 'run', run: header('r1') })).to.throw('header');
    expect(() => createJournal(base, header('r1'))).to.throw('used twice');
    journal.close();
    journal.close();
    expect(() => journal.append({ kind: 'after', number: 0, result: APPLIED })).to.throw('closed');
  });

  it('belongs to a living run while this process has it open, and no longer', () => {
    const journal = createJournal(folder(), header('r1'));
    expect(hasLivingRun(journal.path, new Date())).to.equal(true);
    journal.close();
    expect(hasLivingRun(journal.path, new Date())).to.equal(false);
  });

  it('belongs to no living run when its process is gone, its file is gone, or its header is damaged', () => {
    expect(hasLivingRun(journalOf({ ...ownIdentity(), started: '1' }), new Date())).to.equal(false);
    expect(hasLivingRun(journalPath(folder(), 'none'), new Date())).to.equal(false);
    expect(hasLivingRun(journalOf(null), new Date())).to.equal(false);
  });

  it('of another host belongs to a living run until it was silent for an hour', () => {
    const path = journalOf({ ...ownIdentity(), host: 'another' });
    expect(hasLivingRun(path, new Date())).to.equal(true);
    const old = new Date(Date.now() - SILENCE - 1000);
    utimesSync(path, old, old);
    expect(hasLivingRun(path, new Date())).to.equal(false);
  });
});
