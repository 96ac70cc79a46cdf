import { expect } from 'chai';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCertificate } from '../../src/graph/certificate.ts';
import { caught } from './caught.ts';
import { newCertificate, type CertificateAndKey } from './signingCertificate.ts';

const DAY = 86_400_000;

describe('graph/certificate', () => {
  let folder: string;
  let own: CertificateAndKey;
  let other: CertificateAndKey;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'devicewriteback-pem-'));
    [own, other] = await Promise.all([newCertificate(), newCertificate()]);
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function file(...parts: readonly string[]): Promise<string> {
    const name = path.join(folder, 'application.pem');
    await writeFile(name, parts.join('\n'), { mode: 0o600 });
    return name;
  }

  async function problem(parts: readonly string[], now = new Date()): Promise<string> {
    const name = await file(...parts);
    const error = await caught(() => readCertificate(name, null, now));
    expect(error.target).to.equal(name);
    expect(error.remedy).not.to.equal('');
    expect(`${error.message} ${error.detail}`).not.to.contain('PRIVATE KEY');
    return `${error.code}: ${error.message.slice(error.message.indexOf('sign in: ') + 9)}`;
  }

  it('reads certificate and key in either order, with the SHA-256 thumbprint', async () => {
    const { raw } = new X509Certificate(own.certificate);
    const thumbprint = createHash('sha256').update(raw).digest('hex').toUpperCase();
    for (const parts of [
      [own.certificate, own.privateKey],
      [own.privateKey, own.certificate],
    ]) {
      const read = await readCertificate(await file(...parts), null, new Date());
      expect(read.thumbprint).to.equal(thumbprint);
      expect(createPrivateKey(read.privateKey).equals(createPrivateKey(own.privateKey))).to.equal(true);
    }
  });

  it('takes of a chain the certificate that the key belongs to', async () => {
    const read = await readCertificate(
      await file(other.certificate, own.certificate, own.privateKey),
      null,
      new Date(),
    );
    const { fingerprint256 } = new X509Certificate(own.certificate);
    expect(read.thumbprint).to.equal(fingerprint256.replaceAll(':', ''));
  });

  it('reads an RSA key in its traditional form', async () => {
    const traditional = createPrivateKey(own.privateKey).export({ type: 'pkcs1', format: 'pem' }).toString();
    const read = await readCertificate(await file(traditional, own.certificate), null, new Date());
    expect(read.privateKey).to.contain('BEGIN PRIVATE KEY');
  });

  it('says which file is not there', async () => {
    const name = path.join(folder, 'missing.pem');
    const error = await caught(() => readCertificate(name, null, new Date()));
    expect(error).to.include({ code: 'CertificateUnusable', target: name });
    expect(error.message).to.contain('no such file');
  });

  it('refuses a file without certificate, such as a PFX, and says how to convert one', async () => {
    expect(await problem(['\u0030\u0082 not PEM'])).to.contain('CertificateUnusable: it holds no certificate');
    expect(await problem([own.privateKey])).to.contain('it holds no certificate');
    const error = await caught(async () => readCertificate(await file(''), null, new Date()));
    expect(error.remedy).to.contain('openssl pkcs12');
  });

  it('refuses a file without key', async () => {
    expect(await problem([own.certificate])).to.contain('CertificateUnusable: it holds no private key');
  });

  it('refuses the key of another certificate', async () => {
    expect(await problem([own.certificate, other.privateKey])).to.contain(
      'CertificateUnusable: its private key does not belong',
    );
  });

  it('refuses an encrypted key in either form', async () => {
    const key = createPrivateKey(own.privateKey);
    const secret = { cipher: 'aes-256-cbc', passphrase: 'throwaway', format: 'pem' } as const;
    for (const type of ['pkcs8', 'pkcs1'] as const) {
      const encrypted = key.export({ type, ...secret }).toString();
      expect(await problem([own.certificate, encrypted])).to.contain(
        'CertificateUnusable: its private key is encrypted',
      );
    }
  });

  it('refuses a damaged certificate and a damaged key', async () => {
    const damaged = (pem: string): string => pem.replace(/\n[A-Za-z0-9+/]{64}\n/, '\nAAAA\n');
    expect(await problem([damaged(own.certificate), own.privateKey])).to.contain('a certificate in it is damaged');
    expect(await problem([own.certificate, damaged(own.privateKey)])).to.contain('its private key is damaged');
  });

  it('refuses a key that is not RSA or is too short', async () => {
    const curve = await newCertificate(['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']);
    const short = await newCertificate(['rsa:1024']);
    for (const { certificate, privateKey } of [curve, short]) {
      expect(await problem([certificate, privateKey])).to.contain(
        'its private key is not an RSA key of 2048 bits or more',
      );
    }
  });

  it('refuses a certificate whose time is over or has not come', async () => {
    const late = await problem([own.certificate, own.privateKey], new Date(Date.now() + 60 * DAY));
    expect(late).to.match(/^CertificateExpired: the certificate "CN=Device Writeback" expired on 20\d\d-/);
    const early = await problem([own.certificate, own.privateKey], new Date(Date.now() - DAY));
    expect(early).to.match(/^CertificateExpired: the certificate "CN=Device Writeback" is not valid before 20\d\d-/);
  });
});
