import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, FakeEngineSetup, isAlive } from './fakeEngineSetup.ts';
import { quote, ROOT } from './powerShell.ts';

/** Sets an environment variable of the PowerShell process, which its next engine inherits. */
const setVariable = (name: string, value: string): string =>
  `[Environment]::SetEnvironmentVariable(${quote(name)}, ${quote(value)})`;

/** Reaches a class of the bridge, which is not public. */
const bridgeType = (name: string): string =>
  `([DeviceWriteback.Check].Assembly.GetType('DeviceWriteback.Bridge.${name}'))`;

describe('the bridge between PowerShell and the engine', function () {
  this.timeout(60_000);
  let setup: FakeEngineSetup;

  before(() => {
    setup = new FakeEngineSetup({ NODE_OPTIONS: '--throw-deprecation', EDGE_DEBUG: '1', NODE_EXTRA_CA_CERTS: '/none' });
  });

  after(() => setup.close());

  it('starts one engine at the first call and shares it between runspaces', async () => {
    const results = await Promise.all([1, 2, 3].map(() => setup.powerShell.run('Test-DeviceWritebackPrereq -Quiet')));
    for (const { output, errors } of results) {
      expect(errors).to.deep.equal([]);
      expect(output).to.deep.equal([true]);
    }
    expect(setup.engines()).to.have.length(1);
  });

  it('keeps the engine when the module is removed', async () => {
    await setup.powerShell.run('Test-DeviceWritebackPrereq -Quiet; Remove-Module DeviceWriteback');
    const [engine] = setup.engines();
    expect(isAlive(engine ?? 0)).to.equal(true);
    await setup.powerShell.run('Test-DeviceWritebackPrereq -Quiet');
    expect(setup.engines()).to.have.length(1);
  });

  it('gives the engine the module folder, a bound for new objects and no variable of Node or edge', () => {
    const [started] = setup.log();
    expect(started?.folder).to.equal(path.join(ROOT, 'module'));
    const script = path.join(ROOT, 'module/bin/engine/engine.mjs');
    expect(started?.arguments).to.deep.equal(['--max-semi-space-size=16', script]);
    expect(started?.environment?.filter((name) => /^(NODE_|EDGE_)/i.test(name))).to.deep.equal([]);
  });

  it('tells lines that are no protocol as debug text and goes on', async () => {
    const { output, debug, errors } = await setup.powerShell.run(
      "$DebugPreference = 'Continue'; Test-DeviceWritebackPrereq -Server noise -Quiet",
    );
    expect(errors).to.deep.equal([]);
    expect(output).to.deep.equal([true]);
    expect(debug).to.deep.equal([
      'The engine wrote: this is no JSON',
      'The engine wrote: {"unfinished":',
      'The engine wrote: [1,2]',
    ]);
  });

  it('sends secrets inside the request line only, and shows them in no stream', async () => {
    const secrets = { password: 'p\u00e4ss"\\w\u{1F511}rd', token: 'eyJhbGci.t0ken', pfx: 'pfx-p\u00e4ssphrase' };
    const secure = (text: string): string => `[Net.NetworkCredential]::new('', ${quote(text)}).SecurePassword`;
    const give = (server: string): string => `
      $VerbosePreference = $DebugPreference = 'Continue'
      $account = [pscredential]::new('EXAMPLE\\sync', (${secure(secrets.password)}))
      Test-DeviceWritebackPrereq -Server ${server} -Credential $account -ClientSecretCredential $account \`
        -AccessToken (${secure(secrets.token)}) -CertificatePassword (${secure(secrets.pfx)})`;
    const results = [await setup.powerShell.run(give('checks')), await setup.powerShell.run(give('error'))];
    const account = { userName: 'EXAMPLE\\sync', password: secrets.password };
    for (const sent of setup.received('test').slice(-2)) {
      expect(sent).to.deep.include({
        credential: account,
        clientSecretCredential: account,
        accessToken: secrets.token,
        certificatePassword: secrets.pfx,
      });
    }
    expect(results.map(({ errors }) => errors.length)).to.deep.equal([0, 1]);
    for (const text of Object.values(secrets))
      expect(JSON.stringify(results)).to.not.include(JSON.stringify(text).slice(1, -1));
    for (const process of [setup.engines().at(-1), setup.powerShell.pid]) {
      for (const file of ['cmdline', 'environ'])
        expect(readFileSync(`/proc/${process}/${file}`, 'utf8')).to.not.match(/EXAMPLE|p\u00e4ss|t0ken/);
    }
    const lines = setup.log().flatMap(({ line }) => line ?? []);
    expect(
      lines.every((line) => /^[\x20-\x7e]*$/.test(line)),
      'ASCII only',
    ).to.equal(true);
  });

  it('streams 100,000 objects within the window', async () => {
    const { output, milliseconds } = await setup.powerShell.run(
      '$n = 0; Get-DeviceWritebackPlan -Server many | ForEach-Object { $n++ }; $n',
    );
    expect(output).to.deep.equal([100_000]);
    const answered = setup.log().filter(({ event, method }) => event === 'answered' && method === 'plan');
    expect(answered.at(-1)?.mostOpen).to.be.within(1024, 8192);
    expect(milliseconds).to.be.below(20_000);
  });

  it('lets two cmdlets of one pipeline call at once', async () => {
    const { output } = await setup.powerShell.run(
      'Get-DeviceWritebackPlan -Server several | ForEach-Object { if ($_.Name.EndsWith("000")) { Test-DeviceWritebackPrereq -Quiet } }',
    );
    expect(output).to.deep.equal(Array.from({ length: 19 }, () => true));
  });

  it('stops a call within two seconds', async () => {
    const { state, stopMilliseconds } = await setup.powerShell.run({
      script: 'Test-DeviceWritebackPrereq -Server slow',
      stopWhen: { stream: 'progress', text: 'slowly' },
    });
    expect(state).to.equal('Stopped');
    expect(stopMilliseconds).to.be.below(1000);
    expect(setup.received('$/cancel')).to.have.length.above(0);
  });

  it('stops within two seconds although the engine does not answer', async () => {
    const { state, stopMilliseconds } = await setup.powerShell.run({
      script: 'Test-DeviceWritebackPrereq -Server stubborn',
      stopWhen: { stream: 'progress', text: 'stubbornly' },
    });
    expect(state).to.equal('Stopped');
    expect(stopMilliseconds).to.be.within(1500, 2000);
  });

  it('stops while outputs are streaming', async () => {
    const { state, stopMilliseconds } = await setup.powerShell.run({
      script: '$n = 0; Get-DeviceWritebackPlan -Server many | ForEach-Object { $n++; if ($n -eq 5000) { "now" } }',
      stopWhen: { stream: 'output', text: 'now' },
    });
    expect(state).to.equal('Stopped');
    expect(stopMilliseconds).to.be.below(2000);
  });

  it('answers a request of the engine that no handler takes with "method not found"', async () => {
    const { output } = await setup.powerShell.run('(Test-DeviceWritebackPrereq -Server unknownHostRequest).Evidence');
    expect(output).to.deep.equal(['{"code":-32601,"message":"method not found: host/unheardOf"}']);
  });

  it('fails a call with the last words of an engine that dies, and starts another at the next call', async () => {
    const before = setup.engines().length;
    const { terminating, errors, output } = await setup.powerShell.run(`
      try { Test-DeviceWritebackPrereq -Server die } catch { $_ }
      Test-DeviceWritebackPrereq -Quiet`);
    expect(terminating).to.equal(null);
    expect(errors).to.have.length(0);
    const [error, next] = output as [{ id: string; message: string; category: string }, boolean];
    expect(error.id).to.equal('EngineLost,DeviceWriteback.TestDeviceWritebackPrereqCommand');
    expect(error.category).to.equal('ProtocolError');
    expect(error.message).to.match(/exit code 7.*the disk is on fire/);
    expect(next).to.equal(true);
    expect(setup.engines()).to.have.length(before + 1);
  });

  it('fails every call that is open when the engine dies', async () => {
    const waiting = setup.powerShell.run('Test-DeviceWritebackPrereq -Server slow');
    await eventually('the slow call is there', () => setup.received('test').at(-1)?.['server'] === 'slow');
    process.kill(setup.engines().at(-1) ?? 0, 'SIGKILL');
    const { errors } = await waiting;
    expect(errors.map(({ id }) => id)).to.deep.equal(['EngineLost,DeviceWriteback.TestDeviceWritebackPrereqCommand']);
  });

  it('ends an engine that writes a line without end', async () => {
    const { errors } = await setup.powerShell.run('Test-DeviceWritebackPrereq -Server longLine');
    expect(errors[0]?.message).to.match(/a line of more than 4194304 bytes/);
    const engine = setup.engines().at(-1) ?? 0;
    await eventually('the engine is gone', () => !isAlive(engine));
  });

  it('ends an engine that nobody calls, and starts another at the next call', async () => {
    const limit = `${bridgeType('EngineProcess')}.GetField('IdleLimit', 'Static,NonPublic')`;
    await setup.powerShell.run(
      `${limit}.SetValue($null, [timespan]::FromMilliseconds(200)); Test-DeviceWritebackPrereq -Quiet`,
    );
    const engine = setup.engines().at(-1) ?? 0;
    await eventually('the engine has ended by itself', () =>
      setup.log().some(({ pid, event }) => pid === engine && event === 'ended'),
    );
    const { output } = await setup.powerShell.run(
      `${limit}.SetValue($null, [timespan]::FromMinutes(15)); Test-DeviceWritebackPrereq -Quiet`,
    );
    expect(output).to.deep.equal([true]);
    expect(setup.engines().at(-1)).to.not.equal(engine);
  });
});

