/**
 * An engine that only pretends: it speaks the protocol of src/protocol/messages.ts and does what the parameter `server`
 * of a request names. FAKE_ENGINE_LOG names a file in which it notes its process id and every message that it gets;
 * FAKE_ENGINE_HELLO names another way to begin.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const WINDOW = 8192;
const BATCH = 200;

const logFile = process.env.FAKE_ENGINE_LOG;
const note = (entry) => {
  if (logFile !== undefined) appendFileSync(logFile, `${JSON.stringify({ pid: process.pid, ...entry })}\n`);
};

// As on Windows, where writing to a pipe blocks.
// oxlint-disable-next-line no-underscore-dangle
if (process.env.FAKE_ENGINE_BLOCKING === '1') process.stdout._handle.setBlocking(true);

const write = (text) =>
  new Promise((resolve) => {
    if (process.stdout.write(text)) resolve();
    else process.stdout.once('drain', resolve);
  });
const send = (message) => write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const calls = new Map();
const asked = new Map();
const plans = new Map();

class Call {
  constructor(id, params) {
    this.id = id;
    this.params = params;
    this.cancelled = false;
    this.open = 0;
    this.mostOpen = 0;
    this.wake = () => {};
  }

  notify(method, params) {
    return send({ method, params: { id: this.id, ...params } });
  }

  log(level, message) {
    return this.notify('$/log', { level, message });
  }

  progress(activity, status, percent) {
    return this.notify('$/progress', { activity, status, percent });
  }

  async output(kind, items) {
    for (let at = 0; at < items.length; at += BATCH) {
      const batch = items.slice(at, at + BATCH);
      while (this.open + batch.length > WINDOW && !this.cancelled) await this.changed();
      this.stopIfCancelled();
      this.open += batch.length;
      this.mostOpen = Math.max(this.mostOpen, this.open);
      await this.notify('$/output', { kind, items: batch });
    }
  }

  /** Resolves at the next credit or cancel. */
  changed() {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  stopIfCancelled() {
    if (this.cancelled) throw failure('Cancelled', 'OperationStopped', 'The operation was stopped.', 'Run it again.');
  }

  /** A request to the host. */
  ask(method, params) {
    const id = `h${asked.size + 1}`;
    void send({ id, method, params });
    return new Promise((resolve) => asked.set(id, resolve));
  }
}

function failure(code, category, message, remedy, target = null) {
  return Object.assign(new Error(message), {
    data: { code, category, message, target, remedy, detail: 'the other side said no', retryable: false },
  });
}

const check = (id, state) => ({
  id,
  state,
  title: `Title of ${id}`,
  evidence: `Evidence of ${id}`,
  remedy: state === 'Pass' ? null : 'Mend it.',
});

const guid = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

const change = (number, action = 'Create', parts = {}) => ({
  number,
  action,
  name: `PC-${number}`,
  deviceId: guid(number),
  objectId: guid(number + 1_000_000),
  distinguishedName: `CN=${guid(number)},CN=RegisteredDevices,DC=example,DC=test`,
  reason: 'Flow',
  description: `${action}s the device object of PC-${number}.`,
  warnings: [],
  attributes: [{ name: 'displayName', before: [], after: [`PC-${number} \u00e4\u{1F4BB}`] }],
  ...parts,
});

const held = (reason, parts = {}) =>
  change(-1, 'Held', { reason, name: `Held by ${reason}`, attributes: [], ...parts });

const step = (number, state, id = `Step${number}`) => ({
  number,
  id,
  state,
  target: `CN=${id},DC=example,DC=test`,
  description: `Create ${id}`,
  detail: number === 1 ? '(OA;;CCDC;1;;S-1-5) (OA;CIIO;RPWP;;1;S-1-5)' : null,
});

const refusal = failure(
  'RemovalThreshold',
  'LimitsExceeded',
  'The plan removes 9 of 10.',
  'Look at the plan, then give -MaximumRemoval 9.',
).data;

/** A name that would set the title of a terminal and turn the direction of text. */
const DISGUISED = 'a\u001b]0;b\u0007\u202ec\u{1F4BB}';

/** Changes and held differences by the name of the pretended server. */
const PLANS = {
  three: () => ({
    changes: [change(0), change(1, 'Update'), change(2, 'Disable')],
    held: [held('NoKey'), held('Unowned'), held('NoKey')],
  }),
  empty: () => ({ changes: [], held: [] }),
  refused: () => ({ changes: [change(0, 'Disable', { reason: 'Stated' })], held: [], refusal }),
  failing: () => ({ changes: [change(0), change(1), change(2)], held: [], failing: 1, pace: 50 }),
  changed: () => ({ changes: [change(0)], held: [], skipped: 1 }),
  slow: () => ({ changes: Array.from({ length: 50 }, (_, number) => change(number)), held: [], pace: 50 }),
  stubborn: () => ({ changes: [change(0)], held: [], stubborn: true }),
  many: () => ({ changes: Array.from({ length: 100_000 }, (_, number) => change(number)), held: [] }),
  several: () => ({
    changes: Array.from({ length: 20_000 }, (_, number) => change(number)),
    held: [],
  }),
  disguised: () => ({
    changes: [
      change(0, 'Update', {
        name: DISGUISED,
        attributes: [{ name: 'displayName', before: [DISGUISED], after: [`new ${DISGUISED}`] }],
      }),
    ],
    held: [held('Unowned', { name: DISGUISED, distinguishedName: `CN=${DISGUISED}` })],
  }),
  one: () => ({ changes: [change(0, 'Update', { reason: 'Adoption' })], held: [held('SecondWriter')] }),
  unnamed: () => ({ changes: [change(0)], held: [held('DuplicateInDirectory', { deviceId: null, objectId: null })] }),
};

