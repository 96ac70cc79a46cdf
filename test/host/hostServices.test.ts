import { constants, verify, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { HostServices } from '../../src/ports.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { KerberosClient, LDAP_PRINCIPAL } from '../lab/kerberos.ts';
import { createStoreAccount, thumbprintOf, type StoreAccount } from './certificates.ts';
import { failureOf } from './failureOf.ts';
import { openBridgeWay, openEdgeWay, type Way } from './ways.ts';

const EVERY_OCTET = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
const UNKNOWN_THUMBPRINT = 'AB'.repeat(20);

const WAYS = [
  ['over the bridge', openBridgeWay],
  ['over edge-js', openEdgeWay],
] as const;

describe('host services', function () {
  this.timeout(60_000);
  let domainController: DomainController;
  let account: StoreAccount;
  let rsa: X509Certificate;
  let elliptic: X509Certificate;

  before(async () => {
    account = createStoreAccount();
    [domainController, rsa, elliptic] = await Promise.all([
      startDomainController({ schema: 87 }),
      account.add('rsa:2048'),
      account.add('ec'),
    ]);
  });

  after(async () => {
    account?.remove();
    await domainController?.stop();
  });

  for (const [name, open] of WAYS) {
    describe(name, () => {
      let kerberos: KerberosClient;
      let way: Way;
      let services: HostServices;

      before(async () => {
        kerberos = await KerberosClient.create(domainController, open.name);
        way = await open({ ...kerberos.environment, ...account.environment });
        ({ services } = way);
      });

      after(() => way?.close());

      const signIn = (target: string, userName?: string, password = 'wrong'): Promise<unknown> =>
        services.negotiate(target, userName === undefined ? null : { userName, password }).step(null);

      it('names the three causes that Kerberos does not tell apart', async () => {
        await kerberos.signOut();
        const { userName } = domainController.administrator;
        const refusals = [
          await failureOf(signIn(LDAP_PRINCIPAL)),
          await failureOf(signIn(LDAP_PRINCIPAL, userName)),
          await failureOf(signIn(LDAP_PRINCIPAL, 'nobody@corp.contoso.test')),
        ];
        for (const error of refusals) {
          expect(error.code).to.equal('DirectoryBindRefused');
          expect(error.message).to.match(
            /wrong password, a user that the domain does not know, .*without a valid ticket/,
          );
        }
        expect(refusals[1]?.message).to.include(userName);
      });

      it('names the service that has no account', async () => {
        await kerberos.signIn(domainController.administrator);
        const error = await failureOf(signIn('ldap/other.corp.contoso.test'));
        expect(error.code).to.equal('DirectoryBindRefused');
        expect(error.target).to.equal('ldap/other.corp.contoso.test');
        expect(error.remedy).to.include('full DNS name');
      });

      it('refuses a user name that Kerberos of this system does not know how to look up', async () => {
        const error = await failureOf(signIn(LDAP_PRINCIPAL, 'CORP\\Administrator'));
        expect(error.message).to.include('name@DNS-DOMAIN');
      });

      it('takes the realm of a user name in any case', async () => {
        const { userName, password } = domainController.administrator;
        for (const spelled of [userName, userName.replace(/@.*/, (domain) => domain.toUpperCase())]) {
          const context = services.negotiate(LDAP_PRINCIPAL, { userName: spelled, password });
          expect((await context.step(null)).token).to.have.length.above(500);
          await context.close();
        }
      });

      it('seals nothing before the server has proved who it is', async () => {
        await kerberos.signIn(domainController.administrator);
        const context = services.negotiate(LDAP_PRINCIPAL, null);
        expect((await context.step(null)).done).to.equal(false);
        expect((await failureOf(context.wrap(EVERY_OCTET))).message).to.include('not established');
        expect((await failureOf(context.step(EVERY_OCTET))).code).to.equal('DirectoryBindRefused');
        await context.close();
        expect((await failureOf(context.step(EVERY_OCTET))).code).to.equal('DirectoryUnreachable');
      });

      it('signs with a key of the store so that others can verify', async () => {
        const reference = { thumbprint: thumbprintOf(rsa), storeLocation: null };
        const paddings = {
          PS256: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
          RS256: { padding: constants.RSA_PKCS1_PADDING },
        };
        for (const algorithm of ['PS256', 'RS256'] as const) {
          const signature = await services.sign(reference, algorithm, EVERY_OCTET);
          expect(signature).to.be.instanceOf(Uint8Array);
          const key = { key: rsa.publicKey, ...paddings[algorithm] };
          expect(verify('sha256', EVERY_OCTET, key, signature ?? Buffer.alloc(0)), algorithm).to.equal(true);
        }
      });

      it('gives the certificate and whether its key is there', async () => {
        const found = await services.findCertificate({
          thumbprint: thumbprintOf(rsa).toLowerCase(),
          storeLocation: 'CurrentUser',
        });
        expect(Buffer.from(found.certificate).equals(rsa.raw)).to.equal(true);
        expect(found).to.include({ storeLocation: 'CurrentUser', hasPrivateKey: true });
      });

      it('says where it looked for a certificate in vain', async () => {
        const missing = await failureOf(
          services.findCertificate({ thumbprint: UNKNOWN_THUMBPRINT, storeLocation: null }),
        );
        expect(missing.code).to.equal('CertificateUnusable');
        expect(missing.message).to.include('CurrentUser\\My and LocalMachine\\My');
        const elsewhere = await failureOf(
          services.sign({ thumbprint: thumbprintOf(rsa), storeLocation: 'LocalMachine' }, 'PS256', EVERY_OCTET),
        );
        expect(elsewhere.message).to.include('LocalMachine\\My').and.not.include('CurrentUser');
        const wrong = await failureOf(services.findCertificate({ thumbprint: 'abc', storeLocation: null }));
        expect(wrong.message).to.include('40 hexadecimal digits');
      });

      it('refuses a key that is not RSA', async () => {
        const reference = { thumbprint: thumbprintOf(elliptic), storeLocation: null };
        const error = await failureOf(services.sign(reference, 'PS256', EVERY_OCTET));
        expect(error.code).to.equal('CertificateUnusable');
        expect(error.message).to.include('is no RSA key');
      });

      it('says that only Windows protects a secret', async function () {
        if (process.platform === 'win32') {
          const kept = await services.protectSecret(EVERY_OCTET);
          expect(Buffer.from(await services.unprotectSecret(kept)).equals(EVERY_OCTET)).to.equal(true);
          return;
        }
        for (const work of [services.protectSecret(EVERY_OCTET), services.unprotectSecret(EVERY_OCTET)]) {
          const error = await failureOf(work);
          expect(error.code).to.equal('HostServiceUnavailable');
          expect(error.message).to.include('Only Windows');
        }
      });

      it('works other requests while a domain controller does not answer', async () => {
        const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-silent-'));
        const sockets: Socket[] = [];
        const silent = createServer((socket) => sockets.push(socket));
        silent.listen(0, '127.0.0.1');
        await once(silent, 'listening');
        const { port } = silent.address() as AddressInfo;
        const configuration = `[libdefaults]\n default_realm = SILENT.TEST\n dns_lookup_kdc = false\n udp_preference_limit = 1\n[realms]\n SILENT.TEST = {\n  kdc = 127.0.0.1:${port}\n }\n`;
        writeFileSync(path.join(folder, 'krb5.conf'), configuration);
        const waiting = await open({ KRB5_CONFIG: path.join(folder, 'krb5.conf') });
        try {
          let ended = false;
          const asked = once(silent, 'connection');
          const credential = { userName: 'sync@silent.test', password: 'x' };
          const hanging = failureOf(waiting.services.negotiate('ldap/dc1.silent.test', credential).step(null)).finally(
            () => {
              ended = true;
            },
          );
          await Promise.race([asked, hanging]);
          expect(ended).to.equal(false);
          const reference = { thumbprint: UNKNOWN_THUMBPRINT, storeLocation: null };
          expect((await failureOf(waiting.services.findCertificate(reference))).code).to.equal('CertificateUnusable');
          expect(ended).to.equal(false);
          silent.close();
          for (const socket of sockets) socket.destroy();
          expect((await hanging).code).to.equal('DirectoryBindRefused');
        } finally {
          silent.close();
          await waiting.close();
          rmSync(folder, { recursive: true });
        }
      });

      it('names the library that Kerberos lacks', async () => {
        const folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-library-'));
        // What is found first and is no library cannot be loaded, as one that is not there.
        writeFileSync(path.join(folder, 'libgssapi_krb5.so.2'), '');
        const without = await open({ LD_LIBRARY_PATH: folder });
        try {
          const error = await failureOf(without.services.negotiate(LDAP_PRINCIPAL, null).step(null));
          expect(error.code).to.equal('HostServiceUnavailable');
          expect(error.message).to.include('Kerberos library');
          expect(error.remedy).to.include('libgssapi-krb5-2').and.to.include('LDAPS');
        } finally {
          await without.close();
          rmSync(folder, { recursive: true });
        }
      });
    });
  }
});