describe('the engine at its start', function () {
  this.timeout(60_000);
  let setup: FakeEngineSetup;

  before(() => {
    setup = new FakeEngineSetup();
  });

  after(() => setup.close());

  const startWith = async (hello: string): Promise<{ id: string; message: string }> => {
    const { errors } = await setup.powerShell.run(
      `${setVariable('FAKE_ENGINE_HELLO', hello)}; Test-DeviceWritebackPrereq`,
    );
    expect(errors).to.have.length(1);
    const engine = setup.engines().at(-1) ?? 0;
    await eventually('the refused engine is gone', () => !isAlive(engine));
    return { id: errors[0]?.id ?? '', message: errors[0]?.message ?? '' };
  };

  it('is refused with another protocol', async () => {
    const { id, message } = await startWith('protocol2');
    expect(id).to.equal('EngineIncompatible,DeviceWriteback.TestDeviceWritebackPrereqCommand');
    expect(message).to.match(
      /engine 9\.9\.9 speaks protocol 2, and this module speaks protocol 1\. .*different versions/,
    );
  });

  it('is refused with a Node that is too old', async () => {
    const { message } = await startWith('oldNode');
    expect(message).to.match(
      /Node v20\.20\.2 from .*fake node, and Node 22 or later is needed\. Set .*DEVICEWRITEBACK_NODE/,
    );
  });

  it('is refused when it begins with anything but the greeting', async () => {
    const { id, message } = await startWith('other');
    expect(id).to.match(/^EngineIncompatible,/);
    expect(message).to.match(/did not begin with its greeting/);
  });

  it('has its last words told when it ends before the greeting', async () => {
    const { id, message } = await startWith('none');
    expect(id).to.match(/^(EngineLost|EngineMissing),/);
    expect(message).to.match(/SyntaxError: Unexpected token|there is no file/);
  });

  it('is named by a full path or not at all', async () => {
    for (const name of ['node', '/none/such/node']) {
      const { errors } = await setup.powerShell.run(
        `${setVariable('DEVICEWRITEBACK_NODE', name)}; Test-DeviceWritebackPrereq`,
      );
      expect(errors.map(({ id }) => id)).to.deep.equal([
        'EngineMissing,DeviceWriteback.TestDeviceWritebackPrereqCommand',
      ]);
      expect(errors[0]?.message).to.include(`DEVICEWRITEBACK_NODE names ${name}`);
    }
  });

  it('that cannot be executed is told with the reason', async () => {
    const { errors } = await setup.powerShell.run(
      `${setVariable('DEVICEWRITEBACK_NODE', '/etc/hostname')}; Test-DeviceWritebackPrereq`,
    );
    expect(errors[0]?.id).to.match(/^EngineMissing,/);
    expect(errors[0]?.message).to.match(
      /Node could not be started from \/etc\/hostname: .*(ermission denied|format error)/,
    );
  });
});

