import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import { createJournal } from '../../src/files/journal.ts';
import { reportPath, type ReportEnding } from '../../src/files/report.ts';
import { writeReportPage } from '../../src/files/reportPage.ts';
import type { Change } from '../../src/plan/change.ts';
import type { ChangeResult, RunHeader } from '../../src/ports.ts';
import { runProgram } from '../lab/program.ts';
import { change, ending, header, reportTo, temporaryFolders } from './samples.ts';

const APPLIED: ChangeResult = { state: 'applied', why: null, code: null, milliseconds: 3 };
const FAILED: ChangeResult = {
  state: 'failed',
  why: 'Creating CN=x: the name is taken by an object that is no device object. Move it away.',
  code: 'ChangeFailed',
  milliseconds: 3,
};

const EVIL = `<img src=x onerror="document.title='owned'">\u202e`;

const caught = (work: () => unknown): WritebackError => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof WritebackError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
};

describe('reportPage', () => {
  const folder = temporaryFolders();

  const run = (
    base: string,
    runId: string,
    changes: readonly (readonly [Change, ChangeResult | null])[],
    parts: Partial<RunHeader> = {},
    end: ReportEnding = ending(),
  ): string => {
    const journal = createJournal(base, { ...header(runId), ...parts });
    for (const [number, [each, result]] of changes.entries()) {
      journal.append({ kind: 'before', number, change: each });
      if (result !== null) journal.append({ kind: 'after', number, result });
    }
    const path = reportTo(base, journal, end);
    journal.close();
    return path;
  };
  const pageOf = (report: string): string => {
    const page = `${report}.html`;
    writeReportPage(report, page);
    return page;
  };
  /** What a browser makes of a page, and what it complains of. */
  const browsed = async (page: string): Promise<string> => {
    const profile = mkdtempSync(join(tmpdir(), 'devicewriteback-browser-'));
    try {
      const options = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
      ];
      return await runProgram('chromium', [
        ...options,
        `--user-data-dir=${profile}`,
        `--screenshot=${page}.png`,
        '--window-size=1000,1400',
        '--dump-dom',
        pathToFileURL(page).href,
      ]);
    } finally {
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  };
  /** The text that people see, without what is in the title and the style sheet. */
  const seen = (dom: string): string =>
    dom
      .slice(dom.indexOf('<main>'))
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&')
      .replaceAll(/\s+/g, ' ');

  describe('in a browser', () => {
    let dom = '';
    let text = '';
    let page = '';

    before(async function () {
      this.timeout(60_000);
      const base = mkdtempSync(join(tmpdir(), 'devicewriteback-page-'));
      run(
        base,
        'r1',
        Array.from({ length: 30 }, (_, number) => [change(number), APPLIED]),
      );
      run(base, 'r2', [[change(1), FAILED]], {}, ending('failures'));
      const disabled: Change = {
        ...change(2, 'disable'),
        displayName: EVIL,
        warnings: ['TransportKeyStale'],
        attributes: [
          { attribute: 'msDS-IsEnabled', before: ['TRUE'], after: ['FALSE'] },
          { attribute: 'msDS-CloudAnchor', before: [], after: ['9dc249e08f8c1640b95998f3fccd668c'] },
        ],
      };
      const report = run(
        base,
        'r3',
        [
          [disabled, APPLIED],
          [change(3), FAILED],
          [change(4), null],
        ],
        { reading: { kind: 'full', why: EVIL, milliseconds: 0 } },
        ending('failures'),
      );
      page = pageOf(report);
      dom = await browsed(page);
      text = seen(dom);
      writeFileSync(`${page}.dom`, dom);
    });

    after(() => rmSync(join(page, '..'), { recursive: true, force: true }));

    it('says the outcome first, then counts, what is held, changes, past runs and the run', () => {
      expect(dom).to.include('<title>Completed with failures: DeviceWriteback run r3</title>');
      const order = [
        'Completed with failures',
        '1 disabled, 1 failed, 1 unknown.',
        '1 failed',
        'Held (1)',
        'Changes (3)',
      ];
      const places = [...order, 'The last 3 runs', 'The run run r3'].map((words) => text.indexOf(words));
      expect(places).to.deep.equal(places.toSorted((a, b) => a - b));
      expect(places[0]).to.be.at.least(0);
    });

    it('shows what went wrong before what went well, with its reason', () => {
      const places = [FAILED.why ?? '', 'The run ended before it noted a result', 'TransportKeyStale'].map((words) =>
        text.indexOf(words),
      );
      expect(places).to.deep.equal(places.toSorted((a, b) => a - b));
      expect(places[0]).to.be.above(0);
    });

    it('shows values as people read them, old and new', () => {
      expect(text).to.include('msDS-IsEnabled TRUE → FALSE');
      expect(text).to.include('msDS-CloudAnchor none → e049c29d-8c8f-4016-b959-98f3fccd668c');
    });

    it('draws the counts of past runs and says them as a table too', () => {
      expect(dom.match(/<g><title>/g)).to.have.length(3);
      expect(dom).to.include('completed: 30 created');
      expect(dom.match(/<rect [^>]*class="created"/g)).to.have.length(1);
      expect(dom.match(/<circle /g)).to.have.length(1);
      expect(text).to.include('Completed 30 created.');
    });

    it('takes no text from outside for a part of the page', () => {
      expect(text).to.include(`<img src=x onerror=`).and.include('\\u202e');
      expect(dom).not.to.match(/<(?:img|script|iframe|link)\b/i);
      expect(dom).not.to.include('owned</title>');
    });

    it('needs no other file, no script and no network', () => {
      const source = readFileSync(page, 'utf8');
      expect(source).not.to.match(/<script|\bsrc="|\bhref=|url\(|@import/i);
      expect(source).to.include("default-src 'none'");
    });

    it('is drawn whole', () => {
      const picture = readFileSync(`${page}.png`);
      expect(picture.toString('latin1', 1, 4)).to.equal('PNG');
      expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).to.deep.equal([1000, 1400]);
      // A blank picture of this size is a few thousand bytes.
      expect(picture.length).to.be.above(30_000);
    });
  });

  it('tells error and remedy of a run that was refused, once', () => {
    const refusal = { code: 'RemovalThreshold', sentence: 'The plan removes 9 of 9.', remedy: 'Look for it.' } as const;
    const error = {
      code: refusal.code,
      category: 'LimitsExceeded',
      message: refusal.sentence,
      target: null,
      remedy: refusal.remedy,
      detail: 'more',
      retryable: false,
    };
    const report = run(folder(), 'r1', [], { refusal, held: [] }, { ...ending('refused'), error });
    const text = seen(readFileSync(pageOf(report), 'utf8'));
    expect(text.match(/The plan removes 9 of 9\./g)).to.have.length(1);
    expect(text).to.include('Refused Nothing was written.').and.include('What to do: Look for it.').and.include('more');
    expect(text).to.include('Nothing was held.').and.include('None was begun.');
  });

  it('says of a killed run that it was killed, and what is wrong with its journal', () => {
    const report = run(
      folder(),
      'r1',
      [[change(1), null]],
      {},
      { ...ending('interrupted'), graphRequests: null, directoryRequests: null },
    );
    const text = seen(readFileSync(pageOf(report), 'utf8'));
    expect(text).to.include('Interrupted 1 unknown. The process of the run was killed');
    expect(text).to.include('Graph requests not known');
  });

  it('shows the first thousand of many changes and says how many more there are', () => {
    const changes = Array.from({ length: 1003 }, (_, number) => [change(number), APPLIED] as const);
    const html = readFileSync(pageOf(run(folder(), 'r1', changes)), 'utf8');
    expect(html.match(/<article/g)).to.have.length(1000);
    expect(html).to.include('3 more are in the report itself.');
  });

  it('refuses what is no report, and a place that cannot be written', () => {
    const base = folder();
    const bad = join(base, 'report-x.json');
    for (const content of ['', '{}', '{"formatVersion": 2}', JSON.stringify({ formatVersion: 1, runId: 5 })]) {
      writeFileSync(bad, content);
      const error = caught(() => writeReportPage(bad, join(base, 'x.html')));
      expect(error.code).to.equal('ReportInvalid');
      expect(error.target).to.equal(bad);
    }
    expect(caught(() => writeReportPage(join(base, 'none.json'), 'x')).message).to.include('ENOENT');
    const report = run(base, 'r1', []);
    expect(report).to.equal(reportPath(base, 'r1'));
    expect(caught(() => writeReportPage(report, join(base, 'none', 'x.html'))).code).to.equal('OutFileUnwritable');
    writeReportPage(report, join(base, 'x.html'));
    expect(statSync(join(base, 'x.html')).mode & 0o777).to.equal(0o600);
  });
});
