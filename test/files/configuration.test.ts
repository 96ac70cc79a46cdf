import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import { readConfiguration, type Configuration } from '../../src/files/configuration.ts';
import { temporaryFolders } from './samples.ts';

const GUID = '8d1c1f2e-4b3a-4c5d-9e6f-0a1b2c3d4e5f';
const SCHEMA = new URL('../../docs/configuration.schema.json', import.meta.url);

const FULL = {
  $schema: './configuration.schema.json',
  TenantId: GUID.toUpperCase(),
  ClientId: GUID,
  CertificatePath: 'sync.pem',
  CertificateThumbprint: '0123456789abcdef0123456789ABCDEF01234567',
  Environment: 'USGov',
  Server: 'dc1.corp.contoso.test',
  TrustedCertificate: '../ca.pem',
  DomainName: 'corp.contoso.test',
  StatePath: '/srv/state',
  AdConnectorAccount: 'CORP\\svc-sync$',
  DeleteAfter: 30,
  KeepRemoved: false,
  FullAfter: 24,
  TrustType: ['AzureAd', 'ServerAd'],
  OperatingSystem: ['Windows'],
  Group: [GUID.toUpperCase()],
  ManagedIdentity: true,
  AuthType: 'Negotiate',
  StartTls: false,
  DirectoryCertificatePath: '../client.pfx',
};

const ACCEPTED: readonly unknown[] = [
  {},
  FULL,
  { tenantid: GUID, CLIENTID: GUID, deleteAFTER: 0, keepremoved: true },
  { DeleteAfter: 36_500 },
  { DeleteAfter: 3e1 },
  { Server: 'é' },
  { FullAfter: 0 },
  { FullAfter: 168 },
  { trusttype: ['Workplace'], OPERATINGSYSTEM: ['iOS', 'Android'], group: [GUID, GUID] },
  { managedIdentity: false, authtype: 'Basic', STARTTLS: true },
  { Environment: { graph: 'https://graph.example', login: 'http://127.0.0.1:8080' } },
  { environment: { Graph: 'https://graph.example', LOGIN: 'https://login.example' } },
];

const REFUSED: readonly unknown[] = [
  [],
  null,
  'text',
  1,
  { $schema: 1 },
  { TenantId: 'contoso.test' },
  { TenantId: `{${GUID}}` },
  { TenantId: null },
  { ClientId: 5 },
  { CertificatePath: '' },
  { CertificatePath: ['a.pem'] },
  { Server: ' dc1' },
  { Server: 'dc1 ' },
  { Server: '  ' },
  { StatePath: 'C:\temp' },
  { TrustedCertificate: 'a\u0085b' },
  { DomainName: true },
  { AdConnectorAccount: {} },
  { DeleteAfter: -1 },
  { DeleteAfter: 1.5 },
  { DeleteAfter: '30' },
  { DeleteAfter: 36_501 },
  { FullAfter: -1 },
  { FullAfter: 169 },
  { FullAfter: 1.5 },
  { FullAfter: '24' },
  { FullAfter: null },
  { TrustType: 'AzureAd' },
  { TrustType: [] },
  { TrustType: [''] },
  { TrustType: [1] },
  { TrustType: ['AzureAd '] },
  { OperatingSystem: {} },
  { OperatingSystem: [null] },
  { Group: GUID },
  { Group: [] },
  { Group: ['sales'] },
  { Group: [[GUID]] },
  { ManagedIdentity: 'yes' },
  { AuthType: '' },
  { AuthType: ['Basic'] },
  { StartTls: 1 },
  { DirectoryCertificatePath: true },
  { CertificateThumbprint: '' },
  { CertificateThumbprint: '01 23' },
  { CertificateThumbprint: 'g'.repeat(40) },
  { KeepRemoved: 'true' },
  { KeepRemoved: 1 },
  { Environment: 3 },
  { Environment: '' },
  { Environment: {} },
  { Environment: { graph: 'https://graph.example' } },
  { Environment: { graph: 'https://graph.example', login: 'ftp://login.example' } },
  { Environment: { graph: 'https://graph.example', login: 'https:///x' } },
  { Environment: { graph: 'https://graph.example', login: 'https://login.example', token: 'x' } },
  { MaximumRemoval: 10 },
  { ClientSecret: 'x' },
  { ClientSecretCredential: {} },
  { Credential: { userName: 'a', password: 'b' } },
  { Password: 'x' },
  { AccessToken: 'x' },
  { CertificatePassword: 'x' },
  { Full: true },
  { Tenant: GUID },
  { __proto__x: 1 },
];

const refusal = (path: string): WritebackError => {
  try {
    readConfiguration(path);
  } catch (thrown) {
    if (thrown instanceof WritebackError) return thrown;
    throw thrown;
  }
  throw new Error('the file was accepted');
};

