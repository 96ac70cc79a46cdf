import { expect } from 'chai';
import { findAccount } from '../../src/directory/account.ts';
import type { Directory } from '../../src/ports.ts';
import { type DirectoryUser, type DomainController, startDomainController } from '../lab/domainController.ts';
import { searchDone, searchEntry, startLdapServer } from './ldapServer.ts';
import { connectTo, directoryOf, NEVER } from './sample.ts';

const PASSWORD = 'Svc-Passw0rd!';

describe('account', () => {
  let domainController: DomainController;
  let directory: Directory;
  let user: DirectoryUser;

  before(async () => {
    domainController = await startDomainController({ schema: 87 });
    directory = directoryOf(domainController);
    user = await domainController.addUser('svc-writer', PASSWORD);
  });

  after(async () => {
    await directory?.close();
    await domainController?.stop();
  });

  const find = (identity: string): ReturnType<Directory['account']> => directory.account(identity, NEVER);

  it('finds an account by every form of its name', async () => {
    const expected = { distinguishedName: user.dn, sid: user.sid, name: 'CORP\\svc-writer' };
    const forms = [
      'svc-writer',
      'SVC-Writer',
      'CORP\\svc-writer',
      'corp\\svc-writer',
      user.userName,
      user.sid,
      user.dn,
    ];
    for (const identity of forms) expect(await find(identity), identity).to.deep.equal(expected);
  });

  it('finds a computer with and without the dollar sign', async () => {
    for (const identity of ['DC1$', 'dc1', 'CORP\\DC1'])
      expect((await find(identity))?.name, identity).to.equal('CORP\\DC1$');
  });

  it('finds an account that has no UPN by name@domain', async () => {
    const administrator = await find(`Administrator@${domainController.domainName}`);
    expect(administrator?.sid).to.match(/-500$/);
  });

  it('finds nothing for a name that fits no account', async () => {
    const strangers = [
      'nobody',
      'OTHER\\svc-writer',
      'svc-writer@other.test',
      'S-1-5-21-1-2-3-4',
      `CN=nobody,CN=Users,${domainController.domainDn}`,
      'CN=svc-writer,DC=other,DC=test',
      domainController.domainDn,
    ];
    for (const identity of strangers) expect(await find(identity), identity).to.equal(null);
  });

  it('takes no character of a name for a part of a filter', async () => {
    for (const identity of ['*', 'svc*', 'x)(objectClass=*', 'svc-writer)(cn=*', '\\2a', '(', '\0']) {
      expect(await find(identity), identity).to.equal(null);
    }
  });

  it('finds no group: rights are granted to accounts', async () => {
    expect(await find('Domain Admins')).to.equal(null);
  });

  it('finds an account whose name needs escaping', async () => {
    const odd = await domainController.addUser('Jürgen (Test) 😀', PASSWORD);
    for (const identity of ['Jürgen (Test) 😀', odd.dn, odd.sid])
      expect((await find(identity))?.sid, identity).to.equal(odd.sid);
  });

  it('prefers the account that has the very name', async () => {
    const plain = await domainController.addUser('twin', PASSWORD);
    await domainController.addUser('twin$', PASSWORD);
    expect((await find('twin'))?.sid).to.equal(plain.sid);
    expect((await find('twin$'))?.name).to.equal('CORP\\twin$');
  });

  it('refuses a name that fits more than one account', async () => {
    const found = ['CN=a,DC=test', 'CN=b,DC=test'];
    let asked = 0;
    const server = await startLdapServer(({ id }) => {
      asked += 1;
      const entries = asked === 1 ? [] : found.map((name) => searchEntry(id, name, 'sAMAccountName', 'same'));
      return Buffer.concat([...entries, searchDone(id)]);
    });
    const connection = connectTo(domainController, { server: server.server, trustedCertificate: server.caFile });
    try {
      const rootDse = await directory.rootDse(NEVER);
      const search = findAccount(connection, rootDse, 'same@other.test', NEVER);
      const error: unknown = await search.catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'AccountNotFound', target: 'same@other.test' });
    } finally {
      await connection.close();
      await server.stop();
    }
  });
});
