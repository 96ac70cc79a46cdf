import { expect } from 'chai';
import { policyOf, readOptions, sourceSettings as sourceSettingsOf, type Options } from '../../src/commands/options.ts';
import { WritebackError } from '../../src/errors.ts';
import type { Outside, SourceSettings } from '../../src/ports.ts';
import { RecordedOutputs } from './recordedOutputs.ts';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const CLIENT = '0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f';
const SECRET = { userName: CLIENT, password: 'Client-5ecret' };

/** An outside that has nothing but this configuration file. */
function outsideWith(content: Readonly<Record<string, unknown>>): Outside {
  const refuse = (): never => {
    throw new Error('Options ask the outside for the configuration file alone.');
  };
  return {
    clock: { now: refuse, sleep: refuse },
    readConfiguration: (path: string) => ({ ...content, path }),
    readCertificates: refuse,
    openSource: refuse,
    openDirectory: refuse,
    savePlan: refuse,
    saveText: refuse,
    loadPlan: refuse,
    writeReportPage: refuse,
    openRunFiles: refuse,
  };
}

describe('commands/options', () => {
  function read(params: unknown, file: Readonly<Record<string, unknown>> = {}): Options {
    return readOptions(params, outsideWith(file), new RecordedOutputs().log);
  }

  function sourceSettings(options: Options): SourceSettings {
    return sourceSettingsOf(options, new RecordedOutputs().log);
  }

  function errorOf(act: () => unknown): WritebackError {
    try {
      act();
    } catch (thrown) {
      if (thrown instanceof WritebackError) return thrown;
      throw thrown;
    }
    throw new Error('It was accepted.');
  }

  it('reads the file that is named, and what was given beats it', () => {
    const options = read({ configurationPath: '/c.json', server: 'given' }, { server: 'file', tenantId: TENANT });
    expect(options.text('server')).to.equal('given');
    expect(options.text('tenantId')).to.equal(TENANT);
    expect(options.text('path')).to.equal('/c.json');
  });

  it('takes null and what is missing for not given', () => {
    const options = read({ server: null });
    expect(options.text('server')).to.equal(null);
    expect(options.texts('devices')).to.deep.equal([]);
    expect(options.count('deleteAfter')).to.equal(null);
    expect(options.flag('keepRemoved')).to.equal(null);
    expect(options.credential('credential')).to.equal(null);
    expect(read('no object').text('server')).to.equal(null);
  });

  it('registers every password as a secret before anything else is said', () => {
    const said = new RecordedOutputs();
    const credential = { userName: 'u', password: 'Directory-5ecret' };
    readOptions({ clientSecretCredential: SECRET, credential }, outsideWith({}), said.log);
    said.log.verbose(`${SECRET.password} ${credential.password}`);
    expect(said.messages[0]?.message).to.equal('[redacted] [redacted]');
  });

  for (const [name, value, ask] of [
    ['server', '  ', (options: Options) => options.text('server')],
    ['server', 5, (options: Options) => options.text('server')],
    ['devices', ['a', ''], (options: Options) => options.texts('devices')],
    ['deleteAfter', -1, (options: Options) => options.count('deleteAfter')],
    ['deleteAfter', 1.5, (options: Options) => options.count('deleteAfter')],
    ['deleteAfter', '30', (options: Options) => options.count('deleteAfter')],
    ['keepRemoved', 'true', (options: Options) => options.flag('keepRemoved')],
    ['environment', { graph: 'http://x' }, (options: Options) => options.environment()],
  ] as const) {
    it(`refuses ${JSON.stringify(value)} as ${name}, naming the parameter`, () => {
      const error = errorOf(() => ask(read({ [name]: value })));
      const parameter = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      expect(error).to.include({ code: 'ParameterInvalid', target: parameter });
      expect(error.message).to.match(new RegExp(`^${parameter} must be `));
    });
  }

  it('refuses a credential without a password, which would bind as nobody, and one without a name', () => {
    for (const credential of [
      { userName: 'u', password: '' },
      { userName: '', password: 'p' },
      { userName: 'u' },
      'u:p',
    ]) {
      const error = errorOf(() => read({ credential }));
      expect(error).to.include({ code: 'ParameterInvalid', target: 'Credential' });
    }
  });

  describe('sourceSettings', () => {
    it('takes tenant, client and secret; GUIDs in lower case; the client of the credential where none is given', () => {
      const { tenantId, clientId, environment, credential } = sourceSettings(
        read({ tenantId: TENANT.toUpperCase(), clientSecretCredential: SECRET }),
      );
      expect({ tenantId, clientId, environment }).to.deep.equal({
        tenantId: TENANT,
        clientId: CLIENT,
        environment: 'Global',
      });
      expect(credential).to.deep.include({ kind: 'secret', secret: SECRET.password });
    });

    it('takes a certificate file', () => {
      const { credential } = sourceSettings(read({ tenantId: TENANT, clientId: CLIENT, certificatePath: '/c.pem' }));
      expect(credential).to.deep.include({ kind: 'certificate', path: '/c.pem' });
    });

    it('takes the base addresses of a custom environment', () => {
      const environment = { graph: 'http://127.0.0.1:1', login: 'http://127.0.0.1:2' };
      const options = read({ tenantId: TENANT, clientSecretCredential: SECRET, environment });
      expect(sourceSettings(options).environment).to.deep.equal(environment);
    });

    it('refuses to choose between a certificate and a secret', () => {
      const params = { tenantId: TENANT, clientId: CLIENT, certificatePath: '/c.pem', clientSecretCredential: SECRET };
      expect(errorOf(() => sourceSettings(read(params)))).to.include({ code: 'ParameterInvalid' });
    });

    it('gives the limits of time and of a wait in milliseconds', () => {
      const given = { tenantId: TENANT, clientSecretCredential: SECRET, graphTimeLimit: 30, graphWaitLimit: 5 };
      expect(sourceSettings(read(given))).to.include({ timeLimit: 1_800_000, waitLimit: 5000 });
    });

    it('refuses a client id that is not the one of the secret, and lets the secret of a parameter replace that of a file', () => {
      const both = { tenantId: TENANT, clientId: TENANT, clientSecretCredential: SECRET };
      expect(errorOf(() => sourceSettings(read(both)))).to.include({ code: 'ParameterInvalid', target: 'ClientId' });
      const params = { configurationPath: '/c.json', clientSecretCredential: SECRET };
      expect(sourceSettings(read(params, { tenantId: TENANT, clientId: TENANT })).clientId).to.equal(CLIENT);
    });

    it('lets a way to sign in that is a parameter replace the one of the file', () => {
      const file = { tenantId: TENANT, clientId: CLIENT, certificatePath: '/c.pem' };
      const options = read({ configurationPath: '/c.json', clientSecretCredential: SECRET }, file);
      expect(sourceSettings(options).credential).to.deep.equal({ kind: 'secret', secret: SECRET.password });
    });

    it('says what is missing', () => {
      const withoutTenant = { clientId: CLIENT, certificatePath: '/c.pem' };
      expect(errorOf(() => sourceSettings(read(withoutTenant)))).to.include({
        code: 'ParameterMissing',
        target: 'TenantId',
      });
      const withTenant = { tenantId: TENANT, certificatePath: '/c.pem' };
      expect(errorOf(() => sourceSettings(read(withTenant)))).to.include({
        code: 'ParameterMissing',
        target: 'ClientId',
      });
    });
  });

  it('has a policy of 30 days, deletes and thresholds where nothing is given', () => {
    expect(policyOf(read({}))).to.deep.equal({
      deleteAfterDays: 30,
      keepRemoved: false,
      maximumRemoval: null,
      adopt: false,
    });
    expect(policyOf(read({ deleteAfter: 0, keepRemoved: true, maximumRemoval: 0 }))).to.deep.equal({
      deleteAfterDays: 0,
      keepRemoved: true,
      maximumRemoval: 0,
      adopt: false,
    });
  });
});
