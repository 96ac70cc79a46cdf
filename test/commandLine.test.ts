import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLIENT_ID, CLIENT_SECRET, Forest, readReport } from './commands/forest.ts';
import { desiredObjects, type PlainObject } from './commands/oracle.ts';
import { newCertificate } from './graph/signingCertificate.ts';
import { KerberosClient } from './lab/kerberos.ts';

type Line = Readonly<Record<string, unknown>> & { readonly kind: string };

/** How the program ended. */
interface Ended {
  readonly code: number | null;
  readonly lines: readonly Line[];
  /** Standard error, line by line. */
  readonly complaints: readonly string[];
}

/** schemaIDGUID of displayName, as an access control entry names it. Source: [MS-ADA1]. */
const DISPLAY_NAME = 'bf967953-0de6-11d0-a285-00aa003049e2';

type Send = (signal: NodeJS.Signals) => void;

interface Watched {
  readonly environment?: Readonly<Record<string, string>>;
  readonly onStart?: (send: Send) => void;
  readonly onLine?: (line: Line, send: Send) => void;
}

const ENGINE = fileURLToPath(new URL('../module/bin/engine/engine.mjs', import.meta.url));

function textOf(object: PlainObject | null, attribute: string): string {
  return Buffer.from(object?.values[attribute]?.[0] ?? '', 'hex').toString();
}

