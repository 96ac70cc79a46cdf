/** Results that no directory of the lab gives when it is asked to: each as the error that the administrator sees. */
import { expect } from 'chai';
import { createDirectory } from '../../src/directory/deviceDirectory.ts';
import type { Directory } from '../../src/ports.ts';
import { OPERATION, RESPONSE, result, startLdapServer, type LdapServer } from './ldapServer.ts';
import { creation, keptLog, NEVER, simple } from './sample.ts';

const CONTAINER = 'CN=RegisteredDevices,DC=corp,DC=contoso,DC=test';
const WORDS = '0000208D: SvcErr: DSID-03100238, problem 5012, data 0';
const REFERRALS = ['ldap://dc2.corp.contoso.test/CN=RegisteredDevices,DC=corp,DC=contoso,DC=test'];

interface Expected {
  readonly code: number;
  readonly name: string;
  readonly writeCode: string;
  readonly readCode: string;
  readonly retryable: boolean;
  readonly remedy: RegExp;
}

const CODES: readonly Expected[] = [
  {
    code: 51,
    name: 'busy',
    writeCode: 'DirectoryFailed',
    readCode: 'DirectoryFailed',
    retryable: true,
    remedy: /run again later/,
  },
  {
    code: 52,
    name: 'unavailable',
    writeCode: 'DirectoryFailed',
    readCode: 'DirectoryFailed',
    retryable: true,
    remedy: /run again later/,
  },
  {
    code: 3,
    name: 'timeLimitExceeded',
    writeCode: 'DirectoryFailed',
    readCode: 'DirectoryFailed',
    retryable: true,
    remedy: /run again later/,
  },
  {
    code: 11,
    name: 'adminLimitExceeded',
    writeCode: 'DirectoryFailed',
    readCode: 'DirectoryFailed',
    retryable: true,
    remedy: /run again later/,
  },
  {
    code: 4,
    name: 'sizeLimitExceeded',
    writeCode: 'ChangeFailed',
    readCode: 'DirectoryFailed',
    retryable: false,
    remedy: /MaxPageSize/,
  },
  {
    code: 10,
    name: 'referral',
    writeCode: 'ChangeFailed',
    readCode: 'DirectoryFailed',
    retryable: false,
    remedy: /-Server.*dc2\.corp\.contoso\.test/,
  },
  {
    code: 50,
    name: 'insufficientAccessRights',
    writeCode: 'DirectoryForbidden',
    readCode: 'DirectoryForbidden',
    retryable: false,
    remedy: /Run (Enable-DeviceWriteback|the command)/,
  },
  {
    code: 19,
    name: 'constraintViolation',
    writeCode: 'ChangeFailed',
    readCode: 'DirectoryFailed',
    retryable: false,
    remedy: /fit the schema/,
  },
  {
    code: 53,
    name: 'unwillingToPerform',
    writeCode: 'ChangeFailed',
    readCode: 'DirectoryFailed',
    retryable: false,
    remedy: /writable domain controller/,
  },
];

describe('the answer of a directory', () => {
  let server: LdapServer | null = null;
  let directory: Directory | null = null;

  afterEach(async () => {
    await directory?.close();
    await server?.stop();
  });

  /** A directory that answers everything with this code, but says who is signed in. */
  async function answering(code: number): Promise<Directory> {
    server = await startLdapServer(({ id, operation }) => {
      if (operation === OPERATION.extended) return result(id, RESPONSE.extended, 0, '', { value: 'u:CORP\\svc' });
      const tag = operation === OPERATION.search ? RESPONSE.search : operation === OPERATION.add ? RESPONSE.add : 0;
      return result(id, tag, code, WORDS, { referrals: code === 10 ? REFERRALS : [] });
    });
    directory = createDirectory(
      {
        server: server.server,
        bind: simple({ userName: 'svc@corp.contoso.test', password: 'Svc-Passw0rd!' }),
        startTls: false,
        trustedCertificate: server.caFile,
        hostServices: null,
      },
      keptLog().log,
    );
    return directory;
  }

  for (const { code, name, writeCode, readCode, retryable, remedy } of CODES) {
    it(`${name} fails one write with its words, the object and what to do`, async () => {
      const outcome = await (await answering(code)).write(creation(1, CONTAINER), NEVER);
      if (outcome.state !== 'failed') throw new Error(`it did not fail: ${JSON.stringify(outcome)}`);
      const target = creation(1, CONTAINER).distinguishedName;
      expect(outcome.error).to.include({ code: writeCode, target, retryable });
      expect(outcome.error.message).to.equal(
        `Creating ${target}: ${server?.server} answered ${name} (${code}): ${WORDS}`,
      );
      expect(outcome.error.detail).to.include(WORDS);
      expect(outcome.error.remedy).to.match(remedy);
      expect(server?.received.filter(({ operation }) => operation === OPERATION.add)).to.have.lengthOf(1);
    });

    it(`${name} ends a read with its words, the object and what to do`, async () => {
      const read = (await answering(code)).container(CONTAINER, NEVER);
      const error: unknown = await read.catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: readCode, target: CONTAINER, retryable });
      expect(error).to.have.property('message').that.includes(`Reading ${CONTAINER}: `).and.includes(WORDS);
      expect(error).to.have.property('remedy').that.matches(remedy);
    });
  }

  it('names the account in the line of dsacls that helps', async () => {
    const outcome = await (await answering(50)).write(creation(1, CONTAINER), NEVER);
    expect(outcome.state === 'failed' && outcome.error.remedy).to.include('"CORP\\svc:CCDC;msDS-Device"');
  });
});