describe('configuration', () => {
  const folder = temporaryFolders();

  const written = (content: string | Uint8Array): string => {
    const path = join(folder(), 'sync.json');
    writeFileSync(path, content);
    return path;
  };
  const read = (content: string | Uint8Array): Configuration => readConfiguration(written(content));
  it('gives every setting under its parameter name, GUIDs in lower case, paths made absolute from its own folder', () => {
    const base = folder();
    const inner = join(base, 'inner');
    mkdirSync(inner);
    const path = join(inner, 'sync.json');
    writeFileSync(path, JSON.stringify(FULL));
    expect(readConfiguration(path)).to.deep.equal({
      tenantId: GUID,
      clientId: GUID,
      certificatePath: join(inner, 'sync.pem'),
      certificateThumbprint: '0123456789abcdef0123456789ABCDEF01234567',
      environment: 'USGov',
      server: 'dc1.corp.contoso.test',
      trustedCertificate: join(base, 'ca.pem'),
      domainName: 'corp.contoso.test',
      statePath: '/srv/state',
      adConnectorAccount: 'CORP\\svc-sync$',
      deleteAfter: 30,
      keepRemoved: false,
      fullAfter: 24,
      trustType: ['AzureAd', 'ServerAd'],
      operatingSystem: ['Windows'],
      group: [GUID],
      managedIdentity: true,
      authType: 'Negotiate',
      startTls: false,
      directoryCertificatePath: join(base, 'client.pfx'),
    });
  });

  it('compares names without case, those of a custom environment too', () => {
    const environment = { GRAPH: 'https://graph.example', Login: 'https://login.example' };
    expect(read(JSON.stringify({ SERVER: 'dc1', environment }))).to.deep.equal({
      server: 'dc1',
      environment: { graph: 'https://graph.example', login: 'https://login.example' },
    });
  });

  it('leaves out what the file does not set', () => {
    expect(read('{}')).to.deep.equal({});
  });

  it('accepts a UTF-8 byte order mark and any line ending', () => {
    expect(read('\ufeff{\r\n"Server": "dc1"\r\n}\r\n')).to.deep.equal({ server: 'dc1' });
  });

  describe('accepts and refuses the same samples as the published schema', () => {
    const validate = new Ajv2020({ strict: true, allowMatchingProperties: true }).compile(
      JSON.parse(readFileSync(SCHEMA, 'utf8')) as Record<string, unknown>,
    );
    for (const sample of ACCEPTED) {
      const content = JSON.stringify(sample);
      it(`accepts ${content}`, () => {
        expect(() => read(content)).not.to.throw();
        expect(validate(JSON.parse(content)), JSON.stringify(validate.errors)).to.equal(true);
      });
    }
    for (const sample of REFUSED) {
      const content = JSON.stringify(sample);
      it(`refuses ${content}`, () => {
        const error = refusal(written(content));
        expect(error.code).to.equal('ConfigurationInvalid');
        expect(validate(JSON.parse(content))).to.equal(false);
      });
    }
    it('and the schema offers every setting that the reader knows', () => {
      const known = /Use only these names: (.*)\.$/.exec(refusal(written('{"x": 1}')).remedy)?.[1]?.split(', ');
      const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as { properties: Record<string, unknown> };
      expect(Object.keys(schema.properties)).to.deep.equal(['$schema', ...(known ?? [])]);
    });
  });

  it('names file, line and column of a fault in the JSON, in one line', () => {
    const path = written('{\n  "Server": "dc1"\n  "DomainName": "x"\n}');
    const error = refusal(path);
    expect(error.message).to.equal(
      `Could not use the configuration file ${path}: line 3, column 3: not valid JSON: expected a comma or }.`,
    );
    expect(error.target).to.equal(path);
    expect(error.remedy).not.to.include('\n');
  });

  it('tells how to write a Windows path when a backslash stands alone', () => {
    expect(refusal(written('{"CertificatePath": "C:\\certs\\sync.pem"}')).message).to.include('written twice');
    expect(refusal(written('{"CertificatePath": "C:\\new\\sync.pem"}')).message).to.include('written twice');
    expect(refusal(written('{"CertificatePath": "C:\\temp"}')).message).to.include('backslash twice');
  });

  it('names line and column of a wrong value, and never the value', () => {
    const error = refusal(written('{\n  "DeleteAfter": "hunter2"\n}'));
    expect(error.message).to.match(/line 2, column 18: DeleteAfter must be a whole number of days from 0 to 36500\.$/);
    expect(JSON.stringify(error)).not.to.include('hunter2');
  });

  it('refuses a name that stands twice, whatever its case', () => {
    expect(refusal(written('{"Server": "a",\n"server": "b"}')).message).to.include(
      'line 2, column 1: Server stands in the file twice',
    );
  });

  it('lists the names to use when it meets an unknown one', () => {
    const error = refusal(written('{"Servr": "dc1"}'));
    expect(error.message).to.include('"Servr" is not known');
    expect(error.remedy).to.include('Server');
  });

  for (const name of ['ClientSecret', 'password', 'Credential', 'AccessToken', 'CertificatePassphrase', 'api_secret']) {
    it(`refuses ${name} as a secret without showing its value`, () => {
      const error = refusal(written(JSON.stringify({ [name]: 'hunter2' })));
      expect(error.message).to.include('a secret must not stand in the file');
      expect(error.remedy).to.include('change the secret');
      expect(JSON.stringify(error)).not.to.include('hunter2');
    });
  }

  it('shows no part of the file when its JSON is broken beside a secret', () => {
    expect(JSON.stringify(refusal(written('{"ClientSecret": hunter2}')))).not.to.include('hunter2');
  });

  it('refuses MaximumRemoval with a sentence of its own', () => {
    const error = refusal(written('{"maximumRemoval": 10}'));
    expect(error.message).to.include('is for one run');
    expect(error.remedy).to.include('-MaximumRemoval');
  });

  it('says that a file is missing, a folder, too large, or no UTF-8', () => {
    const base = folder();
    expect(refusal(join(base, 'none.json')).message).to.include('there is no such file');
    expect(refusal(base).message).to.include('not a regular file');
    expect(refusal(written(' '.repeat(70_000))).message).to.include('larger than 65536 bytes');
    expect(refusal(written(Buffer.from('\ufeff{}', 'utf16le'))).message).to.include('not UTF-8');
    expect(refusal(written(Buffer.from('\ufeff{}', 'utf16le'))).remedy).to.include('-Encoding UTF8');
  });
});
