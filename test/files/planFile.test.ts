import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import { loadPlan, savePlan } from '../../src/files/planFile.ts';
import { ACTIONS, CAUSES, CHANGE_WARNINGS, HELD_REASONS } from '../../src/plan/change.ts';
import { digest } from '../../src/plan/digest.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import type { PlanExpectation, SavedPlan } from '../../src/ports.ts';
import { ATTRIBUTE_NAMES, MARK_ATTRIBUTE } from '../../src/device/attributes.ts';
import { change, header, temporaryFolders } from './samples.ts';

const SCHEMA = JSON.parse(readFileSync(new URL('../../docs/plan.schema.json', import.meta.url), 'utf8')) as Record<
  string,
  never
>;

const { tenantId, container, containerGuid, server, held, summary } = header('r1');

/** A plan that holds a member of every kind. */
function saved(parts: Partial<SavedPlan> = {}): SavedPlan {
  const changes = parts.changes ?? [
    { ...change(1, 'delete'), warnings: ['TransportKeyLost'], mark: 'DeviceWriteback x', objectId: null },
    change(2),
  ];
  return {
    formatVersion: 1,
    made: '2026-11-22T14:23:12.000Z',
    tenantId,
    container,
    containerGuid,
    server,
    digest: digest(changes),
    complete: true,
    reading: 'full',
    summary,
    refusal: { code: 'RemovalThreshold', sentence: 'Too many.', remedy: 'Look.' },
    notices: ['The schema lacks msDS-IsCompliant: left out for every device.'],
    held,
    changes,
    ...parts,
  };
}

/** What fits the plan above. */
function expectation(parts: Partial<PlanExpectation> = {}): PlanExpectation {
  return {
    tenantId,
    container,
    containerGuid,
    digest: saved().digest,
    now: new Date('2026-11-22T15:00:00Z'),
    maximumAgeHours: 24,
    ...parts,
  };
}

type Path = readonly (string | number)[];

/** The plan's JSON with another value at one place; undefined takes it out. */
function changed(path: Path, value: unknown): unknown {
  const root = JSON.parse(JSON.stringify(saved())) as Record<string | number, unknown>;
  let inner = root;
  for (const step of path.slice(0, -1)) inner = inner[step] as typeof root;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return root;
}

const REFUSED: readonly (readonly [Path, unknown])[] = [
  [['formatVersion'], undefined],
  [['formatVersion'], 2],
  [['formatVersion'], '1'],
  [['made'], undefined],
  [['made'], 'yesterday'],
  [['made'], '2026-13-01T00:00:00Z'],
  [['made'], '2026-11-22T14:23:12+01:00'],
  [['tenantId'], 'contoso.test'],
  [['tenantId'], tenantId.toUpperCase()],
  [['container'], null],
  [['containerGuid'], undefined],
  [['server'], 5],
  [['digest'], 'AB'.repeat(32)],
  [['digest'], 'ab'],
  [['complete'], 'true'],
  [['reading'], 'partly'],
  [['extra'], 1],
  [['__proto__x'], {}],
  [['summary'], null],
  [['summary', 'inScope'], -1],
  [['summary', 'inScope'], 1.5],
  [['summary', 'census', 'owned'], undefined],
  [['summary', 'census', 'mine'], 1],
  [['summary', 'actions', 'burn'], 1],
  [['summary', 'actions', 'create'], undefined],
  [['summary', 'held', 'NoReason'], 1],
  [['summary', 'held', 'Unowned'], '1'],
  [['summary', 'held'], []],
  [['summary', 'removals'], 2 ** 53],
  [['refusal'], undefined],
  [['refusal', 'code'], 'Cancelled'],
  [['refusal', 'sentence'], null],
  [['notices'], {}],
  [['notices', 0], 1],
  [['held'], null],
  [['held', 0, 'reason'], 'Because'],
  [['held', 0, 'deviceId'], 'x'],
  [['held', 0, 'attribute'], 'member'],
  [['held', 0, 'sentence'], undefined],
  [['changes'], {}],
  [['changes', 0], null],
  [['changes', 0], []],
  [['changes', 0, 'action'], 'burn'],
  [['changes', 0, 'action'], ['delete']],
  [['changes', 0, 'cause'], 'whim'],
  [['changes', 0, 'deviceId'], null],
  [['changes', 0, 'objectId'], undefined],
  [['changes', 0, 'objectGuid'], '{x}'],
  [['changes', 0, 'distinguishedName'], 1],
  [['changes', 0, 'mark'], undefined],
  [['changes', 0, 'warnings'], ['Beware']],
  [['changes', 0, 'attributes'], 'displayName'],
  [['changes', 0, 'attributes', 0, 'attribute'], 'msDS-KeyCredentialLink'],
  [['changes', 0, 'attributes', 0, 'before'], null],
  [['changes', 0, 'attributes', 0, 'after', 0], 1],
  [['changes', 0, 'attributes', 0, 'also'], []],
  [['changes', 0, 'command'], 'rm'],
];