async function plan(call) {
  const { server } = call.params;
  const { changes, held: kept, refusal: refused = null } = PLANS[server]();
  await call.progress('Planning', 'reading', 10);
  await call.output('change', [...changes, ...kept]);
  const handle = `plan of ${server}`;
  plans.set(handle, server);
  return {
    handle,
    digest: 'd'.repeat(64),
    changes: changes.length,
    held: kept.length,
    unchanged: 7,
    summary: `${changes.length} changes, ${kept.length} held, 7 unchanged.`,
    refusal: refused,
    mostOpen: call.mostOpen,
  };
}

async function apply(call) {
  const { handle, declined } = call.params;
  const { changes, failing, refusal: refused, pace = 0, stubborn = false, skipped = 0 } = PLANS[plans.get(handle)]();
  if (stubborn) await sleep(60_000);
  let applied = 0;
  let failed = 0;
  for (const one of changes.filter(({ number }) => !declined.includes(number))) {
    await sleep(pace);
    if (call.cancelled) break;
    const state = one.number === failing ? 'Failed' : 'Applied';
    if (state === 'Applied') applied += 1;
    else {
      failed += 1;
      const { distinguishedName: dn } = one;
      const { data } = failure('ChangeFailed', 'WriteError', `Creating ${dn} failed: busy.`, 'Run it again.', dn);
      await call.notify('$/error', { error: data });
    }
    if (call.params.results)
      await call.notify('$/output', { kind: 'result', items: [{ ...one, state, message: null }] });
    await call.progress('Applying', `${applied} of ${changes.length}`, (100 * applied) / changes.length);
  }
  note({ event: 'report', applied, cancelled: call.cancelled });
  return {
    runId: 'run-1',
    reading: 'Delta',
    why: 'Only what has changed since the run before.',
    tenantId: guid(7),
    server: 'dc.example.test',
    container: 'CN=RegisteredDevices,DC=example,DC=test',
    started: '2026-11-22T14:23:12.345Z',
    ended: '2026-11-22T14:23:13.000Z',
    outcome: refused ? 'Refused' : failed > 0 ? 'Failures' : 'Completed',
    created: applied,
    updated: 0,
    disabled: 0,
    enabled: 0,
    deleted: 0,
    failed,
    skipped,
    cancelled: 0,
    declined: declined.length,
    held: 3,
    unchanged: 7,
    digest: 'd'.repeat(64),
    reportPath: '/var/lib/devicewriteback/report.json',
    error: refused ?? null,
  };
}

/** What `test` does, by the name of the pretended server. */
const TESTS = {
  async checks(call) {
    await call.log('verbose', 'a verbose line');
    await call.log('warning', 'a warning');
    await call.log('debug', 'a debug line');
    await call.progress('Checking', 'schema', 50);
    await call.output('check', [check('Schema', 'Pass'), check('Container', 'Fail'), check('Licence', 'NotTested')]);
    return { passed: false };
  },
  async passing(call) {
    await call.output('check', [check('Schema', 'Pass')]);
    return { passed: true };
  },
  async error() {
    throw failure(
      'DirectoryBindRefused',
      'AuthenticationError',
      'Binding to dc1\nas EXAMPLE\\sync was refused.',
      'Check the password.',
      'dc1',
    );
  },
  async noise(call) {
    await write('this is no JSON\n{"unfinished": \n[1,2]\n\n');
    await call.output('surprise', [{ unknown: true }]);
    await call.notify('$/unheardOf', {});
    return TESTS.passing(call);
  },
  async die() {
    process.stderr.write('fatal: the disk is on fire\n');
    process.exit(7);
  },
  async longLine() {
    await write('x'.repeat(6 * 1024 * 1024));
    await sleep(60_000);
  },
  async slow(call) {
    await call.progress('Checking', 'slowly', -1);
    while (!call.cancelled) await call.changed();
    call.stopIfCancelled();
  },
  async deviceCode(call) {
    await call.log('warning', 'To sign in, open https://login.example/device and enter the code ABCD-1234.');
    return TESTS.slow(call);
  },
  async stubborn(call) {
    await call.progress('Checking', 'stubbornly', -1);
    await sleep(60_000);
  },
  async unknownHostRequest(call) {
    const reply = await call.ask('host/unheardOf', {});
    await call.output('check', [{ ...check('Answer', 'Pass'), evidence: JSON.stringify(reply.error) }]);
    return { passed: true };
  },
  /** Batches of output and requests to the host, whose replies are large, all at once. */
  async crossfire(call) {
    const sizes = [];
    const answers = [];
    for (let round = 0; round < 200; round++) {
      await call.output(
        'check',
        Array.from({ length: BATCH }, (_, number) => check(`C${round}-${number}`, 'Pass')),
      );
      if (round % 2 === 0)
        answers.push(call.ask('host/test/large', { round }).then(({ result }) => sizes.push(result?.length)));
    }
    await Promise.all(answers);
    return { passed: sizes.length === 100 && sizes.every((size) => size === 80 * 1024) };
  },
  async echo(call) {
    await call.output('check', [{ ...check('Echo', 'Pass'), evidence: call.params.tenantId }]);
    return { passed: true };
  },
};

