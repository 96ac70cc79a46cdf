import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { expect } from 'chai';
import { ERROR_CODES } from '../../src/errors.ts';
import { FormFault } from '../../src/files/form.ts';
import { createJournal } from '../../src/files/journal.ts';
import type { ReportEnding } from '../../src/files/report.ts';
import { parseReport } from '../../src/files/reportForm.ts';
import type { RunHeader } from '../../src/ports.ts';
import { change, ending, header, reportTo, temporaryFolders } from './samples.ts';

const SCHEMA = JSON.parse(readFileSync(new URL('../../docs/report.schema.json', import.meta.url), 'utf8')) as {
  readonly $defs: Record<string, { readonly properties?: Record<string, { readonly enum?: unknown }> }>;
};

type Json = Record<string | number, unknown>;

describe('reportForm', () => {
  const ajv = new Ajv2020({ strict: true });
  ajvFormats.default(ajv);
  const validate = ajv.compile(SCHEMA);
  const folder = temporaryFolders();

  const reportOf = (parts: Partial<RunHeader>, end: ReportEnding): Json => {
    const base = folder();
    const journal = createJournal(base, { ...header('r1'), ...parts });
    journal.append(
      { kind: 'before', number: 0, change: change(0) },
      { kind: 'after', number: 0, result: { state: 'failed', why: 'w', code: 'ChangeFailed', milliseconds: 3 } },
      { kind: 'before', number: 1, change: { ...change(1, 'delete'), warnings: ['TransportKeyLost'] } },
      { kind: 'after', number: 7, result: { state: 'skipped', why: null, code: null, milliseconds: 3 } },
    );
    const path = reportTo(base, journal, end);
    journal.close();
    return JSON.parse(readFileSync(path, 'utf8')) as Json;
  };
  const error = {
    code: 'Cancelled',
    category: 'OperationStopped',
    message: 'm',
    target: null,
    remedy: 'r',
    detail: null,
    retryable: false,
  } as const;
  const refusal = { code: 'SourceTooSmall', sentence: 's', remedy: 'r' } as const;

  const real: readonly (readonly [string, Partial<RunHeader>, ReportEnding])[] = [
    ['of a run that was done', {}, ending()],
    [
      'of a delta run',
      { reading: { kind: 'delta', why: 'w', milliseconds: 0 }, summary: { ...header('r1').summary, census: null } },
      ending(),
    ],
    ['of a refused run', { refusal }, { ...ending('refused'), error: { ...error, code: 'SourceTooSmall' } }],
    ['of a cancelled run', {}, { ...ending('cancelled'), cancelled: 5, error }],
    ['of a killed run', { held: [] }, { ...ending('interrupted'), graphRequests: null, directoryRequests: null }],
  ];
  for (const [what, parts, end] of real) {
    it(`and the published schema take the report ${what}`, () => {
      const report = reportOf(parts, end);
      expect(parseReport(report)).to.deep.equal(report);
      expect(validate(report), JSON.stringify(validate.errors)).to.equal(true);
    });
  }

  const changed: readonly (readonly [readonly (string | number)[], unknown])[] = [
    [['formatVersion'], 2],
    [['runId'], undefined],
    [['started'], 'now'],
    [['outcome'], 'done'],
    [['reading', 'kind'], 'half'],
    [['reading', 'milliseconds'], -1],
    [['containerGuid'], undefined],
    [['counts', 'created'], '1'],
    [['counts', 'lost'], 1],
    [['graphRequests'], -1],
    [['refusal'], {}],
    [['error'], 'x'],
    [['notices'], [1]],
    [['secret'], 'x'],
    [['held', 0, 'reason'], 'x'],
    [['changes', 0, 'result', 'state'], 'done'],
    [['changes', 0, 'change'], {}],
    [['changes', 0, 'number'], null],
  ];
  for (const [path, value] of changed) {
    it(`and the published schema refuse ${path.join('.')} ${JSON.stringify(value) ?? 'missing'}`, () => {
      const report = reportOf({}, ending());
      let inner = report;
      for (const step of path.slice(0, -1)) inner = inner[step] as Json;
      const last = path.at(-1) ?? '';
      if (value === undefined) delete inner[last];
      else inner[last] = value;
      expect(() => parseReport(report)).to.throw(FormFault);
      expect(validate(report)).to.equal(false);
    });
  }

  it('and the published schema know the same error codes', () => {
    expect(SCHEMA.$defs['error']?.properties?.['code']?.enum).to.deep.equal(Object.keys(ERROR_CODES));
  });
});
