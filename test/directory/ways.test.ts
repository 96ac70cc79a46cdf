import type { SignInSettings } from '../../src/directory/signIn.ts';
import type { BindWay } from '../../src/ports.ts';
import { openBridgeWay, openEdgeWay, type Way } from '../host/ways.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { KerberosClient } from '../lab/kerberos.ts';
import { describeDirectory, type Approach } from './contract.ts';
import { settingsOf, simple } from './sample.ts';

const LDAPS = /^LDAPS, TLS 1\.[23]/;
const START_TLS = /^LDAP with StartTLS, TLS 1\.[23]/;
const SEALED = /^LDAP sealed by Kerberos \(GSS-SPNEGO\), server ldap\/dc1\.corp\.contoso\.test$/;

for (const schema of [69, 87] as const) {
  describe(`the directory with schema ${schema}`, function () {
    this.timeout(60_000);
    for (const [name, startTls, protection] of [
      ['over LDAPS', false, LDAPS],
      ['over StartTLS', true, START_TLS],
    ] as const) {
      describe(name, () => {
        let domainController: DomainController;

        before(async () => {
          domainController = await startDomainController({ schema, prepared: true });
        });

        after(() => domainController?.stop());

        describeDirectory('with a simple bind', () => approachBy(domainController, protection, { startTls }, simple));
      });
    }

    for (const [name, open] of [
      ['over Negotiate by the host', openBridgeWay],
      ['over Negotiate by edge-js', openEdgeWay],
    ] as const) {
      describe(name, () => {
        let domainController: DomainController;
        let way: Way;

        before(async () => {
          domainController = await startDomainController({ schema, prepared: true });
          const kerberos = await KerberosClient.create(domainController, 'contract');
          await kerberos.signIn(domainController.administrator);
          way = await open(kerberos.environment);
        });

        after(async () => {
          await way?.close();
          await domainController?.stop();
        });

        describeDirectory('as the account that runs this', () =>
          approachBy(
            domainController,
            SEALED,
            { hostServices: way.services, bind: { kind: 'negotiate', credential: null } },
            (credential) => ({ kind: 'negotiate', credential }),
          ),
        );
      });
    }
  });
}

function approachBy(
  domainController: DomainController,
  protection: RegExp,
  changes: Partial<SignInSettings>,
  bindAs: (user: { readonly userName: string; readonly password: string }) => BindWay,
): Approach {
  const settings = { ...settingsOf(domainController), ...changes };
  const secure = settings.bind.kind === 'simple' && !settings.startTls;
  return {
    domainController,
    protection,
    port: secure ? domainController.securePort : domainController.port,
    settings: (port) =>
      port === undefined ? settings : { ...settings, server: `${domainController.address}:${port}` },
    as: ({ userName, password }) => ({ ...settings, bind: bindAs({ userName, password }) }),
  };
}
