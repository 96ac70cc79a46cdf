import { createHash, verify, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import type { ErrorData } from '../../src/errors.ts';
import { createHostServicesOverEdge } from '../../src/host/overEdge.ts';
import { runProgram } from '../lab/program.ts';
import { createStoreAccount, thumbprintOf } from './certificates.ts';
import { failureOf } from './failureOf.ts';
import { BIN_FOLDER, type Environment } from './ways.ts';

const NO_WAY = /^Loading \.NET into the engine: /;
const TWO_WAYS_ON = /PowerShell 7\.4 or later, or connect by LDAPS/;
const ATTEMPT = path.join(import.meta.dirname, 'edgeAttempt.ts');
const CANARY = path.join(import.meta.dirname, 'edgeCanary.ts');
const BUILD = path.join(import.meta.dirname, '../../build/edge.mjs');

describe('host services over edge-js', function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bin-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** A copy of module/bin with both parts, for a test to break. */
  const copyBin = (): void => {
    for (const part of ['edge', 'services'])
      cpSync(path.join(BIN_FOLDER, part), path.join(folder, part), { recursive: true });
  };

  const attempt = async (environment: Environment = {}): Promise<ErrorData> =>
    JSON.parse(await runProgram(process.execPath, [ATTEMPT, folder], { environment })) as ErrorData;

  it('touches nothing of .NET before it is needed', () => {
    expect(createHostServicesOverEdge(folder)).to.have.property('negotiate');
    expect(readFileSync('/proc/self/maps', 'utf8')).to.not.include('libcoreclr');
  });

  it('names the file that is missing and the ways on', async () => {
    const error = await failureOf(createHostServicesOverEdge(folder).protectSecret(Buffer.from('x')));
    expect(error.code).to.equal('HostServiceUnavailable');
    expect(error.message)
      .to.match(NO_WAY)
      .and.to.include(path.join(folder, 'edge', 'edge_coreclr.node'));
    expect(error.remedy).to.match(TWO_WAYS_ON);
  });

  it('says which runtime did not start', async () => {
    copyBin();
    const dotnet = path.join(folder, 'dotnet');
    mkdirSync(path.join(dotnet, 'shared/Microsoft.NETCore.App/9.0.1'), { recursive: true });
    writeFileSync(path.join(dotnet, 'dotnet'), '', { mode: 0o755 });
    const error = await attempt({ DOTNET_ROOT: dotnet });
    expect(error.code).to.equal('HostServiceUnavailable');
    expect(error.message).to.match(NO_WAY).and.to.include(`the runtime 9.0.1 in ${dotnet} did not start`);
    expect(error.remedy).to.match(TWO_WAYS_ON);
  });

  it('says that its own assembly cannot be loaded', async () => {
    copyBin();
    rmSync(path.join(folder, 'edge', 'EdgeJs.dll'));
    const error = await attempt();
    expect(error.code).to.equal('HostServiceUnavailable');
    expect(error.message).to.match(NO_WAY);
    expect(error.remedy).to.match(TWO_WAYS_ON);
  });

  it('says that a .NET without Negotiate is too old', async () => {
    copyBin();
    const assembly = path.join(folder, 'services', 'net8.0', 'DeviceWriteback.Services.dll');
    cpSync(path.join(folder, 'services', 'netstandard2.0', 'DeviceWriteback.Services.dll'), assembly);
    const error = await attempt();
    expect(error.code).to.equal('HostServiceUnavailable');
    expect(error.message).to.include('cannot seal a connection with Kerberos');
    expect(error.remedy).to.match(TWO_WAYS_ON);
  });

  it('refuses a thread that is not the main one', async () => {
    copyBin();
    const worker = new Worker(ATTEMPT, { argv: [folder], stdout: true });
    const error = JSON.parse(await text(worker.stdout)) as ErrorData;
    expect(error.code).to.equal('HostServiceUnavailable');
    expect(error.message).to.include('main thread');
  });

  it('is built against the Node of this checkout, whatever the npm of the account is set to', async () => {
    const include = path.join(folder, 'node', 'include', 'node');
    mkdirSync(include, { recursive: true });
    for (const file of ['common.gypi', 'config.gypi']) writeFileSync(path.join(include, file), '{}');
    writeFileSync(path.join(folder, 'binding.gyp'), '{ "targets": [{ "target_name": "nothing", "type": "none" }] }');
    const code =
      'const [build, folder] = process.argv.slice(1); (await import(build)).configureNative(folder, `${folder}/node`)';
    await runProgram(process.execPath, ['--input-type=module', '-e', code, BUILD, folder], {
      environment: { npm_config_nodedir: '/usr', NPM_CONFIG_NODEDIR: '/usr' },
    });
    const made = readFileSync(path.join(folder, 'build', 'config.gypi'), 'utf8');
    expect(made).to.include(`"nodedir": "${folder}/node"`).and.not.include('"/usr"');
  });

  it('keeps the OpenSSL of Node and that of .NET apart, and standard output clean', async () => {
    mkdirSync(folder, { recursive: true });
    const account = createStoreAccount();
    try {
      const certificate = await account.add('rsa:2048');
      // What a previous process may have left: edge-js would write debug text to standard output, or load other code.
      const environment = {
        ...account.environment,
        EDGE_DEBUG: '1',
        EDGE_APP_ROOT: folder,
        EDGE_BOOTSTRAP_DIR: folder,
      };
      const output = await runProgram(process.execPath, [CANARY, BIN_FOLDER, thumbprintOf(certificate)], {
        environment,
      });
      const told = JSON.parse(output) as Record<string, string> & { hashes: string[]; edgeVariables: string[] };
      const hash = createHash('sha256').update('canary').digest('hex');
      expect(told.hashes).to.deep.equal([hash, hash, hash]);
      const found = new X509Certificate(Buffer.from(told['certificate'] ?? '', 'base64'));
      expect(found.fingerprint256).to.equal(certificate.fingerprint256);
      const signature = Buffer.from(told['signature'] ?? '', 'base64');
      expect(verify('sha256', Buffer.from('canary'), certificate.publicKey, signature)).to.equal(true);
      expect(told.edgeVariables).to.not.include.members(['EDGE_DEBUG']).and.not.include('EDGE_BOOTSTRAP_DIR');
    } finally {
      account.remove();
    }
  });
});