const ACCEPTED: readonly (readonly [Path, unknown])[] = [
  [['made'], '2026-11-22T14:23:12Z'],
  [['reading'], 'delta'],
  [['complete'], false],
  [['refusal'], null],
  [['refusal', 'code'], 'SourceTooSmall'],
  [['notices'], []],
  [['held'], []],
  [['held', 0, 'attribute'], 'msDS-IsEnabled'],
  [['held', 0, 'attribute'], 'adminDescription'],
  [['summary', 'census'], null],
  [['summary', 'held'], {}],
  [['changes'], []],
  [['changes', 0, 'objectGuid'], '00000000-0000-4000-a000-000000000001'],
  [['changes', 0, 'attributes'], []],
];

const errorOf = (work: () => unknown): WritebackError => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof WritebackError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
};

describe('planFile', () => {
  const folder = temporaryFolders();
  const written = (content: string | Uint8Array): string => {
    const path = join(folder(), 'plan.json');
    writeFileSync(path, content);
    return path;
  };
  const load = (path: string, parts: Partial<PlanExpectation> = {}): SavedPlan =>
    loadPlan(path, expectation(parts), digest);

  it('gives back the plan that was saved, one change a line, for its owner only', () => {
    const path = join(folder(), 'plan.json');
    savePlan(path, saved());
    expect(load(path)).to.deep.equal(saved());
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.filter((line) => line.startsWith('    {"action":'))).to.have.length(2);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it('gives back a plan of 20,000 changes', () => {
    const path = join(folder(), 'plan.json');
    const changes = Array.from({ length: 20_000 }, (_, number) => change(number));
    const plan = saved({ changes, digest: digest(changes) });
    savePlan(path, plan);
    expect(load(path, { digest: plan.digest })).to.deep.equal(plan);
  });

  it('replaces a file that is there whole, and leaves no other', () => {
    const path = written('old');
    savePlan(path, saved());
    expect(load(path)).to.deep.equal(saved());
    expect(readdirSync(join(path, '..'))).to.deep.equal(['plan.json']);
  });

  it('says what file cannot be written, why, and what to do', () => {
    const path = join(folder(), 'none', 'plan.json');
    const error = errorOf(() => savePlan(path, saved()));
    expect(error.code).to.equal('OutFileUnwritable');
    expect(error.message).to.equal(`Could not save the plan to ${path}: a folder of this path is not there (ENOENT).`);
    expect(error.target).to.equal(path);
  });

  describe('accepts and refuses the same as the published schema', () => {
    const ajv = new Ajv2020({ strict: true });
    ajvFormats.default(ajv);
    const validate = ajv.compile(SCHEMA);
    const told = (path: Path, value: unknown): string => `${path.join('.')} ${JSON.stringify(value) ?? 'missing'}`;

    it('accepts an undo plan', () => {
      const undo = undoPlan({ runId: 'r1', tenantId, container }, [
        { change: change(1, 'delete'), state: 'applied' },
        { change: change(2), state: 'unknown' },
      ]);
      const made = '2026-11-22T14:30:00.000Z';
      const path = join(folder(), 'undo.json');
      savePlan(path, { ...undo, made, server, containerGuid });
      expect(load(path, { digest: undo.digest })).to.deep.equal({ ...undo, made, server, containerGuid });
      expect(validate(JSON.parse(readFileSync(path, 'utf8'))), JSON.stringify(validate.errors)).to.equal(true);
    });

    for (const [path, value] of ACCEPTED) {
      it(`accepts ${told(path, value)}`, () => {
        const content = changed(path, value) as SavedPlan;
        const made = digest(content.changes);
        const whole = { ...content, digest: made };
        expect(load(written(JSON.stringify(whole)), { digest: made })).to.deep.equal(whole);
        expect(validate(whole), JSON.stringify(validate.errors)).to.equal(true);
      });
    }
    for (const [path, value] of REFUSED) {
      it(`refuses ${told(path, value)}`, () => {
        const content = changed(path, value);
        const error = errorOf(() => load(written(JSON.stringify(content))));
        expect(error.code).to.equal('PlanFileInvalid');
        expect(validate(content)).to.equal(false);
      });
    }
    for (const content of [null, [], 'text', 1, {}]) {
      it(`refuses ${JSON.stringify(content)}`, () => {
        expect(errorOf(() => load(written(JSON.stringify(content)))).code).to.equal('PlanFileInvalid');
        expect(validate(content)).to.equal(false);
      });
    }

    it('and the schema knows every action, cause, warning, reason and attribute', () => {
      const defs = (
        SCHEMA as unknown as { $defs: Record<string, { enum?: unknown; properties?: Record<string, never> }> }
      ).$defs;
      const properties = defs['change']?.properties as unknown as Record<
        string,
        { enum: unknown; items: { enum: unknown } }
      >;
      expect(properties['action']?.enum).to.deep.equal(ACTIONS);
      expect(properties['cause']?.enum).to.deep.equal(CAUSES);
      expect(properties['warnings']?.items.enum).to.deep.equal(CHANGE_WARNINGS);
      expect(defs['reason']?.enum).to.deep.equal(HELD_REASONS);
      expect(defs['attribute']?.enum).to.deep.equal([MARK_ATTRIBUTE, ...ATTRIBUTE_NAMES]);
    });
  });

  it('names the place that is wrong and what belongs there', () => {
    const path = written(JSON.stringify(changed(['changes', 1, 'attributes', 0, 'before'], 5)));
    const error = errorOf(() => load(path));
    expect(error.message).to.equal(
      `Could not use the plan in ${path}: changes[1].attributes[0].before must be a list.`,
    );
    expect(error.remedy).to.include('Get-DeviceWritebackPlan -OutFile');
  });

  it('says of another format which one it reads', () => {
    const error = errorOf(() => load(written(JSON.stringify({ formatVersion: 2, news: [] }))));
    expect(error.message).to.include('it has format 2, and this version reads format 1');
  });

  it('says that a file is missing, a folder, no JSON or no UTF-8', () => {
    const base = folder();
    mkdirSync(join(base, 'inner'));
    expect(errorOf(() => load(join(base, 'none.json'))).message).to.include('there is no such file');
    expect(errorOf(() => load(join(base, 'inner'))).message).to.include('not a regular file');
    expect(errorOf(() => load(written('{"formatVersion": 1,'))).message).to.include('not valid JSON');
    expect(errorOf(() => load(written(Buffer.from('{}', 'utf16le')))).code).to.equal('PlanFileInvalid');
    expect(errorOf(() => load(written(Buffer.from([0x7b, 0xff, 0x7d])))).message).to.include('not UTF-8');
  });

  it('takes a byte order mark, and a digest in capitals', () => {
    const path = written(`\ufeff${JSON.stringify(saved())}`);
    expect(load(path, { digest: saved().digest.toUpperCase() })).to.deep.equal(saved());
  });

  it('refuses a plan that was changed after it was made', () => {
    const path = written(JSON.stringify(changed(['changes', 1, 'displayName'], 'Other')));
    const error = errorOf(() => load(path));
    expect(error.code).to.equal('DigestMismatch');
    expect(error.message).to.include('was changed after it was made');
  });

  it('refuses another plan than the one that was approved, also with its own digest in the file', () => {
    const error = errorOf(() => load(written(JSON.stringify(saved())), { digest: 'ab'.repeat(32) }));
    expect(error.code).to.equal('DigestMismatch');
    expect(error.message).to.include(saved().digest).and.include('ab'.repeat(32));
    expect(error.detail).to.include('approved');
  });

  it('refuses the plan of another tenant or container, saying which', () => {
    const path = written(JSON.stringify(saved()));
    const other = '11111111-2222-3333-4444-555555555555';
    const errors = [
      errorOf(() => load(path, { tenantId: other })),
      errorOf(() => load(path, { container: 'CN=RegisteredDevices,DC=other,DC=test' })),
      errorOf(() => load(path, { containerGuid: other })),
    ];
    expect(errors.map(({ code }) => code)).to.deep.equal(['PlanFileForeign', 'PlanFileForeign', 'PlanFileForeign']);
    expect(errors[0]?.message).to.include(tenantId).and.include(other);
    expect(errors[1]?.message).to.include('DC=other');
    expect(errors[2]?.message).to.include(containerGuid).and.include(other);
    expect(load(path, { container: container.toLowerCase() }).container).to.equal(container);
  });

  it('refuses a plan that is older than it may be, or from the future', () => {
    const path = written(JSON.stringify(saved()));
    const made = Date.parse(saved().made);
    const at = (milliseconds: number): Date => new Date(made + milliseconds);
    const hour = 60 * 60 * 1000;
    expect(load(path, { now: at(24 * hour) })).to.deep.equal(saved());
    const error = errorOf(() => load(path, { now: at(24 * hour + 1) }));
    expect(error.code).to.equal('PlanFileTooOld');
    expect(error.message).to.include(saved().made).and.include('more than 24 hours ago');
    expect(errorOf(() => load(path, { now: at(2 * hour), maximumAgeHours: 1 })).code).to.equal('PlanFileTooOld');
    expect(load(path, { now: at(-4 * 60 * 1000) })).to.deep.equal(saved());
    const future = errorOf(() => load(path, { now: at(-6 * 60 * 1000) }));
    expect(future.code).to.equal('PlanFileInvalid');
    expect(future.message).to.include('lies in the future');
  });
});
