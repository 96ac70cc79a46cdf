import { expect } from 'chai';
import { build } from 'esbuild';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readCertificate } from '../../src/graph/certificate.ts';
import { caught } from './caught.ts';
import { newCertificate, newIssuedCertificate, PASSWORD, pfx, type CertificateAndKey } from './signingCertificate.ts';

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

  async function problem(parts: readonly string[], now = new Date(), password: string | null = null): Promise<string> {
    const name = await file(...parts);
    const error = await caught(() => readCertificate(name, password, now));
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

  it('refuses a file without certificate', async () => {
    expect(await problem(['not PEM'])).to.contain('CertificateUnusable: it holds no certificate');
    expect(await problem([own.privateKey])).to.contain('it holds no certificate');
    expect(await problem([''])).to.contain('it holds no certificate');
  });

  it('refuses a file without key', async () => {
    expect(await problem([own.certificate])).to.contain('CertificateUnusable: it holds no private key');
  });

  it('refuses the key of another certificate', async () => {
    expect(await problem([own.certificate, other.privateKey])).to.contain(
      'CertificateUnusable: its private key does not belong',
    );
  });

  describe('with an encrypted private key', () => {
    const encrypted = (type: 'pkcs1' | 'pkcs8'): string =>
      createPrivateKey(own.privateKey)
        .export({ type, cipher: 'aes-256-cbc', passphrase: PASSWORD, format: 'pem' })
        .toString();

    for (const type of ['pkcs8', 'pkcs1'] as const) {
      it(`opens the ${type} form with its password`, async () => {
        const read = await readCertificate(await file(own.certificate, encrypted(type)), PASSWORD, new Date());
        expect(createPrivateKey(read.privateKey).equals(createPrivateKey(own.privateKey))).to.equal(true);
      });

      it(`refuses the ${type} form without password or with a wrong one`, async () => {
        const parts = [own.certificate, encrypted(type)];
        expect(await problem(parts)).to.equal('CertificateUnusable: its private key is encrypted.');
        for (const wrong of ['', `${PASSWORD} `]) {
          const words = 'CertificateUnusable: the password does not open its private key.';
          expect(await problem(parts, new Date(), wrong)).to.equal(words);
        }
      });
    }

    it('does not need the password that it is given when the key is not encrypted', async () => {
      const read = await readCertificate(await file(own.certificate, own.privateKey), PASSWORD, new Date());
      expect(read.privateKey).to.contain('BEGIN PRIVATE KEY');
    });
  });

  describe('as PFX', () => {
    const thumbprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(':', '');
    const forms: readonly (readonly [string, readonly string[]])[] = [
      ['as OpenSSL makes it', []],
      ['with AES-128 and SHA-512', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha512']],
      ['with triple DES and SHA-1', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
      ['with certificates that are not encrypted', ['-certpbe', 'NONE']],
    ];
    for (const [what, options] of forms) {
      it(`reads one ${what}`, async () => {
        const name = await pfx(folder, own, { options });
        const read = await readCertificate(name, PASSWORD, new Date());
        expect(read.thumbprint).to.equal(thumbprintOf(own.certificate));
        expect(createPrivateKey(read.privateKey).equals(createPrivateKey(own.privateKey))).to.equal(true);
      });
    }

    it('reads one without password', async () => {
      const name = await pfx(folder, own, { password: '' });
      for (const password of [null, '']) {
        expect((await readCertificate(name, password, new Date())).thumbprint).to.equal(thumbprintOf(own.certificate));
      }
    });

    it('takes of a chain the certificate that the key belongs to', async () => {
      const name = await pfx(folder, own, { chain: [other.certificate] });
      expect((await readCertificate(name, PASSWORD, new Date())).thumbprint).to.equal(thumbprintOf(own.certificate));
    });

    for (const [what, issuerKey, signing] of [
      ['an elliptic curve', ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'], []],
      ['RSA-PSS', ['rsa:2048'], ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']],
    ] as const) {
      it(`keeps the thumbprint of a certificate that was signed with ${what}`, async () => {
        const issued = await newIssuedCertificate(issuerKey, signing);
        const read = await readCertificate(await pfx(folder, issued), PASSWORD, new Date());
        expect(read.thumbprint).to.equal(thumbprintOf(issued.certificate));
      });
    }

    it('reads one in a bundle that is split into chunks', async () => {
      const outdir = path.join(folder, 'bundle');
      await build({
        entryPoints: { certificate: 'src/graph/certificate.ts' },
        outdir,
        bundle: true,
        splitting: true,
        format: 'esm',
        platform: 'node',
        mainFields: ['module', 'main'],
        outExtension: { '.js': '.mjs' },
        banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
      });
      const bundled = (await import(pathToFileURL(path.join(outdir, 'certificate.mjs')).href)) as {
        readonly readCertificate: typeof readCertificate;
      };
      const read = await bundled.readCertificate(await pfx(folder, own), PASSWORD, new Date());
      expect(read.thumbprint).to.equal(thumbprintOf(own.certificate));
    });

    it('says in one line that the password is wrong or missing, and does not show it', async () => {
      const name = await pfx(folder, own);
      for (const [password, words] of [
        ['another-word', 'the password does not open it'],
        [null, 'it needs a password'],
      ] as const) {
        const error = await caught(() => readCertificate(name, password, new Date()));
        expect(error).to.include({ code: 'CertificateUnusable', target: name });
        expect(error.message).to.equal(`The certificate file ${name} cannot be used to sign in: ${words}.`);
        expect(error.remedy).to.contain('password with which the file was exported');
        expect(JSON.stringify(error)).not.to.contain('another-word');
      }
    });

    it('refuses one without key, one that is cut and another file that begins like one', async () => {
      const whole = await readFile(await pfx(folder, own));
      const bytes = [
        whole.subarray(0, whole.length / 2),
        new X509Certificate(own.certificate).raw,
        [0x30],
        [0x30, 0x82],
      ];
      for (const content of bytes) {
        const name = path.join(folder, 'damaged.pfx');
        await writeFile(name, Buffer.from(content));
        const error = await caught(() => readCertificate(name, PASSWORD, new Date()));
        expect(error.code).to.equal('CertificateUnusable');
        expect(error.message).to.contain('it is no PFX file that can be read');
      }
      const error = await caught(async () =>
        readCertificate(await pfx(folder, own, { options: ['-nokeys'] }), PASSWORD, new Date()),
      );
      expect(error.message).to.contain('it holds no private key');
    });
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
