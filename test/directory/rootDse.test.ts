import { expect } from 'chai';
import { createConnection } from '../../src/directory/connection.ts';
import { readRootDse } from '../../src/directory/rootDse.ts';
import { WritebackError } from '../../src/errors.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { searchDone, searchEntry, startLdapServer } from './ldapServer.ts';
import { connectTo, keptLog, NEVER, settingsOf } from './sample.ts';

describe('rootDse', () => {
  let domainController: DomainController;

  before(async () => {
    domainController = await startDomainController({ schema: 69 });
  });

  after(() => domainController?.stop());

  it('reads names, time and USN of the domain controller', async () => {
    const connection = connectTo(domainController);
    try {
      const rootDse = await readRootDse(connection, NEVER);
      expect(rootDse).to.include({
        dnsHostName: domainController.hostName,
        defaultNamingContext: domainController.domainDn,
        configurationNamingContext: domainController.configurationDn,
        schemaNamingContext: `CN=Schema,${domainController.configurationDn}`,
        rootDomainNamingContext: domainController.domainDn,
        highestCommittedUsn: String(await domainController.highestCommittedUsn()),
      });
      expect(Math.abs(rootDse.currentTime.getTime() - Date.now())).to.be.lessThan(10_000);
    } finally {
      await connection.close();
    }
  });

  it('says that a server which is no domain controller is none', async () => {
    const server = await startLdapServer(({ id }) =>
      Buffer.concat([searchEntry(id, '', 'vendorName', 'other'), searchDone(id)]),
    );
    const settings = { ...settingsOf(domainController), server: server.server, trustedCertificate: server.caFile };
    const connection = createConnection(settings, keptLog().log);
    try {
      const error: unknown = await readRootDse(connection, NEVER).catch((thrown: unknown) => thrown);
      expect(error)
        .to.be.instanceOf(WritebackError)
        .and.include({ code: 'DirectoryAnswerInvalid', target: server.server });
    } finally {
      await connection.close();
      await server.stop();
    }
  });
});
