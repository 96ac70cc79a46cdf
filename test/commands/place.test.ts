import { expect } from 'chai';
import { domainOf, findPlace, parseConnectionPoint } from '../../src/commands/place.ts';
import { toWritebackError, type ErrorData } from '../../src/errors.ts';
import type { Directory, RootDse } from '../../src/ports.ts';
import { DEVICE_CONTAINER_DN, REGISTRATION_SERVICE_DN, registrationServiceLdif } from '../lab/registrationService.ts';
import { Forest } from './forest.ts';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';

describe('commands/place', () => {
  describe('in a forest', () => {
    let forest: Forest;

    before(async () => {
      forest = await Forest.start();
      forest.addDevice();
    });

    after(() => forest.stop());

    async function expectRefused(code: ErrorData['code'], target: string): Promise<ErrorData> {
      const usn = await forest.usn();
      const { error } = await forest.plan();
      expect(error).to.include({ code, target });
      expect(error?.remedy).to.match(/Enable-DeviceWriteback|Delete all but/);
      expect(await forest.usn()).to.equal(usn);
      if (error === null) throw new Error('There is no error.');
      return error;
    }

    async function locate(container: string): Promise<void> {
      await forest.dc.ldapModify(`dn: ${REGISTRATION_SERVICE_DN}\nchangetype: delete\n`);
      await forest.dc.ldapAdd(registrationServiceLdif(REGISTRATION_SERVICE_DN, container));
    }

    it('finds no registration service where there is none', async () => {
      await expectRefused('RegistrationServiceMissing', forest.dc.configurationDn);
    });

    describe('that is prepared', () => {
      before(() => forest.dc.prepare());

      it('refuses a second registration service, wherever it lies, naming both', async () => {
        const services = `CN=Other Registration Services,CN=Services,${forest.dc.configurationDn}`;
        const second = `CN=Second,${services}`;
        await forest.dc.ldapAdd(`dn: ${services}\nobjectClass: msDS-DeviceRegistrationServiceContainer\n`);
        await forest.dc.ldapAdd(registrationServiceLdif(second, DEVICE_CONTAINER_DN));
        const error = await expectRefused('RegistrationServiceAmbiguous', forest.dc.configurationDn);
        expect(error.message).to.contain(REGISTRATION_SERVICE_DN).and.contain(second);
        await forest.dc.ldapModify(`dn: ${second}\nchangetype: delete\n`);
      });

      it('follows the location to a container of another name', async () => {
        const other = `CN=Other devices,${forest.dc.domainDn}`;
        await forest.dc.ldapAdd(`dn: ${other}\nobjectClass: msDS-DeviceContainer\n`);
        await locate(other);
        const { outputs, error } = await forest.plan();
        expect(error).to.equal(null);
        expect(outputs.map(({ item }) => String(item['distinguishedName']))).to.have.length(1);
        expect(String(outputs[0]?.item['distinguishedName'])).to.match(new RegExp(`,${other}$`));
      });

      it('refuses a container that was deleted', async () => {
        const doomed = `CN=Doomed,${forest.dc.domainDn}`;
        await forest.dc.ldapAdd(`dn: ${doomed}\nobjectClass: msDS-DeviceContainer\n`);
        await locate(doomed);
        await forest.dc.ldapModify(`dn: ${doomed}\nchangetype: delete\n`);
        const { error } = await forest.plan();
        expect(error).to.include({ code: 'ContainerMissing' });
        expect(error?.remedy).to.contain('Enable-DeviceWriteback');
      });

      it('refuses a location that is no container of devices, naming its class', async () => {
        await locate(`CN=Users,${forest.dc.domainDn}`);
        const error = await expectRefused('ContainerInvalid', `CN=Users,${forest.dc.domainDn}`);
        expect(error.detail).to.contain('container');
        await locate(DEVICE_CONTAINER_DN);
      });
    });
  });

  describe('findPlace', () => {
    const rootDse: RootDse = {
      dnsHostName: 'dc.x.test',
      defaultNamingContext: 'DC=x,DC=test',
      configurationNamingContext: 'CN=Configuration,DC=x,DC=test',
      schemaNamingContext: 'CN=Schema,CN=Configuration,DC=x,DC=test',
      rootDomainNamingContext: 'DC=x,DC=test',
      currentTime: new Date(0),
      highestCommittedUsn: '1',
    };

    /** A domain controller of a forest that was never extended, which Samba cannot play. */
    function oldForest(classes: readonly string[]): Directory {
      const answers: Partial<Directory> = {
        server: 'dc.x.test:636',
        rootDse: async () => rootDse,
        registrationServices: async () => [],
        schema: async () => ({ objectVersion: 47, classes: new Set(classes), attributes: new Set<string>() }),
      };
      return answers as Directory;
    }

    it('refuses a schema without the classes, naming those that are missing and its version', async () => {
      const refused = findPlace(oldForest(['msDS-Device']), null, new AbortController().signal);
      const error = toWritebackError(await refused.catch((thrown: unknown) => thrown));
      expect(error).to.include({ code: 'SchemaMissing', target: rootDse.schemaNamingContext });
      expect(error.message).to.contain('msDS-DeviceContainer, msDS-DeviceRegistrationService').and.contain('dc.x.test');
      expect(error.message).to.not.contain('msDS-Device,');
      expect(error.remedy).to.contain('adprep /forestprep');
      expect(error.detail).to.contain('47');
    });
  });

  describe('parseConnectionPoint', () => {
    it('reads the tenant in any order and case of the names', () => {
      expect(
        parseConnectionPoint(['AZUREADID:72F988BF-86F1-41AF-91AB-2D7CD011DB47', 'azureADName:contoso.com']),
      ).to.deep.equal({ kind: 'cloud', tenantId: TENANT, tenantName: 'contoso.com' });
      expect(parseConnectionPoint([`azureADId:${TENANT}`])).to.deep.equal({
        kind: 'cloud',
        tenantId: TENANT,
        tenantName: null,
      });
    });

    it('tells nothing, a registration service of AD FS, both at once, half of a tenant, and no GUID apart', () => {
      expect(parseConnectionPoint([])).to.deep.equal({ kind: 'none' });
      expect(parseConnectionPoint(['enterpriseDrsName:adfs.x.test'])).to.deep.equal({
        kind: 'enterprise',
        host: 'adfs.x.test',
      });
      const both = parseConnectionPoint([`azureADId:${TENANT}`, 'enterpriseDrsName:adfs.x.test']);
      expect(both.kind).to.equal('conflict');
      expect(parseConnectionPoint(['azureADName:contoso.com']).kind).to.equal('incomplete');
      expect(parseConnectionPoint(['azureADId:contoso']).kind).to.equal('invalid');
    });
  });

  it('makes the DNS name of the domain from its naming context', () => {
    const context = (defaultNamingContext: string): string => domainOf({ defaultNamingContext } as RootDse);
    expect(context('DC=corp,DC=contoso,DC=test')).to.equal('corp.contoso.test');
    expect(context('dc=x,dc=test')).to.equal('x.test');
  });
});
