import { createServer, type AddressInfo, type LookupFunction } from 'node:net';
import { BerReader } from 'ldapts';
import { expect } from 'chai';
import { createSignIn, type Session, type SignInSettings } from '../../src/directory/signIn.ts';
import { saslBindRequest } from '../../src/directory/saslBind.ts';
import { WritebackError } from '../../src/errors.ts';
import type { HostServices } from '../../src/ports.ts';
import { openEdgeWay, type Way } from '../host/ways.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { KerberosClient } from '../lab/kerberos.ts';
import { makeClientCertificate, type ClientCertificateFiles } from './clientCertificateFiles.ts';
import {
  RESPONSE,
  result,
  startLdapServer,
  type LdapServer,
  type LdapServerOptions,
  type Reply,
} from './ldapServer.ts';
import { keptLog, NEVER, settingsOf, simple } from './sample.ts';
import { openWiretap } from './wiretap.ts';

const TIMEOUTS = { connect: 5000, operation: 5000 };
const CREDENTIAL = { userName: 'svc@corp.contoso.test', password: 'Never-In-Clear-1!' };

describe('signIn', () => {
  let domainController: DomainController;
  let files: ClientCertificateFiles;
  const servers: LdapServer[] = [];
  const sessions: Session[] = [];

  before(async () => {
    [domainController, files] = await Promise.all([
      startDomainController({ schema: 87, prepared: true }),
      makeClientCertificate(),
    ]);
  });

  afterEach(async () => {
    for (const { wire } of sessions.splice(0)) wire.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  after(async () => {
    await files?.remove();
    await domainController?.stop();
  });

  async function scripted(reply: Reply, options: LdapServerOptions = {}): Promise<LdapServer> {
    const server = await startLdapServer(reply, options);
    servers.push(server);
    return server;
  }

  async function open(changes: Partial<SignInSettings>, log = keptLog().log): Promise<Session> {
    const session = await createSignIn({ ...settingsOf(domainController), ...changes }, TIMEOUTS, log).open(NEVER);
    sessions.push(session);
    return session;
  }

  async function refusalOf(changes: Partial<SignInSettings>): Promise<WritebackError> {
    try {
      await open(changes);
    } catch (error) {
      if (error instanceof WritebackError) return error;
      throw error;
    }
    throw new Error('it signed in');
  }

  const at = (server: LdapServer): Partial<SignInSettings> => ({
    server: server.server,
    trustedCertificate: server.caFile,
  });

  it('reaches by its name a domain controller that a name service of the caller finds', async () => {
    const { hostName: server, address } = domainController;
    const lookup: LookupFunction = (_name, options, found) => {
      if (options.all === true) found(null, [{ address, family: 4 }]);
      else found(null, address, 4);
    };
    expect((await open({ server, lookup })).protection).to.match(/^LDAPS/);
    expect((await open({ server, lookup, startTls: true })).protection).to.match(/^LDAP with StartTLS/);
  });

  describe('with StartTLS', () => {
    const startTls = true;

    it('signs in at the plain port, and nothing but the one request leaves in the clear', async () => {
      const tap = await openWiretap(domainController.address, domainController.port);
      try {
        const lookup: LookupFunction = (_name, options, found) =>
          options.all === true ? found(null, [{ address: tap.host, family: 4 }]) : found(null, tap.host, 4);
        const session = await open({ server: `${domainController.hostName}:${tap.port}`, lookup, startTls });
        expect(session.protection).to.match(/^LDAP with StartTLS, TLS 1\.[23], TLS_\S+, certificate CN=dc1/);
        const sent = tap.octets('toServer');
        const reader = new BerReader(sent);
        reader.readSequence();
        const length = reader.offset + reader.length;
        expect(sent.subarray(0, length).toString('latin1')).to.include('1.3.6.1.4.1.1466.20037');
        // The next octet begins a TLS record of the handshake.
        expect(sent.subarray(length, length + 2).toString('hex')).to.equal('1603');
        expect(sent.includes(domainController.administrator.password)).to.equal(false);
      } finally {
        await tap.stop();
      }
    });

    for (const [what, answer, words] of [
      [
        'declines',
        (id: number) => result(id, RESPONSE.extended, 52, 'no certificate'),
        /declined StartTLS: unavailable \(52\): no certificate/,
      ],
      ['knows no StartTLS', (id: number) => result(id, RESPONSE.extended, 2, ''), /declined StartTLS: protocolError/],
      ['disconnects', () => result(0, RESPONSE.extended, 52, 'going down'), /going down/],
      ['hangs up', () => null, /closed the connection/],
      ['answers something else', (id: number) => result(id, RESPONSE.search, 0, ''), /another kind/],
      ['answers another request', (id: number) => result(id + 1, RESPONSE.extended, 0, ''), /another one/],
      ['sends no LDAP', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /StartTLS|no LDAP/],
      [
        'says more in the clear',
        (id: number) => Buffer.concat([result(id, RESPONSE.extended, 0, ''), result(2, RESPONSE.bind, 0, '')]),
        /follows the answer to StartTLS in the clear/,
      ],
    ] as const) {
      it(`goes no further when the server ${what}`, async () => {
        const server = await scripted(() => null, { startTls: answer });
        const error = await refusalOf({ ...at(server), startTls, bind: simple(CREDENTIAL) });
        expect(error.code).to.be.oneOf(['DirectoryUntrusted', 'DirectoryUnreachable']);
        expect(error.message).to.match(words);
        expect(server.clear).to.have.lengthOf(1);
        expect(server.clear[0]?.includes(CREDENTIAL.password)).to.equal(false);
        expect([...server.binds, ...server.received]).to.deep.equal([]);
      });
    }

    it('refuses a server whose certificate is not trusted, before it signs in', async () => {
      const server = await scripted(() => null, { startTls: (id) => result(id, RESPONSE.extended, 0) });
      const error = await refusalOf({ ...at(server), trustedCertificate: domainController.caFile, startTls });
      expect(error.code).to.equal('DirectoryUntrusted');
      expect(server.binds).to.deep.equal([]);
    });

    it('gives up on a server that does not answer', async () => {
      const silent = createServer((socket) => socket.resume());
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const { port } = silent.address() as AddressInfo;
      const settings = { ...settingsOf(domainController), server: `127.0.0.1:${port}`, startTls };
      const signIn = createSignIn(settings, { connect: 200, operation: 5000 }, keptLog().log);
      const error: unknown = await signIn.open(NEVER).catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'DirectoryUnreachable', detail: 'no connection within 0.2 s' });
      silent.close();
    });
  });

  describe('with a client certificate', () => {
    const external = (): Partial<SignInSettings> => ({
      bind: { kind: 'external', certificatePath: files.pem, password: null },
    });
    const accept = ({ id }: { readonly id: number }): Buffer => result(id, RESPONSE.bind, 0);
    const nobody: Reply = ({ id }) => result(id, RESPONSE.extended, 0);

    it('presents it and binds by EXTERNAL after StartTLS', async () => {
      const server = await scripted(nobody, {
        bind: accept,
        clientAuthority: files.authority,
        startTls: (id) => result(id, RESPONSE.extended, 0),
      });
      const { protection } = await open({ ...at(server), ...external(), startTls: true });
      expect(protection).to.match(/signed in by the certificate CN=svc-sync$/);
      expect(server.received).to.deep.equal([]);
      expect(server.binds.map(({ certificate }) => certificate)).to.deep.equal([files.subject]);
      expect(server.binds[0]?.octets).to.deep.equal(saslBindRequest(1, 'EXTERNAL', Buffer.alloc(0)));
    });

    it('asks over LDAPS who is signed in, and binds by EXTERNAL where nobody is', async () => {
      for (const [path, password] of [
        [files.pem, null],
        [files.encryptedPem, files.password],
        [files.pfx, files.password],
      ] as const) {
        const server = await scripted(nobody, { bind: accept, clientAuthority: files.authority });
        await open({ ...at(server), bind: { kind: 'external', certificatePath: path, password } });
        expect(server.received).to.have.lengthOf(1);
        expect(server.binds.map(({ certificate }) => certificate)).to.deep.equal([files.subject]);
      }
    });

    it('does not bind over LDAPS where the server has signed the certificate in already', async () => {
      const known: Reply = ({ id }) => result(id, RESPONSE.extended, 0, '', { value: 'u:CORP\\svc-sync' });
      const server = await scripted(known, { clientAuthority: files.authority });
      await open({ ...at(server), ...external() });
      expect(server.received.map(({ certificate }) => certificate)).to.deep.equal([files.subject]);
      expect(server.binds).to.deep.equal([]);
    });

    it('says why the server refuses, and how a certificate leads to an account', async () => {
      const server = await scripted(nobody, {
        bind: ({ id }) => result(id, RESPONSE.bind, 49, '8009030C: LdapErr: DSID-0C0906B0, data 52e'),
        clientAuthority: files.authority,
      });
      const error = await refusalOf({ ...at(server), ...external() });
      expect(error.code).to.equal('DirectoryBindRefused');
      expect(error.message).to.include('by the certificate CN=svc-sync: invalidCredentials (49)');
      expect(error.detail).to.include('8009030C');
      expect(error.remedy).to.include('NTAuth').and.include('altSecurityIdentities');
    });

    it('takes a connection that ends in the bind for a refusal', async () => {
      const server = await scripted(nobody, { bind: () => null, clientAuthority: files.authority });
      const error = await refusalOf({ ...at(server), ...external() });
      expect(error).to.include({ code: 'DirectoryBindRefused', retryable: true });
    });

    it('tells of a domain controller that signs nobody in by a certificate', async () => {
      for (const startTls of [false, true]) {
        const error = await refusalOf({ ...external(), startTls });
        expect(error.code).to.equal('DirectoryBindRefused');
        expect(error.message).to.match(/by the certificate CN=svc-sync: \w+ \(\d+\)/);
      }
    });
  });

  describe('with Negotiate', () => {
    const negotiate: Partial<SignInSettings> = { bind: { kind: 'negotiate', credential: null } };
    let way: Way;
    let kerberos: KerberosClient;

    before(async () => {
      kerberos = await KerberosClient.create(domainController, 'sign-in');
      way = await openEdgeWay(kerberos.environment);
    });

    after(() => way?.close());

    /** Services of which only the name matters that they are asked to sign in to. */
    function noting(targets: string[]): HostServices {
      return {
        ...way.services,
        negotiate: (target, credential) => {
          targets.push(`${target} as ${credential?.userName ?? 'oneself'}`);
          return way.services.negotiate(target, credential);
        },
      };
    }

    it('asks an address for its name, signs in to that and warns', async () => {
      const targets: string[] = [];
      const { log, lines } = keptLog();
      const credential = domainController.administrator;
      const bind = { kind: 'negotiate', credential } as const;
      const { protection } = await open({ bind, hostServices: noting(targets) }, log);
      expect(protection).to.equal('LDAP sealed by Kerberos (GSS-SPNEGO), server ldap/dc1.corp.contoso.test');
      expect(targets).to.deep.equal([`ldap/dc1.corp.contoso.test as ${credential.userName}`]);
      expect(lines.filter((line) => line.startsWith('warning'))).to.have.lengthOf(1);
      expect(lines[0]).to.include(domainController.address).and.include('Give -Server this name');
      expect(JSON.stringify(lines)).to.not.include(credential.password);
    });

    it('signs in to the name that it is given, and asks nobody for another', async () => {
      const targets: string[] = [];
      const { log, lines } = keptLog();
      const settings = { ...settingsOf(domainController), ...negotiate, server: 'dc1.unknown.invalid' };
      const signIn = createSignIn({ ...settings, hostServices: noting(targets) }, TIMEOUTS, log);
      const error: unknown = await signIn.open(NEVER).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(WritebackError);
      expect(targets).to.deep.equal(['ldap/dc1.unknown.invalid as oneself']);
      expect(lines).to.deep.equal([]);
    });

    it('does not hide that there is no ticket', async () => {
      const error = await refusalOf({ ...negotiate, hostServices: way.services });
      expect(error.code).to.equal('DirectoryBindRefused');
      expect(error.remedy).to.include('ticket');
    });

    it('names the two ways on where there is no way to .NET', () => {
      const make = (): unknown =>
        createSignIn({ ...settingsOf(domainController), ...negotiate }, TIMEOUTS, keptLog().log);
      expect(make).to.throw(WritebackError).with.property('code', 'HostServiceUnavailable');
      expect(make)
        .to.throw(WritebackError)
        .with.property('remedy')
        .that.matches(/PowerShell 7\.4.*LDAPS.*-Credential.*certificate/);
    });

    it('refuses StartTLS beside it', () => {
      const settings = { ...settingsOf(domainController), ...negotiate, startTls: true, hostServices: way.services };
      expect(() => createSignIn(settings, TIMEOUTS, keptLog().log))
        .to.throw(WritebackError)
        .with.property('code', 'ParameterInvalid');
    });

    it('says that nothing answers, or that the server does not tell its name', async () => {
      const closed = await refusalOf({
        ...negotiate,
        hostServices: way.services,
        server: `${domainController.address}:1`,
      });
      expect(closed.code).to.equal('DirectoryUnreachable');
      const silent = createServer((socket) => {
        socket.once('data', () => socket.write(result(1, RESPONSE.search, 50, 'not for you')));
        socket.on('error', () => socket.destroy());
      });
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const { port } = silent.address() as AddressInfo;
      const error = await refusalOf({ ...negotiate, hostServices: way.services, server: `127.0.0.1:${port}` });
      expect(error.message).to.include('declined to tell its name: insufficientAccessRights (50): not for you');
      expect(error.remedy).to.include('full DNS name');
      silent.close();
    });
  });

  it('uses the usual port of each way unless the server names one', () => {
    const portOf = (changes: Partial<SignInSettings>): number =>
      createSignIn({ ...settingsOf(domainController), ...changes }, TIMEOUTS, keptLog().log).server.port;
    const hostServices = {} as HostServices;
    const negotiate = { bind: { kind: 'negotiate', credential: null }, hostServices } as const;
    expect([portOf({}), portOf({ startTls: true }), portOf(negotiate)]).to.deep.equal([636, 389, 389]);
    for (const changes of [{}, { startTls: true }, negotiate]) {
      expect(portOf({ ...changes, server: 'dc1:1636' })).to.equal(1636);
    }
  });
});
