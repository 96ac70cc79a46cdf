import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { readClientCertificate } from '../../src/directory/clientCertificate.ts';
import { WritebackError } from '../../src/errors.ts';
import { runProgram } from '../lab/program.ts';
import { makeClientCertificate, type ClientCertificateFiles } from './clientCertificateFiles.ts';

describe('clientCertificate', () => {
  let files: ClientCertificateFiles;

  before(async () => {
    files = await makeClientCertificate();
  });

  after(() => files?.remove());

  function failureOf(path: string, password: string | null): WritebackError {
    try {
      readClientCertificate(path, password);
    } catch (error) {
      if (error instanceof WritebackError) return error;
      throw error;
    }
    throw new Error(`${path} was taken`);
  }

  it('takes PEM with and without an encrypted key, and PFX', () => {
    expect(readClientCertificate(files.pem, null)).to.have.all.keys('cert', 'key');
    expect(readClientCertificate(files.encryptedPem, files.password)).to.have.all.keys('cert', 'key', 'passphrase');
    expect(readClientCertificate(files.pfx, files.password)).to.have.all.keys('pfx', 'passphrase');
  });

  it('refuses a wrong password, a file without key and one that is none, and says what to give', async () => {
    const withoutKey = `${files.pem}.cert`;
    writeFileSync(withoutKey, files.authority);
    const noCertificate = `${files.pem}.text`;
    writeFileSync(noCertificate, 'no certificate');
    for (const [path, password] of [
      [files.pfx, 'wrong'],
      [files.pfx, null],
      [files.encryptedPem, 'wrong'],
      [files.encryptedPem, null],
      [withoutKey, null],
      [noCertificate, null],
      [`${files.pem}.absent`, null],
    ] as const) {
      const error = failureOf(path, password);
      expect(error, path).to.include({ code: 'CertificateUnusable', target: path });
      expect(JSON.stringify(error)).to.not.include('wrong"');
    }
    expect(failureOf(files.pfx, null).remedy).to.include('PFX');
    expect(failureOf(`${files.pem}.absent`, null).message).to.include('ENOENT');
  });

  it('refuses a key of another certificate', async () => {
    const other = await makeClientCertificate();
    try {
      const key = readFileSync(other.pem, 'utf8').replace(other.authority, '');
      const mixed = `${files.pem}.mixed`;
      writeFileSync(mixed, key + files.authority);
      expect(failureOf(mixed, null).message).to.match(/key values mismatch/);
    } finally {
      await other.remove();
    }
  });

  it('tells how an old PFX becomes one that OpenSSL takes', async () => {
    const old = `${files.pfx}.old`;
    const password = ['-passout', `pass:${files.password}`, '-legacy'];
    await runProgram('openssl', ['pkcs12', '-export', '-in', files.pem, '-out', old, ...password]);
    expect(failureOf(old, files.password).remedy).to.include('openssl pkcs12 -legacy');
  });
});
