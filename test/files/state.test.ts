import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { WritebackError, type ErrorData } from '../../src/errors.ts';
import type { Report } from '../../src/files/report.ts';
import { loadPlan } from '../../src/files/planFile.ts';
import { createRunFiles, defaultStatePath, stateFolder, undoPath } from '../../src/files/state.ts';
import { createLog } from '../../src/log.ts';
import { digest } from '../../src/plan/digest.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import type { PlanExpectation, RunFiles, SavedPlan } from '../../src/ports.ts';
import { change, DOMAIN, ending, header, temporaryFolders, TENANT } from './samples.ts';

const WRITER = fileURLToPath(new URL('./journalWriter.ts', import.meta.url));
const APPLIED = { state: 'applied', why: null, code: null, milliseconds: 3 } as const;

const folderIn = (statePath: string): string => stateFolder({ statePath, tenantId: TENANT, domain: DOMAIN });

const readReport = (path: string): Report => JSON.parse(readFileSync(path, 'utf8')) as Report;

const refusal = (work: () => unknown): WritebackError => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof WritebackError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
};

describe('state', () => {
  const folder = temporaryFolders();
  const children: ChildProcess[] = [];
  const messages: string[] = [];
  const log = createLog((level, message) => messages.push(`${level}: ${message}`));
  beforeEach(() => messages.splice(0));
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const filesIn = (statePath: string): RunFiles =>
    createRunFiles({ statePath, tenantId: TENANT, domain: DOMAIN }, log, { undoPlan });
  /** Starts a run in a process of its own and waits until its journal is open. */
  const startRun = async (statePath: string, runId: string, lines: number): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [WRITER, statePath, runId, String(lines)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  };

  describe('where it lies', () => {
    it('is a folder of its own for each tenant and domain, the same however the domain is written', () => {
      const place = { statePath: '/srv/state', tenantId: TENANT, domain: DOMAIN };
      expect(stateFolder(place)).to.equal(`/srv/state/${TENANT}_${DOMAIN}`);
      expect(stateFolder({ ...place, domain: 'CORP.Contoso.test.' })).to.equal(stateFolder(place));
      expect(stateFolder({ ...place, domain: '../../etc' })).to.match(/^\/srv\/state\/[^/]+$/);
    });

    it('is by default what the platform uses for services', () => {
      expect(defaultStatePath('linux', {})).to.equal('/var/lib/devicewriteback');
      expect(defaultStatePath('win32', { ProgramData: 'D:\\Data' })).to.equal('D:\\Data\\DeviceWriteback');
      expect(defaultStatePath('win32', {})).to.equal('C:\\ProgramData\\DeviceWriteback');
      expect(stateFolder({ statePath: null, tenantId: TENANT, domain: DOMAIN })).to.equal(
        join(defaultStatePath(process.platform, process.env), `${TENANT}_${DOMAIN}`),
      );
    });
  });

  describe('probe', () => {
    it('makes the folders for their owner only and leaves nothing in them', () => {
      const statePath = join(folder(), 'a', 'b');
      filesIn(statePath).probe();
      for (const each of [join(statePath, '..'), statePath, folderIn(statePath)]) {
        expect(statSync(each).mode & 0o777, each).to.equal(0o700);
      }
      expect(readdirSync(folderIn(statePath))).to.deep.equal([]);
      filesIn(statePath).probe();
    });

    it('refuses a path that lies below a file, naming folder, cause and -StatePath', () => {
      const file = join(folder(), 'file');
      writeFileSync(file, '');
      const error = refusal(() => filesIn(join(file, 'state')).probe());
      expect(error.code).to.equal('StateUnwritable');
      expect(error.target).to.equal(folderIn(join(file, 'state')));
      expect(error.message).to.equal(
        `Could not write state in ${error.target}: a part of this path is a file (ENOTDIR).`,
      );
      expect(error.remedy).to.include('-StatePath');
    });

    it('refuses a file system that takes no files', () => {
      const error = refusal(() => filesIn('/proc/devicewriteback').probe());
      expect(error.code).to.equal('StateUnwritable');
      expect(error.message).to.include('/proc/devicewriteback');
    });
  });

  describe('a run', () => {
    it('ends with its report, and its journal is gone', () => {
      const statePath = folder();
      const journal = filesIn(statePath).openJournal(header('r1'));
      journal.append({ kind: 'before', number: 0, change: change(0) });
      journal.append({ kind: 'after', number: 0, result: APPLIED });
      const path = journal.finish(ending());
      expect(path).to.equal(join(folderIn(statePath), 'report-r1.json'));
      expect(readdirSync(folderIn(statePath)).toSorted()).to.deep.equal(['report-r1.json', 'undo-r1.json']);
      expect(readReport(path).changes).to.deep.equal([{ number: 0, change: change(0), result: APPLIED }]);
    });

    it('has its report made from the journal, not from memory', () => {
      const statePath = folder();
      const journal = filesIn(statePath).openJournal(header('r1'));
      journal.append({ kind: 'before', number: 0, change: change(0) });
      const late = {
        kind: 'after',
        number: 0,
        result: { state: 'skipped', why: 'from the file', code: null, milliseconds: 3 },
      };
      appendFileSync(join(folderIn(statePath), 'journal-r1.ndjson'), `${JSON.stringify(late)}\n`);
      expect(readReport(journal.finish(ending())).changes[0]?.result.why).to.equal('from the file');
    });

    it('does not disturb another that works at the same time', () => {
      const files = filesIn(folder());
      const one = files.openJournal(header('r1'));
      const two = files.openJournal(header('r2'));
      for (let number = 0; number < 50; number++) {
        one.append({ kind: 'before', number, change: change(number) });
        two.append({ kind: 'before', number, change: change(1000 + number) });
      }
      expect(files.recover()).to.deep.equal([]);
      const first = readReport(one.finish(ending()));
      const second = readReport(two.finish(ending('failures')));
      expect(first.changes.map((each) => each.change)).to.deep.equal(Array.from({ length: 50 }, (_, i) => change(i)));
      expect(second.changes.map((each) => each.change)).to.deep.equal(
        Array.from({ length: 50 }, (_, i) => change(1000 + i)),
      );
    });

    it('is told StateUnwritable when its folder cannot be made', () => {
      const file = join(folder(), 'file');
      writeFileSync(file, '');
      const error = refusal(() => filesIn(file).openJournal(header('r1')));
      expect(error.code).to.equal('StateUnwritable');
      expect(error.message).to.include('write the journal of run r1');
    });

    it('whose report cannot be written keeps its journal, and the next run makes the report', () => {
      const statePath = folder();
      const files = filesIn(statePath);
      const journal = files.openJournal(header('r1'));
      journal.append({ kind: 'before', number: 0, change: change(0) });
      const report = join(folderIn(statePath), 'report-r1.json');
      mkdirSync(report);
      const error = refusal(() => journal.finish(ending()));
      expect(error.code).to.equal('StateUnwritable');
      expect(error.message).to.include('write the report of run r1');
      expect(readdirSync(folderIn(statePath))).to.have.members(['journal-r1.ndjson', 'report-r1.json', 'undo-r1.json']);
      rmdirSync(report);
      expect(files.recover()).to.deep.equal([report]);
      expect(readReport(report).changes[0]?.change).to.deep.equal(change(0));
      expect(readdirSync(folderIn(statePath)).toSorted()).to.deep.equal(['report-r1.json', 'undo-r1.json']);
    });

    it('that may write no more is told StateUnwritable, and every whole line before it is reported', async () => {
      const statePath = folder();
      // The limit cuts a line in the middle, as a full disk does.
      const child = spawn(
        'bash',
        ['-c', 'ulimit -f 64; exec "$@"', 'bash', process.execPath, WRITER, statePath, 'r1', '1000'],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      children.push(child);
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      await once(child, 'close');
      const error = JSON.parse(output.split('\n')[1] ?? '') as ErrorData;
      expect(error.code).to.equal('StateUnwritable');
      expect(error.message).to.match(/the journal of run r1 in .*\(EFBIG\)/);
      expect(error.remedy).to.include('Make room');
      const journal = readFileSync(join(folderIn(statePath), 'journal-r1.ndjson'), 'utf8');
      expect(journal.endsWith('\n')).to.equal(true);
      const report = readReport(filesIn(statePath).recover()[0] ?? '');
      expect(report.notices).to.deep.equal([]);
      expect(report.changes.length).to.be.greaterThan(50);
      expect(report.changes.length).to.be.lessThan(1000);
    });
  });

  describe('the undo plan', () => {
    const expectation = (plan: SavedPlan): PlanExpectation => ({
      ...plan,
      now: new Date(Date.parse(plan.made) + 1000),
      maximumAgeHours: 24,
    });
    const readUndo = (statePath: string, runId: string): SavedPlan => {
      const path = undoPath(folderIn(statePath), runId);
      return loadPlan(path, expectation(JSON.parse(readFileSync(path, 'utf8')) as SavedPlan), digest);
    };

    it('lies beside the report and is a plan file like any', () => {
      const statePath = folder();
      const journal = filesIn(statePath).openJournal(header('r1'));
      journal.append({ kind: 'before', number: 0, change: change(0) }, { kind: 'after', number: 0, result: APPLIED });
      journal.append({ kind: 'before', number: 1, change: change(1) });
      journal.finish(ending());
      const plan = readUndo(statePath, 'r1');
      const { server, containerGuid, tenantId, container } = header('r1');
      expect(plan).to.deep.include({ made: ending().ended, server, containerGuid, tenantId, container });
      expect(plan.changes.map(({ action, deviceId }) => [action, deviceId])).to.deep.equal([
        ['delete', change(0).deviceId],
      ]);
      expect(plan.held.map(({ reason, deviceId }) => [reason, deviceId])).to.deep.equal([
        ['OutcomeUnknown', change(1).deviceId],
      ]);
      expect(plan.notices[0]).to.include('run r1');
    });

    it('is in parts where the run began very many changes, each a plan of its own', () => {
      const statePath = folder();
      const place = { statePath, tenantId: TENANT, domain: DOMAIN };
      const journal = createRunFiles(place, log, { undoPlan, changesOfUndo: 2, keepReports: 1 }).openJournal(
        header('r1'),
      );
      for (const number of [0, 1, 2, 3, 4]) {
        journal.append({ kind: 'before', number, change: change(number) }, { kind: 'after', number, result: APPLIED });
      }
      journal.finish(ending());
      const parts = [1, 2, 3].map((part) => {
        const path = undoPath(folderIn(statePath), 'r1', part);
        return loadPlan(path, expectation(JSON.parse(readFileSync(path, 'utf8')) as SavedPlan), digest);
      });
      expect(parts.map(({ changes }) => changes.map(({ deviceId }) => deviceId))).to.deep.equal([
        [change(0).deviceId, change(1).deviceId],
        [change(2).deviceId, change(3).deviceId],
        [change(4).deviceId],
      ]);
      expect(parts.map(({ notices }) => notices[1])).to.deep.equal([1, 2, 3].map((part) => `It is part ${part} of 3.`));
      expect(readdirSync(folderIn(statePath))).to.have.length(4);
      createRunFiles(place, log, { undoPlan, keepReports: 1 }).openJournal(header('r2')).finish(ending());
      expect(readdirSync(folderIn(statePath))).to.deep.equal(['report-r2.json']);
    });

    it('is none where the run began no change', () => {
      const statePath = folder();
      filesIn(statePath).openJournal(header('r1')).finish(ending());
      expect(readdirSync(folderIn(statePath))).to.deep.equal(['report-r1.json']);
    });

    it('is made for a run that was killed too', async () => {
      const statePath = folder();
      const child = await startRun(statePath, 'r1', 10_000_000);
      const journal = join(folderIn(statePath), 'journal-r1.ndjson');
      while (statSync(journal).size < 50_000) await new Promise((done) => setTimeout(done, 2));
      child.kill('SIGKILL');
      await once(child, 'close');
      const [path = ''] = filesIn(statePath).recover();
      const report = readReport(path);
      const plan = readUndo(statePath, 'r1');
      expect(plan.changes).to.have.length(report.counts.created);
      expect(plan.held).to.have.length(report.counts.unknown);
      expect(plan.made).to.equal(report.ended);
    });

    it('that cannot be written keeps the journal, and the next run makes it and the report', () => {
      const statePath = folder();
      const files = filesIn(statePath);
      const journal = files.openJournal(header('r1'));
      journal.append({ kind: 'before', number: 0, change: change(0) });
      const path = undoPath(folderIn(statePath), 'r1');
      mkdirSync(path);
      expect(refusal(() => journal.finish(ending())).code).to.equal('StateUnwritable');
      expect(readdirSync(folderIn(statePath))).to.have.members(['journal-r1.ndjson', 'undo-r1.json']);
      rmdirSync(path);
      expect(files.recover()).to.have.length(1);
      expect(readUndo(statePath, 'r1').held).to.have.length(1);
    });
  });

  describe('reports of many runs', () => {
    it('are kept for as many runs as was asked, the latest ones with their undo plans', () => {
      const statePath = folder();
      const place = { statePath, tenantId: TENANT, domain: DOMAIN };
      const files = createRunFiles(place, log, { undoPlan, keepReports: 2 });
      for (const runId of ['r1', 'r2', 'r3', 'r4']) {
        const journal = files.openJournal(header(runId));
        journal.append({ kind: 'before', number: 0, change: change(0) });
        journal.finish(ending());
      }
      expect(readdirSync(folderIn(statePath))).to.have.members([
        'report-r3.json',
        'report-r4.json',
        'undo-r3.json',
        'undo-r4.json',
      ]);
    });

    it('that cannot be removed make a warning and no failed run', () => {
      const statePath = folder();
      const place = { statePath, tenantId: TENANT, domain: DOMAIN };
      const files = createRunFiles(place, log, { undoPlan, keepReports: 1 });
      files.probe();
      mkdirSync(join(folderIn(statePath), 'report-r0.json', 'inner'), { recursive: true });
      expect(existsSync(files.openJournal(header('r1')).finish(ending()))).to.equal(true);
      expect(messages).to.have.length(1);
      expect(messages[0]).to.match(/^warning: Could not remove old reports in /);
    });
  });

  describe('the lock', () => {
    it('keeps a second run of the tenant and domain out, and no other', () => {
      const statePath = folder();
      const lock = filesIn(statePath).lock();
      const error = refusal(() => filesIn(statePath).lock());
      expect(error.code).to.equal('RunInProgress');
      const elsewhere = createRunFiles({ statePath, tenantId: TENANT, domain: 'other.test' }, log, { undoPlan });
      elsewhere.lock().release();
      lock.release();
      filesIn(statePath).lock().release();
    });

    it('is told StateUnwritable where no file can be made', () => {
      const file = join(folder(), 'file');
      writeFileSync(file, '');
      const error = refusal(() => filesIn(file).lock());
      expect(error.code).to.equal('StateUnwritable');
      expect(error.message).to.include('keep other runs out');
    });
  });

  describe('recover', () => {
    it('has nothing to do where nothing is', () => {
      expect(filesIn(join(folder(), 'none')).recover()).to.deep.equal([]);
    });

    it('makes the report of a run that was killed in the middle of writing', async () => {
      const statePath = folder();
      const child = await startRun(statePath, 'r1', 10_000_000);
      const journal = join(folderIn(statePath), 'journal-r1.ndjson');
      while (statSync(journal).size < 200_000) await new Promise((done) => setTimeout(done, 2));
      child.kill('SIGKILL');
      await once(child, 'close');
      const lastWritten = statSync(journal).mtime.toISOString();
      const lines = readFileSync(journal, 'utf8').split('\n');
      const [path = ''] = filesIn(statePath).recover();
      expect(readdirSync(folderIn(statePath)).toSorted()).to.deep.equal(['report-r1.json', 'undo-r1.json']);
      const report = readReport(path);
      expect(report).to.include({
        runId: 'r1',
        outcome: 'interrupted',
        ended: lastWritten,
        graphRequests: null,
        directoryRequests: null,
        error: null,
      });
      expect(report.changes).to.have.length(Math.ceil((lines.length - 1) / 2));
      expect(report.changes.every((each, number) => each.change?.sentence === change(number).sentence)).to.equal(true);
      expect(filesIn(statePath).recover()).to.deep.equal([]);
    });

    it('tells the half line that a killed run left and says unknown of the change that it had begun', async () => {
      const statePath = folder();
      const child = await startRun(statePath, 'r1', 10_000_000);
      child.kill('SIGKILL');
      await once(child, 'close');
      const journal = join(folderIn(statePath), 'journal-r1.ndjson');
      const [first] = readFileSync(journal, 'utf8').split('\n');
      const before = JSON.stringify({ kind: 'before', number: 0, change: change(0) });
      writeFileSync(journal, `${first}\n${before}\n{"kind":"after","number":0,"res`);
      const report = readReport(filesIn(statePath).recover()[0] ?? '');
      expect(report.notices).to.deep.equal([
        'The journal ends in the middle of line 3: the process was ended while it wrote it.',
      ]);
      expect(report.changes.map((each) => [each.change, each.result.state])).to.deep.equal([[change(0), 'unknown']]);
      expect(report.counts.unknown).to.equal(1);
    });

    it('leaves the journal of a run that lives in another process', async () => {
      const statePath = folder();
      const child = await startRun(statePath, 'r1', 10_000_000);
      expect(filesIn(statePath).recover()).to.deep.equal([]);
      expect(existsSync(join(folderIn(statePath), 'journal-r1.ndjson'))).to.equal(true);
      child.kill('SIGKILL');
      await once(child, 'close');
      expect(filesIn(statePath).recover()).to.have.length(1);
    });

    it('keeps the report that a run made before it was killed, and removes its journal only', () => {
      const statePath = folder();
      const journal = filesIn(statePath).openJournal(header('r1'));
      const path = join(folderIn(statePath), 'journal-r1.ndjson');
      copyFileSync(path, `${path}.copy`);
      const report = journal.finish(ending());
      copyFileSync(`${path}.copy`, path);
      expect(filesIn(statePath).recover()).to.deep.equal([]);
      expect(readReport(report).outcome).to.equal('completed');
      expect(existsSync(path)).to.equal(false);
    });

    it('sets a journal without header aside, warns, and goes on with the others', () => {
      const statePath = folder();
      const files = filesIn(statePath);
      files.probe();
      writeFileSync(join(folderIn(statePath), 'journal-r1.ndjson'), '\0\0\0');
      expect(files.recover()).to.deep.equal([]);
      expect(readdirSync(folderIn(statePath))).to.deep.equal(['journal-r1.ndjson.damaged']);
      expect(messages).to.have.length(1);
      expect(messages[0]).to.match(/^warning: Could not read the journal .*journal-r1\.ndjson\.damaged\.$/);
    });

    it('removes temporary files that a killed process left, and not those of a living one', () => {
      const statePath = folder();
      const files = filesIn(statePath);
      files.probe();
      const [old, young] = [join(folderIn(statePath), 'a.tmp'), join(folderIn(statePath), 'b.tmp')];
      writeFileSync(old, '');
      writeFileSync(young, '');
      const twoHoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
      utimesSync(old, twoHoursAgo, twoHoursAgo);
      files.recover();
      expect(readdirSync(folderIn(statePath))).to.deep.equal(['b.tmp']);
    });
  });
});
