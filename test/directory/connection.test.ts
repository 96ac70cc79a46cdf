import { expect } from 'chai';
import type { Connection, ConnectionSettings } from '../../src/directory/connection.ts';
import { createConnection } from '../../src/directory/connection.ts';
import { ConnectionLost } from '../../src/directory/failure.ts';
import { anything } from '../../src/directory/search.ts';
import { WritebackError } from '../../src/errors.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import type { CertificateKind } from '../lab/certificate.ts';
import { result, searchDone, searchEntry, startLdapServer, type Reply } from './ldapServer.ts';
import { openPassage } from './passage.ts';
import { connectTo, keptLog, NEVER, settingsOf, simple } from './sample.ts';

const rootDse = { base: '', scope: 'base', filter: anything, attributes: ['dnsHostName'] } as const;

async function failureOf(work: Promise<unknown>): Promise<WritebackError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WritebackError)) throw new Error(`no WritebackError: ${String(error)}`);
  return error;
}

describe('connection', () => {
  let domainController: DomainController;
  const opened: Connection[] = [];

  const open = (changes: Partial<ConnectionSettings> = {}): Connection => {
    const connection = connectTo(domainController, changes);
    opened.push(connection);
    return connection;
  };
  const refusalOf = (changes: Partial<ConnectionSettings>): Promise<WritebackError> =>
    failureOf(open(changes).search(rootDse, NEVER));

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
  });

  after(async () => {
    await Promise.all(opened.map((connection) => connection.close()));
    await domainController?.stop();
  });

  it('signs in by UPN, by DOMAIN\\name and by DN', async () => {
    const { password } = domainController.administrator;
    const dn = `CN=Administrator,CN=Users,${domainController.domainDn}`;
    for (const userName of [domainController.administrator.userName, 'CORP\\Administrator', dn]) {
      const entries = await open({ bind: simple({ userName, password }) }).search(rootDse, NEVER);
      expect(entries).to.have.lengthOf(1);
    }
  });

  it('tells how it is protected', async () => {
    expect(await open().protection(NEVER)).to.match(
      /^LDAPS, TLS 1\.[23], TLS_\S+, certificate CN=dc1\.corp\.contoso\.test, issued by CN=Lab Certification Authority, valid until \d{4}-\d\d-\d\d$/,
    );
  });

  it('does not know its account where the server does not offer "Who am I?"', async () => {
    expect(await open().whoAmI(NEVER)).to.equal(null);
  });

  it('refuses a server whose issuer is not trusted, and says how to trust it', async () => {
    const error = await refusalOf({ trustedCertificate: null });
    expect(error.code).to.equal('DirectoryUntrusted');
    expect(error.remedy).to.include('-TrustedCertificate');
    expect(error.message)
      .to.include(domainController.address)
      .and.match(/UNABLE_TO|SELF_SIGNED/);
  });

  it('trusts no server by any environment variable', async () => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect((await refusalOf({ trustedCertificate: null })).code).to.equal('DirectoryUntrusted');
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
  });

  it('refuses a wrong password with the meaning of the sub-code', async () => {
    const bind = simple({ ...domainController.administrator, password: 'wrong secret' });
    const { log, lines } = keptLog();
    const connection = createConnection({ ...settingsOf(domainController), bind }, log);
    const error = await failureOf(connection.search(rootDse, NEVER));
    expect(error.code).to.equal('DirectoryBindRefused');
    expect(error.message).to.include('the user name or the password is wrong').and.include('52e');
    expect(JSON.stringify([error, lines])).to.not.include('wrong secret');
  });

  it('asks for name and password instead of signing in as nobody', async () => {
    const { userName, password } = domainController.administrator;
    expect((await refusalOf({ bind: simple({ userName, password: '' }) })).code).to.equal('ParameterMissing');
    expect((await refusalOf({ bind: simple({ userName: '', password }) })).code).to.equal('ParameterMissing');
  });

  it('says that nothing answers at a closed port, an unknown name and a port without TLS', async () => {
    const closed = await refusalOf({ server: `${domainController.address}:1` });
    expect(closed).to.include({ code: 'DirectoryUnreachable', retryable: true, detail: 'ECONNREFUSED' });
    const unknown = await refusalOf({ server: 'dc1.unknown.invalid' });
    expect(unknown.code).to.equal('DirectoryUnreachable');
    expect(unknown.remedy).to.include('name resolution');
    const plain = await refusalOf({ server: `${domainController.address}:389`, timeouts: { connect: 3000 } });
    expect(plain.code).to.be.oneOf(['DirectoryUnreachable', 'DirectoryUntrusted']);
  });

  for (const [kind, words] of Object.entries({ expired: /expired/, otherHost: /altname/i }) as [
    CertificateKind,
    RegExp,
  ][]) {
    it(`refuses a certificate of kind ${kind}, though its issuer is trusted`, async () => {
      const other = await startDomainController({ schema: 87, certificate: kind });
      try {
        const error = await failureOf(connectTo(other).search(rootDse, NEVER));
        expect(error.code).to.equal('DirectoryUntrusted');
        expect(error.message).to.match(words);
      } finally {
        await other.stop();
      }
    });
  }

  it('opens a lost connection again to the same server and signs in again', async () => {
    const passage = await openPassage(domainController.address, domainController.securePort);
    const connection = open({ server: passage.server });
    try {
      const container = { ...rootDse, base: domainController.deviceContainerDn, attributes: ['objectGUID'] };
      expect(await connection.search(container, NEVER)).to.have.lengthOf(1);
      passage.cut();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await connection.search(container, NEVER)).to.have.lengthOf(1);
      passage.loseAnswers();
      expect(await connection.search(container, NEVER)).to.have.lengthOf(1);
      expect(passage.connections()).to.equal(3);
    } finally {
      await passage.stop();
    }
    expect((await failureOf(connection.search(rootDse, NEVER))).code).to.equal('DirectoryUnreachable');
  });

  it('stops a read at once when it is cancelled and goes on with the next', async () => {
    const server = await startLdapServer(({ id }) => (server.received.length === 1 ? Buffer.alloc(0) : searchDone(id)));
    const connection = open({ server: server.server, trustedCertificate: server.caFile });
    try {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      expect((await failureOf(connection.search(rootDse, stop.signal))).code).to.equal('Cancelled');
      expect((await failureOf(connection.search(rootDse, stop.signal))).code).to.equal('Cancelled');
      expect(await connection.search(rootDse, NEVER)).to.deep.equal([]);
      expect(server.received).to.have.lengthOf(2);
    } finally {
      await server.stop();
    }
  });

  it('awaits the answer to a write for a moment after it is cancelled, and no longer', async () => {
    const request = { operation: 'delete', name: 'CN=a' } as const;
    for (const delay of [500, null]) {
      const server = await startLdapServer(({ id, answer }) => {
        if (delay !== null) setTimeout(() => answer(result(id, 0x6b, 0)), delay);
        return Buffer.alloc(0);
      });
      const connection = open({ server: server.server, trustedCertificate: server.caFile });
      try {
        const stop = new AbortController();
        setTimeout(() => stop.abort(), 200);
        const started = Date.now();
        const write = connection.write(request, stop.signal);
        if (delay === null) {
          expect((await failureOf(write)).code).to.equal('Cancelled');
          expect(Date.now() - started).to.be.within(1500, 2500);
        } else {
          await write;
          expect(stop.signal.aborted).to.equal(true);
        }
      } finally {
        await server.stop();
      }
    }
  });

  describe('reading page by page', () => {
    const query = { base: 'DC=test', scope: 'one', filter: anything, attributes: ['name'] } as const;

    async function read(reply: Reply): Promise<{ names: readonly string[]; requests: number }> {
      const server = await startLdapServer(reply);
      const connection = open({ server: server.server, trustedCertificate: server.caFile });
      const names: string[] = [];
      try {
        for await (const page of connection.pages(query, 2, NEVER))
          names.push(...Array.from(page, (entry) => entry.distinguishedName));
        return { names, requests: server.received.length };
      } finally {
        await server.stop();
      }
    }

    const pagesOf = (...pages: readonly ((id: number) => Buffer | null)[]): Reply => {
      let next = 0;
      return ({ id }) => pages[next++]?.(id) ?? null;
    };
    const page = (id: number, names: readonly string[], cookie: string | null): Buffer =>
      Buffer.concat([...names.map((name) => searchEntry(id, name, 'name', name)), searchDone(id, 0, cookie)]);

    it('follows the cookie through a page without entries', async () => {
      const answer = await read(
        pagesOf(
          (id) => page(id, ['CN=a', 'CN=b'], 'one'),
          (id) => page(id, [], 'two'),
          (id) => page(id, ['CN=c'], ''),
        ),
      );
      expect(answer).to.deep.equal({ names: ['CN=a', 'CN=b', 'CN=c'], requests: 3 });
    });

    it('ends the read when an answer does not say whether more follows', async () => {
      const error = await failureOf(read(pagesOf((id) => page(id, ['CN=a'], null))));
      expect(error.code).to.equal('DirectoryAnswerInvalid');
    });

    it('asks for the first page again on a new connection, and for no other', async () => {
      const again = await read(
        pagesOf(
          () => null,
          (id) => page(id, ['CN=a'], ''),
        ),
      );
      expect(again.names).to.deep.equal(['CN=a']);
      const reply = pagesOf((id) => page(id, ['CN=a'], 'one'));
      const error: unknown = await read(reply).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(ConnectionLost);
    });
  });

  it('does nothing more after it was closed', async () => {
    const connection = open();
    await connection.search(rootDse, NEVER);
    await connection.close();
    await connection.close();
    const error: unknown = await connection.search(rootDse, NEVER).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ConnectionLost);
  });
});