describe('the command line without PowerShell', function () {
  this.timeout(120_000);
  let forest: Forest;
  let kerberos: KerberosClient;
  let sid: string;
  let folder: string;
  let configuration: string;

  before(async () => {
    for (const file of [
      'engine/engine.mjs',
      'edge/edge_coreclr.node',
      'services/net8.0/DeviceWriteback.Services.dll',
    ]) {
      const built = path.join(path.dirname(path.dirname(ENGINE)), file);
      if (!existsSync(built)) throw new Error(`There is no ${built}: run npm run build.`);
    }
    forest = await Forest.startPrepared();
    folder = await mkdtemp(path.join(os.tmpdir(), 'devicewriteback-command-line-'));
    const { certificate, privateKey } = await newCertificate();
    forest.tenant.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET], certificates: [certificate] });
    await writeFile(path.join(folder, 'app.pem'), certificate + privateKey, { mode: 0o600 });
    configuration = await configure('contoso.json', {});
    ({ sid } = await forest.dc.addUser('svc-linux', 'Lab-Svc-Passw0rd!'));
    await forest.dc.grantLeastRights(sid);
    kerberos = await KerberosClient.create(forest.dc, 'command-line');
    await kerberos.signInByKeytab('svc-linux');
  });

  beforeEach(() => forest.clear());

  after(async () => {
    await forest?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function configure(name: string, settings: Readonly<Record<string, unknown>>): Promise<string> {
    const file = path.join(folder, name);
    const all = {
      TenantId: forest.tenant.tenantId,
      ClientId: CLIENT_ID,
      CertificatePath: 'app.pem',
      Environment: { Graph: forest.tenant.graphUrl, Login: forest.tenant.loginUrl },
      Server: forest.dc.address,
      StatePath: forest.statePath,
      ...settings,
    };
    await writeFile(file, JSON.stringify(all));
    return file;
  }

  /** Runs the program with the service account's tickets. */
  function run(words: readonly string[], { environment = {}, onStart, onLine }: Watched = {}): Promise<Ended> {
    const child = spawn(process.execPath, [ENGINE, ...words], {
      env: { ...process.env, ...kerberos.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const send: Send = (signal) => void child.kill(signal);
    onStart?.(send);
    let said = '';
    let complaints = '';
    const lines: Line[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<Ended>();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text;
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const whole = said.split('\n');
      said = whole.pop() ?? '';
      try {
        for (const one of whole) {
          const line = JSON.parse(one) as Line;
          expect(line.kind, one).to.be.a('string');
          lines.push(line);
          onLine?.(line, send);
        }
      } catch (error) {
        child.kill('SIGKILL');
        reject(new Error(`Standard output is not one JSON object a line: ${whole.join('\n')}`, { cause: error }));
      }
    });
    child.on('error', reject).on('close', (code) => {
      if (said === '') resolve({ code, lines, complaints: complaints.split('\n').filter((line) => line !== '') });
      else reject(new Error(`Standard output ends in the middle of a line: ${said}`));
    });
    return promise;
  }

  const use = (verb: string, ...more: readonly string[]): Promise<Ended> =>
    run([verb, '--configuration', configuration, ...more]);

  /** The last line, which says how the command ended. */
  const last = ({ lines }: Ended): Line => lines.at(-1) ?? { kind: 'nothing' };
  const ofKind = ({ lines }: Ended, wanted: string): readonly Line[] => lines.filter(({ kind }) => kind === wanted);
  const errorOf = (ended: Ended): unknown => last(ended)['error'];

  function ends(ended: Ended, code: number): void {
    expect(ended.code, ended.complaints.join('\n')).to.equal(code);
  }

  it('tests, plans, writes and finds nothing more to do, signed in by Kerberos with a keytab', async () => {
    const devices = forest.addDevices(8);
    const tested = await use('test');
    expect(last(tested)).to.deep.equal({ kind: 'done', passed: true });
    ends(tested, 0);
    const protection = ofKind(tested, 'check').find(({ id }) => id === 'DirectoryProtection');
    expect(protection?.['evidence']).to.contain(
      'LDAP sealed by Kerberos (GSS-SPNEGO), server ldap/dc1.corp.contoso.test',
    );

    const usn = await forest.usn();
    const planned = await use('plan');
    ends(planned, 0);
    expect(ofKind(planned, 'change').map(({ action }) => action)).to.deep.equal(devices.map(() => 'Create'));
    expect(last(planned))
      .to.include({ kind: 'done', changes: 8, held: 0, refusal: null })
      .and.not.have.property('handle');
    expect(await forest.usn()).to.equal(usn);

    const first = await use('sync');
    ends(first, 0);
    expect(ofKind(first, 'result').map(({ state }) => state)).to.deep.equal(devices.map(() => 'Applied'));
    expect(last(first)).to.include({ kind: 'done', outcome: 'Completed', reading: 'Full', created: 8, error: null });
    expect(await readReport(String(last(first)['reportPath']))).to.include({ outcome: 'completed' });
    expect(await forest.objects()).to.deep.equal(desiredObjects(forest.tenant));

    const second = await use('sync');
    ends(second, 0);
    expect(last(second)).to.include({ outcome: 'Completed', reading: 'Delta', created: 0, updated: 0 });
    expect(last(await use('sync', '--full'))).to.include({ outcome: 'Completed', reading: 'Full', unchanged: 8 });

    for (const ended of [tested, planned, first, second]) {
      expect(ended.complaints).to.have.length(1);
      expect(ended.complaints[0]).to.match(/^warning: 127\..* is an address, so it was asked for its name/);
    }
  });

  it('says more on standard error with --verbose, and nothing that is secret', async () => {
    const { code, complaints } = await use('plan', '--verbose');
    expect(code).to.equal(0);
    const text = complaints.join('\n');
    expect(text).to.contain('verbose: Signed in to').and.to.contain('/oauth2/v2.0/token: 200');
    expect(text).to.not.match(/eyJ[\w-]+\.eyJ|PRIVATE KEY/);
  });

  it('ends with 1 where a check fails', async () => {
    forest.tenant.apps.grant(CLIENT_ID, []);
    try {
      const ended = await use('test');
      ends(ended, 1);
      expect(last(ended)).to.deep.equal({ kind: 'done', passed: false });
      expect(ofKind(ended, 'check').find(({ id }) => id === 'GraphDevices')).to.include({ state: 'Fail' });
    } finally {
      forest.tenant.apps.grant(CLIENT_ID, ['Device.Read.All', 'User.Read.All', 'Organization.Read.All']);
    }
  });

  describe('ends with 1, and one line that says why,', () => {
    async function fails(ended: Ended, code: string): Promise<void> {
      ends(ended, 1);
      expect(last(ended)).to.have.property('kind', 'error');
      expect(errorOf(ended)).to.include({ code });
      expect(ended.complaints.filter((line) => !line.startsWith('warning: '))).to.have.length(1);
      expect(ended.complaints.at(-1)).to.match(new RegExp(`^${code}: `));
    }

    it('without a ticket', async () => {
      const environment = { KRB5CCNAME: `FILE:${path.join(folder, 'no-ticket')}` };
      await fails(await run(['sync', '--configuration', configuration], { environment }), 'DirectoryBindRefused');
    });

    it('with a configuration that cannot be used', async () => {
      const broken = await configure('broken.json', { ClientSecret: 'Broken-5ecret' });
      const ended = await run(['sync', '--configuration', broken]);
      await fails(ended, 'ConfigurationInvalid');
      expect(JSON.stringify(ended)).to.not.contain('Broken-5ecret');
      await fails(await run(['plan', '--configuration', path.join(folder, 'absent.json')]), 'ConfigurationInvalid');
    });

    it('where the domain controller cannot be reached', async () => {
      const elsewhere = await configure('elsewhere.json', { Server: `${forest.dc.address}:9` });
      await fails(await run(['sync', '--configuration', elsewhere]), 'DirectoryUnreachable');
    });

    it('where the application is refused', async () => {
      const stranger = await configure('stranger.json', { ClientId: '11111111-2222-4333-8444-555555555555' });
      await fails(await run(['sync', '--configuration', stranger]), 'SignInRefused');
    });

    for (const [what, words] of [
      ['with a command that there is not', ['write', '--configuration', 'x.json']],
      ['with two commands', ['plan', 'sync', '--configuration', 'x.json']],
      ['without a configuration', ['sync']],
      ['with an option that has no value', ['sync', '--configuration']],
      ['with an option that there is not', ['sync', '--configuration', 'x.json', '--password=Argument-5ecret']],
      ['with a number that is none', ['sync', '--configuration', 'x.json', '--maximum-removal', '-1']],
      ['with an option of another command', ['test', '--configuration', 'x.json', '--full']],
    ] as const) {
      it(what, async () => {
        const ended = await run(words);
        await fails(ended, 'ParameterInvalid');
        expect(ended.complaints[0]).to.contain('usage: node engine.mjs test|plan|sync --configuration FILE');
        expect(JSON.stringify(ended)).to.not.contain('Argument-5ecret');
      });
    }
  });

  it('ends with 2 where the directory refuses a change, and does the others', async () => {
    const [denied, other] = forest.addDevices(2);
    if (denied === undefined || other === undefined) throw new Error('Two devices were added.');
    ends(await use('sync'), 0);
    await forest.dc.addAccess(forest.dnOf(denied), `(OD;;WP;${DISPLAY_NAME};;${sid})`);
    for (const { id } of [denied, other]) forest.tenant.devices.update(id, { displayName: 'Renamed' });
    const ended = await use('sync');
    ends(ended, 2);
    expect(last(ended)).to.include({ kind: 'done', outcome: 'Failures', updated: 1, failed: 1, error: null });
    expect(ofKind(ended, 'error')).to.have.length(1);
    expect(ended.complaints.filter((line) => line.includes(String(denied['deviceId'])))).to.have.length(1);
    expect(textOf(await forest.object(other), 'displayName')).to.equal('Renamed');
    expect(textOf(await forest.object(denied), 'displayName')).to.equal(denied['displayName']);
  });

  it('ends with 3 where too much would be removed, and removes it when it is told how much', async () => {
    const devices = forest.addDevices(8);
    ends(await use('sync'), 0);
    for (const { id } of devices.slice(0, 6)) forest.tenant.devices.purge(id);
    for (const verb of ['plan', 'sync']) {
      const ended = await use(verb, '--full');
      ends(ended, 3);
      expect(last(ended).kind).to.equal('done');
      expect(ended.complaints.filter((line) => /^(RemovalThreshold|SourceTooSmall): /.test(line))).to.have.length(1);
    }
    expect(
      [...(await forest.objects()).values()].filter((object) => textOf(object, 'msDS-IsEnabled') === 'TRUE'),
    ).to.have.length(8);
    const allowed = await use('sync', '--full', '--maximum-removal', '6');
    ends(allowed, 0);
    expect(last(allowed)).to.include({ outcome: 'Completed', disabled: 6 });
  });

  describe('when it is told to stop', () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`by ${signal} in the middle of a sync, ends with a report and 1, and the next sync does the rest`, async () => {
        forest.addDevices(200);
        let results = 0;
        const ended = await run(['sync', '--configuration', configuration], {
          onLine: ({ kind }, send) => {
            results += kind === 'result' ? 1 : 0;
            if (results === 1) send(signal);
          },
        });
        ends(ended, 1);
        const written = (await forest.objects()).size;
        expect(written).to.be.within(1, 199);
        const done = last(ended);
        expect(done).to.include({ kind: 'done', outcome: 'Cancelled', created: written, cancelled: 200 - written });
        expect(errorOf(ended)).to.include({ code: 'Cancelled' });
        expect(await readReport(String(done['reportPath']))).to.include({ outcome: 'cancelled' });
        expect(ended.complaints.at(-1)).to.match(/^Cancelled: /);
        const rest = await use('sync');
        ends(rest, 0);
        expect(last(rest)).to.include({ outcome: 'Completed', created: 200 - written });
      });
    }

    it('while it waits for Entra, ends at once with 1', async () => {
      let asked = (): void => undefined;
      forest.tenant.faults.add({
        when: ({ kind }) => {
          if (kind === 'graph') asked();
          return kind === 'graph';
        },
        times: 5,
        action: { kind: 'delay', milliseconds: 30_000 },
      });
      let stopped = 0;
      const ended = await run(['sync', '--configuration', configuration], {
        onStart: (send) => {
          asked = () => {
            stopped = performance.now();
            send('SIGTERM');
          };
        },
      });
      expect(performance.now() - stopped).to.be.below(5000);
      ends(ended, 1);
      expect(last(ended).kind).to.equal('error');
      expect(errorOf(ended)).to.include({ code: 'Cancelled' });
      expect((await forest.objects()).size).to.equal(0);
    });
  });

  it('finishes the run where nobody reads its output any longer', async () => {
    forest.addDevices(20);
    const child = spawn(process.execPath, [ENGINE, 'sync', '--configuration', configuration], {
      env: { ...process.env, ...kerberos.environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).to.equal(0);
    expect((await forest.objects()).size).to.equal(20);
    const [report] = await forest.reports();
    expect(report).to.include({ outcome: 'completed' });
  });
});
