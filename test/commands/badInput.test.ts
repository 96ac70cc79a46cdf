import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ERROR_CODES, type ErrorData } from '../../src/errors.ts';
import { selfSignedCertificate } from '../emulator/selfSignedCertificate.ts';
import { startEngine } from '../protocol/engineClient.ts';
import { CLIENT_ID, CLIENT_SECRET, Forest } from './forest.ts';

const METHODS = ['plan', 'explain'] as const;

describe('bad input', () => {
  let forest: Forest;
  let folder: string;

  before(async () => {
    forest = await Forest.startPrepared();
    folder = await mkdtemp(path.join(os.tmpdir(), 'devicewriteback-input-'));
  });

  after(async () => {
    await forest.stop();
    await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    await forest.clear();
    forest.addDevices(3);
  });

  /** The methods that read for a sync end in this one error, after which nothing is written anywhere. */
  async function expectRefused(
    code: keyof typeof ERROR_CODES,
    words: RegExp,
    more: Readonly<Record<string, unknown>>,
    methods: readonly (typeof METHODS)[number][] = METHODS,
  ): Promise<ErrorData> {
    const usn = await forest.usn();
    let told: ErrorData | null = null;
    for (const method of methods) {
      const { error, result } = await forest.engine.call(method, { ...forest.params, devices: ['x'], ...more });
      expect(result).to.equal(null);
      expect(error?.message ?? '').to.match(words);
      expect(error).to.include({ code, category: ERROR_CODES[code] });
      expect(error?.message).to.match(/^[^\n]+$/);
      expect(error?.remedy).to.match(/^[^\n]{5,}$/);
      told = error;
    }
    if (told === null) throw new Error('There is no error.');
    const secrets = [CLIENT_SECRET, forest.account.password];
    for (const secret of secrets) expect(JSON.stringify(told)).to.not.contain(secret);
    expect(await forest.usn()).to.equal(usn);
    expect(await forest.stateFiles()).to.deep.equal([]);
    return told;
  }

  async function file(name: string, content: string): Promise<string> {
    const where = path.join(folder, name);
    await writeFile(where, content);
    return where;
  }

  describe('of the directory', () => {
    it('tells a domain controller that nobody answers for', async () => {
      const error = await expectRefused('DirectoryUnreachable', /127\.0\.0\.1:1\b/, { server: '127.0.0.1:1' });
      expect(error.target).to.equal('127.0.0.1:1');
    });

    it('tells a domain controller whose name is not known', async () => {
      await expectRefused('DirectoryUnreachable', /dc\.no-such-domain\.invalid/, {
        server: 'dc.no-such-domain.invalid',
      });
    });

    it('tells a wrong password, with the account', async () => {
      const { userName } = forest.account;
      const error = await expectRefused('DirectoryBindRefused', new RegExp(userName), {
        credential: { userName, password: 'Wr0ng-Passw0rd!' },
      });
      expect(JSON.stringify(error)).to.not.contain('Wr0ng');
    });

    it('tells an account that is not there', async () => {
      await expectRefused('DirectoryBindRefused', /nobody@/, {
        credential: { userName: 'nobody@corp.contoso.test', password: 'Wr0ng-Passw0rd!' },
      });
    });

    it('tells a certificate whose authority is not trusted', async () => {
      await expectRefused('DirectoryUntrusted', /certificate/, { trustedCertificate: null });
    });

    it('tells an authority file that is not there', async () => {
      await expectRefused('CertificateUnusable', /none\.pem/, { trustedCertificate: path.join(folder, 'none.pem') });
    });

    for (const [kind, words] of [
      ['expired', /expired/],
      ['otherHost', /127\.0\.\d+\.\d+/],
    ] as const) {
      it(`tells a certificate of the domain controller of kind ${kind}`, async () => {
        const other = await Forest.start({ certificate: kind });
        try {
          const { error } = await other.engine.call('plan', other.params);
          expect(error).to.include({ code: 'DirectoryUntrusted', category: 'SecurityError' });
          expect(error?.message).to.match(words);
          expect(error?.remedy).to.not.equal('');
        } finally {
          await other.stop();
        }
      });
    }
  });

  describe('of the source', () => {
    it('tells a wrong secret, with the words of Entra', async () => {
      await expectRefused('SignInRefused', /AADSTS7000215/, {
        clientSecretCredential: { userName: CLIENT_ID, password: 'Wr0ng-5ecret' },
      });
    });

    it('tells an application that the tenant does not have', async () => {
      await expectRefused('SignInRefused', /AADSTS700016/, {
        clientSecretCredential: { userName: '99999999-2222-3333-4444-555555555555', password: CLIENT_SECRET },
      });
    });

    it('tells an expired client certificate by its date, and an unknown one by its thumbprint', async () => {
      const expired = selfSignedCertificate('Expired', new Date('2025-01-31T00:00:00Z'));
      const unknown = selfSignedCertificate('Unknown');
      const certificate = { clientId: CLIENT_ID, clientSecretCredential: null };
      await expectRefused('CertificateExpired', /2025-01-31/, {
        ...certificate,
        certificatePath: await file('expired.pem', expired.certificate + expired.privateKey),
      });
      await expectRefused('SignInRefused', /AADSTS700027/, {
        ...certificate,
        certificatePath: await file('unknown.pem', unknown.certificate + unknown.privateKey),
      });
    });

    it('tells a certificate file that is not there, has no key, or is none', async () => {
      const certificate = { clientId: CLIENT_ID, clientSecretCredential: null };
      for (const [name, content] of [
        ['missing.pem', null],
        ['keyless.pem', selfSignedCertificate('Keyless').certificate],
        ['text.pem', 'no certificate'],
      ] as const) {
        const certificatePath = content === null ? path.join(folder, name) : await file(name, content);
        await expectRefused('CertificateUnusable', new RegExp(name), { ...certificate, certificatePath });
      }
    });

    it('tells a sign-in address that nobody answers for', async () => {
      forest.tenant.faults.add({
        when: (request) => request.kind === 'token',
        times: 1000,
        action: { kind: 'resetBeforeHeaders' },
      });
      await expectRefused('SignInUnreachable', /127\.0\.0\.1/, {}, ['plan']);
    });

    it('tells a 403 from Graph, with the permission that is needed', async () => {
      forest.tenant.apps.grant(CLIENT_ID, ['Organization.Read.All']);
      // A token carries the permissions of the time when it was issued.
      await restartEngine();
      const error = await expectRefused('GraphForbidden', /403|Insufficient privileges/, {});
      expect(error.remedy).to.contain('Device.Read.All');
      forest.tenant.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] });
      await restartEngine();
    });

    it('tells a device without an id, which no plan can be trusted after', async () => {
      forest.tenant.faults.add({
        when: (request) => request.kind === 'graph' && request.path === '/v1.0/devices',
        times: 1000,
        action: {
          kind: 'alter',
          change: (answer) => {
            const body = answer.body as { readonly value: readonly object[] };
            return { ...answer, body: { ...body, value: body.value.map((one) => ({ ...one, id: undefined })) } };
          },
        },
      });
      await expectRefused('GraphAnswerInvalid', /id/, {});
    });

    it('refuses plain HTTP to anything but this machine', async () => {
      await expectRefused('ParameterInvalid', /graph\.example\.com/, {
        environment: { graph: 'http://graph.example.com', login: forest.tenant.loginUrl },
      });
    });
  });

  describe('of parameters', () => {
    it('tells each one that is missing, and how to give it', async () => {
      for (const [name, more] of [
        ['TenantId', { tenantId: null }],
        ['ClientId', { clientSecretCredential: null, certificatePath: '/a.pem' }],
        ['CertificatePath', { clientSecretCredential: null, clientId: CLIENT_ID }],
      ] as const) {
        const error = await expectRefused('ParameterMissing', new RegExp(`^${name}`), more);
        expect(error.target).to.equal(name);
        expect(error.remedy).to.contain(`-${name}`);
      }
    });

    it('tells what is no GUID', async () => {
      await expectRefused('ParameterInvalid', /TenantId "contoso\.com" is no GUID/, { tenantId: 'contoso.com' });
      await expectRefused('ParameterInvalid', /ClientId "x" is no GUID/, { clientId: 'x' });
    });

    it('refuses both ways to sign in at once', async () => {
      await expectRefused('ParameterInvalid', /two ways|only one|more than one/i, { certificatePath: '/a.pem' });
    });

    it('refuses an empty password, which would bind as nobody', async () => {
      const { userName } = forest.account;
      await expectRefused('ParameterInvalid', /Credential/, { credential: { userName, password: '' } });
    });

    it('tells a configuration file that is not there, and the place of what is wrong in one', async () => {
      const missing = path.join(folder, 'none.json');
      const error = await expectRefused('ConfigurationInvalid', /none\.json: there is no such file/, {
        configurationPath: missing,
      });
      expect(error.target).to.equal(missing);
      const configurationPath = await file('wrong.json', '{\n  "TenantId": "contoso.com"\n}\n');
      await expectRefused('ConfigurationInvalid', /line 2, column 15: TenantId must be a GUID/, { configurationPath });
    });

    it('takes from a configuration file what is not given, and lets what is given beat it', async () => {
      const { tenantId, server, trustedCertificate, environment, statePath, ...secrets } = forest.params;
      const content = { TenantId: tenantId, Server: '127.0.0.1:1', TrustedCertificate: trustedCertificate };
      const configurationPath = await file('good.json', JSON.stringify(content));
      const { error, result } = await forest.engine.call('plan', {
        ...secrets,
        configurationPath,
        environment,
        server,
        statePath,
      });
      expect(error).to.equal(null);
      expect(result).to.include({ changes: 3 });
    });
  });

  async function restartEngine(): Promise<void> {
    await forest.engine.end();
    forest.engine = await startEngine();
  }
});