const METHODS = {
  test: (call) => (TESTS[call.params.server] ?? TESTS.passing)(call),
  plan,
  apply,
  async explain(call) {
    const found = [];
    for (const identity of call.params.devices) {
      if (identity === 'nobody') {
        const error = failure(
          'DeviceNotFound',
          'ObjectNotFound',
          'There is no device nobody.',
          'Give another identity.',
          identity,
        );
        await call.notify('$/error', { error: error.data });
      } else found.push(identity);
    }
    await call.output(
      'device',
      found.map((identity) => ({
        identity,
        name: identity === 'disguised' ? DISGUISED : 'PC-1',
        deviceId: guid(1),
        objectId: guid(1_000_001),
        distinguishedName: `CN=${guid(1)},CN=RegisteredDevices,DC=example,DC=test`,
        verdict: 'Nothing',
        reason: null,
        description: 'The device object is as it should be.',
        ownership: 'Owned',
        adFs: ['isknown: TRUE', 'displayname: PC-1'],
        attributes: [
          identity === 'disguised'
            ? { name: 'displayName', source: DISGUISED, desired: [DISGUISED], current: [DISGUISED] }
            : { name: 'displayName', source: 'PC-1', desired: ['PC-1'], current: ['PC-1'] },
          { name: 'msDS-IsManaged', source: 'true', desired: ['TRUE'], current: [] },
          { name: 'msDS-DevicePhysicalIDs', source: 'a, b', desired: ['a', 'b'], current: ['a', 'b'] },
        ],
      })),
    );
    return {};
  },
  async 'enable/plan'(call) {
    const planned = call.params.server === 'prepared' ? [] : [step(0, 'Planned'), step(1, 'Planned')];
    await call.output('step', [step(-1, 'Present', 'Container'), ...planned]);
    return { handle: 'preparation' };
  },
  async 'enable/apply'(call) {
    const { declined } = call.params;
    await call.output(
      'step',
      [0, 1].map((number) => step(number, declined.includes(number) ? 'Declined' : 'Done')),
    );
    return {};
  },
  async 'report/page'({ params: { path, outFile } }) {
    if (path.endsWith('broken.json')) {
      throw failure(
        'ReportInvalid',
        'InvalidData',
        `Could not read the report ${path}: no JSON.`,
        'Give another.',
        path,
      );
    }
    writeFileSync(outFile, `<p>The page of ${path}</p>`);
    return { path: outFile };
  },
  async release() {
    return {};
  },
};

async function answer({ id, method, params }) {
  const call = new Call(id, params ?? {});
  calls.set(id, call);
  try {
    const result = await METHODS[method](call);
    await send({ id, result });
  } catch (error) {
    await send({ id, error: { code: -32000, message: error.message, data: error.data } });
  } finally {
    calls.delete(id);
    note({ event: 'answered', method, mostOpen: call.mostOpen, cancelled: call.cancelled });
  }
}

const HELLOS = {
  default: { protocol: 1, version: '0.0.0-fake', node: process.version },
  protocol2: { protocol: 2, version: '9.9.9', node: process.version },
  oldNode: { protocol: 1, version: '0.0.0-fake', node: 'v20.20.2' },
};

process.on('SIGINT', () => {});
note({
  event: 'started',
  arguments: process.argv.slice(2),
  environment: Object.keys(process.env),
  folder: process.cwd(),
});
switch (process.env.FAKE_ENGINE_HELLO ?? '') {
  case 'none':
    process.stderr.write('SyntaxError: Unexpected token\n');
    process.exit(1);
    break;
  case 'other':
    await send({ id: 1, result: 'I am another program' });
    break;
  default:
    await write('a line before the greeting\n');
    await send({ method: '$/hello', params: HELLOS[process.env.FAKE_ENGINE_HELLO || 'default'] });
}

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const message = JSON.parse(line);
  note({ event: 'received', line, message });
  if (message.method === undefined) asked.get(message.id)?.(message);
  else if (message.method === '$/cancel') {
    const call = calls.get(message.params.id);
    if (call === undefined) return;
    call.cancelled = true;
    call.wake();
  } else if (message.method === '$/credit') {
    const call = calls.get(message.params.id);
    if (call === undefined) return;
    call.open -= message.params.n;
    call.wake();
  } else void answer(message);
});
input.on('close', () => {
  note({ event: 'ended' });
  process.exit(0);
});