describe('an engine whose output blocks, as on Windows', function () {
  this.timeout(60_000);
  let setup: FakeEngineSetup;

  before(() => {
    setup = new FakeEngineSetup({ FAKE_ENGINE_BLOCKING: '1' });
  });

  after(() => setup.close());

  it('gets large replies to its requests while it writes batches', async () => {
    // The handler must not be a script block: it runs on a thread that has no runspace.
    const { output, errors } = await setup.powerShell.run(`
      $reply = [Threading.Tasks.Task]::FromResult[object]('x' * 81920)
      $parameter = [Linq.Expressions.Expression]::Parameter([object])
      $body = [Linq.Expressions.Expression]::Constant($reply, [Threading.Tasks.Task[object]])
      $handler = [Linq.Expressions.Expression]::Lambda([Func[object, Threading.Tasks.Task[object]]], $body, [Linq.Expressions.ParameterExpression[]]@($parameter)).Compile()
      $null = ${bridgeType('HostRequests')}.GetMethod('Register').Invoke($null, @('host/test/large', $handler))
      $n = 0; Test-DeviceWritebackPrereq -Server crossfire | ForEach-Object { $n++ }; $n
      Test-DeviceWritebackPrereq -Server crossfire -Quiet`);
    expect(errors).to.deep.equal([]);
    expect(output).to.deep.equal([40_000, true]);
  });
});

describe('an engine whose PowerShell is gone', function () {
  this.timeout(60_000);

  it('ends with a PowerShell that ends', async () => {
    const setup = new FakeEngineSetup();
    await setup.powerShell.run('Test-DeviceWritebackPrereq -Quiet');
    const [engine] = setup.engines();
    await setup.powerShell.close();
    await eventually('the engine is gone', () => !isAlive(engine ?? 0));
    await setup.close();
  });

  it('ends with a PowerShell that is killed in the middle of a call', async () => {
    const setup = new FakeEngineSetup();
    const call = setup.powerShell.run('Test-DeviceWritebackPrereq -Server slow').catch((error: Error) => error);
    await eventually('the call is there', () => setup.received('test').length === 1);
    const [engine] = setup.engines();
    expect(isAlive(engine ?? 0)).to.equal(true);
    await setup.powerShell.kill();
    expect(await call).to.be.instanceOf(Error);
    await eventually('the engine is gone', () => !isAlive(engine ?? 0));
    await setup.close();
  });
});
