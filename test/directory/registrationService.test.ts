import { expect } from 'chai';
import { sameName } from '../../src/device/distinguishedName.ts';
import type { Directory } from '../../src/ports.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import {
  CONNECTION_POINT_DN,
  REGISTRATION_CONFIGURATION_DN,
  REGISTRATION_SERVICE_DN,
} from '../lab/registrationService.ts';
import { vectorsOf } from '../device/vectors.ts';
import { directoryOf, NEVER } from './sample.ts';

interface ServiceExpected {
  readonly DrsObjectDN: string;
  readonly MaximumInactiveDays: number;
  readonly IsEnabledOnPremises: boolean;
  readonly DeviceObjectLocation: string;
}

describe('registrationService', () => {
  let domainController: DomainController;
  let directory: Directory;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    directory = directoryOf(domainController);
  });

  after(async () => {
    await directory?.close();
    await domainController?.stop();
  });

  for (const { name, input, expected } of vectorsOf<{ domain: string; configuration: string }, ServiceExpected>(
    'drs-object',
  )) {
    it(`reads the registration service as ${name} shows it`, async () => {
      const services = await directory.registrationServices(NEVER);
      expect(services).to.have.lengthOf(1);
      const [service] = services;
      const here = (dn: string): string =>
        dn
          .replace(input.configuration, domainController.configurationDn)
          .replace(input.domain, domainController.domainDn);
      expect(sameName(service?.distinguishedName ?? '', here(expected.DrsObjectDN))).to.equal(true);
      expect(sameName(service?.deviceLocation ?? '', here(expected.DeviceObjectLocation))).to.equal(true);
      expect(service?.isEnabled).to.equal(expected.IsEnabledOnPremises);
      expect(service?.inactivityDays).to.equal(expected.MaximumInactiveDays);
      expect(service?.cloudIssuerCertificates).to.deep.equal([]);
      expect(Math.abs((service?.whenCreated?.getTime() ?? 0) - Date.now())).to.be.lessThan(60_000);
    });
  }

  it('gives the issuer certificates octet for octet', async () => {
    const certificates = [Buffer.from('3082ff00', 'hex'), Buffer.from('30820102c328', 'hex')];
    await directory.addValues(REGISTRATION_SERVICE_DN, 'msDS-CloudIssuerPublicCertificates', certificates, NEVER);
    const [service] = await directory.registrationServices(NEVER);
    expect(service?.cloudIssuerCertificates).to.deep.equal(['30820102c328', '3082ff00']);
  });

  it('finds a second registration service wherever it lies', async () => {
    const second = `CN=Second,CN=Device Registration Services,${REGISTRATION_CONFIGURATION_DN}`;
    const attributes = { 'msDS-DeviceLocation': [domainController.deviceContainerDn], 'msDS-IsEnabled': ['FALSE'] };
    await directory.create(
      { distinguishedName: second, objectClass: 'msDS-DeviceRegistrationService', attributes },
      NEVER,
    );
    const services = await directory.registrationServices(NEVER);
    expect(services.map(({ isEnabled }) => isEnabled).sort()).to.deep.equal([false, true]);
    expect(services.find(({ isEnabled }) => isEnabled === false)).to.include({ inactivityDays: null });
  });

  for (const { name, input } of vectorsOf<{ keywords: string[] }, unknown>('scp-keywords')) {
    it(`gives the keywords of the service connection point as they are: ${name}`, async () => {
      const lines = input.keywords.map((keyword) => `keywords: ${keyword}\n`).join('');
      await domainController.ldapModify(
        `dn: ${CONNECTION_POINT_DN}\nchangetype: modify\nreplace: keywords\n${lines}-\n`,
      );
      expect(await directory.serviceConnectionPoint(NEVER)).to.deep.equal([...input.keywords].sort());
    });
  }

  it('tells that there is no service connection point', async () => {
    await domainController.ldapModify(`dn: ${CONNECTION_POINT_DN}\nchangetype: delete\n`);
    expect(await directory.serviceConnectionPoint(NEVER)).to.equal(null);
  });
});
