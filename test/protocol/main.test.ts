import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PROTOCOL_VERSION, type CommonParams, type Method } from '../../src/protocol/messages.ts';
import { startEngine, type EngineClient } from './engineClient.ts';

const BLOCKING = fileURLToPath(new URL('blockingOutput.ts', import.meta.url));
const UNKNOWN = 'no/such' as Method;
const SECRETS = ['Client-5ecret-value', 'Directory-5ecret-value'] as const;

/** A server that takes connections and never answers. */
class SilentServer {
  connections = 0;
  readonly #server: Server;
  #reached: () => void = () => undefined;
  readonly reached = new Promise<void>((resolve) => {
    this.#reached = resolve;
  });

  constructor() {
    this.#server = createServer((socket) => {
      this.connections += 1;
      socket.on('error', () => undefined).unref();
      this.#reached();
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#server.unref();
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    return `127.0.0.1:${address.port}`;
  }

  stop(): void {
    this.#server.close();
  }
}

function paramsFor(address: string): CommonParams {
  return {
    tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
    clientSecretCredential: { userName: '0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f', password: SECRETS[0] },
    environment: { graph: `http://${address}`, login: `http://${address}` },
    server: address,
    credential: { userName: 'svc@corp.contoso.test', password: SECRETS[1] },
  };
}

describe('the engine process', () => {
  let engine: EngineClient;
  let silent: SilentServer;
  let address: string;

  beforeEach(async () => {
    silent = new SilentServer();
    address = await silent.start();
    engine = await startEngine();
  });

  afterEach(async () => {
    await engine.end();
    silent.stop();
  });

  it('says hello in its first line, and ends with 0 when its input does', async () => {
    const { code, milliseconds } = await engine.end();
    expect(code).to.equal(0);
    expect(milliseconds).to.be.below(2000);
    const [first] = engine.lines;
    expect(JSON.parse(first ?? '')).to.have.nested.property('params.protocol', PROTOCOL_VERSION);
    expect(engine.hello.node).to.equal(process.versions.node);
    expect(engine.lines).to.have.length(1);
    expect(engine.complaints).to.equal('');
  });

  it('writes nothing but ASCII, in lines under 1 MB, whatever it is sent', async () => {
    const name = `Zoë 📱 \ud83d ${'会'.repeat(400_000)}`;
    const { error } = await engine.call(name as Method, {});
    expect(error?.message).to.match(/^No method Zoë 📱/);
    expect(Math.max(...engine.lines.map((line) => line.length))).to.be.within(100_000, 1_000_000);
    expect(engine.lines.every((line) => /^[ -~]*$/.test(line))).to.equal(true);
  });

  it('survives a malformed line and tells it', async () => {
    const told = engine.line((line) => line.includes('-32700'));
    engine.write('{"jsonrpc":"2.0","id":"c9","method":"plan"');
    expect(JSON.parse(await told)).to.include({ id: null });
    expect((await engine.call(UNKNOWN, {})).error?.message).to.equal('No method no/such.');
  });

  it('ignores SIGINT, which a terminal sends to it with the host', async () => {
    process.kill(engine.pid, 'SIGINT');
    await delay(50);
    process.kill(engine.pid, 'SIGINT');
    expect((await engine.call(UNKNOWN, {})).error?.message).to.equal('No method no/such.');
  });

  it('stops a call that waits for a silent server within 2 s', async () => {
    for (const method of ['test', 'plan'] as const) {
      const call = engine.start(method, paramsFor(address));
      await silent.reached;
      await delay(100);
      const started = performance.now();
      call.cancel();
      const { error } = await call.answer;
      expect(error?.code, method).to.equal('Cancelled');
      expect(performance.now() - started, method).to.be.below(2000);
    }
  });

  it('ends within 2 s of the end of its input in the middle of a call', async () => {
    const { answer } = engine.start('plan', paramsFor(address));
    await silent.reached;
    const { code, milliseconds } = await engine.end();
    expect(code).to.equal(0);
    expect(milliseconds).to.be.below(2000);
    expect((await answer).error?.code).to.equal('Cancelled');
  });

  it('ends quietly when the host drops both pipes in the middle of a call', async () => {
    const { answer } = engine.start('plan', paramsFor(address));
    const lost = answer.catch((error: unknown) => error);
    await silent.reached;
    const { code, milliseconds } = await engine.abandon();
    expect(code).to.equal(0);
    expect(milliseconds).to.be.below(2000);
    expect(await lost).to.be.instanceOf(Error);
    expect(engine.complaints).to.equal('');
  });

  it('has no secret on its command line, in its environment or in what it writes', async () => {
    const call = engine.start('plan', paramsFor(address));
    await silent.reached;
    const command = readFileSync(`/proc/${engine.pid}/cmdline`, 'utf8');
    const environment = readFileSync(`/proc/${engine.pid}/environ`, 'utf8');
    call.cancel();
    expect((await call.answer).error?.code).to.equal('Cancelled');
    for (const secret of SECRETS) {
      expect(command).to.contain('main.ts').and.not.contain(secret);
      expect(environment).to.not.contain(secret);
      expect(engine.lines.join('\n')).to.not.contain(secret);
    }
    expect(engine.complaints).to.equal('');
  });

  it('keeps what a library prints out of the protocol', async () => {
    const program = `import(${JSON.stringify(new URL('../../src/main.ts', import.meta.url).href)});
      setTimeout(() => { console.log('library news'); process.stdout.write('more news\\n'); }, 300);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'pipe' });
    let output = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (complaints += String(chunk)));
    while (!complaints.includes('more news')) await delay(20);
    child.stdin.end();
    await new Promise((resolve) => child.once('close', resolve));
    expect(complaints).to.equal('library news\nmore news\n');
    expect(output.trimEnd().split('\n')).to.have.length(1);
    expect(output).to.contain('$/hello');
  });

  for (const [title, nodeArguments] of [
    ['that does not block', []],
    ['that blocks, as on Windows', ['--import', BLOCKING]],
  ] as const) {
    it(`loses no line on an output ${title}, though the host reads late and ends the input at once`, async () => {
      const other = await startEngine(undefined, { nodeArguments });
      other.pause();
      const calls = Array.from({ length: 500 }, (_, index) =>
        other.call(`unknown/${index}/${'x'.repeat(2000)}` as Method, {}),
      );
      const end = other.end();
      await delay(300);
      other.resume();
      const answers = await Promise.all(calls);
      expect(answers.every(({ error }, index) => error?.message.startsWith(`No method unknown/${index}/`))).to.equal(
        true,
      );
      expect((await end).code).to.equal(0);
      expect(other.lines).to.have.length(501);
    });
  }
});
