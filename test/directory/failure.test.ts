import { expect } from 'chai';
import {
  ConnectionLost,
  createRightsCommand,
  LdapRefusal,
  operationFailure,
  writeRightsCommand,
} from '../../src/directory/failure.ts';
import { cancelled, WritebackError } from '../../src/errors.ts';

const SERVER = 'dc1.corp.contoso.test:636';
const attempt = { doing: 'Updating', target: 'CN=a,DC=test', otherwise: 'ChangeFailed' } as const;

function failureOf(error: unknown, changes: object = {}): WritebackError {
  const failure = operationFailure(error, { ...attempt, ...changes }, SERVER);
  if (!(failure instanceof WritebackError)) throw new Error('no WritebackError');
  return failure;
}

describe('failure', () => {
  it('keeps what was done, the object, the code and the own words of the server', () => {
    const failure = failureOf(new LdapRefusal(19, '000020B1: SvcErr: DSID-030F1234, problem 1005\0'));
    expect(failure.message).to.equal(
      'Updating CN=a,DC=test: dc1.corp.contoso.test:636 answered constraintViolation (19): 000020B1: SvcErr: DSID-030F1234, problem 1005',
    );
    expect(failure).to.include({ code: 'ChangeFailed', target: 'CN=a,DC=test', retryable: false });
    expect(failure.detail).to.equal('constraintViolation (19): 000020B1: SvcErr: DSID-030F1234, problem 1005');
  });

  it('says which right is missing', () => {
    const failure = failureOf(new LdapRefusal(50, '00002098'), { whenForbidden: 'Do this.' });
    expect(failure).to.include({ code: 'DirectoryForbidden', remedy: 'Do this.' });
    expect(failureOf(new LdapRefusal(50, '')).remedy).to.match(/an account that has the right/);
  });

  it('tells that it is worth trying again when the server is busy', () => {
    for (const code of [3, 11, 51, 52]) {
      expect(failureOf(new LdapRefusal(code, ''))).to.include({ code: 'DirectoryFailed', retryable: true });
    }
  });

  it('has a remedy for each result that a write can meet, and one for any other', () => {
    for (const code of [1, 16, 19, 20, 21, 32, 4, 10, 53, 64, 65, 66, 80, 123]) {
      expect(failureOf(new LdapRefusal(code, 'text')).remedy, String(code)).to.match(/^\S.*\.$/);
    }
    expect(failureOf(new LdapRefusal(123, 'text')).message).to.include('result code (123): text');
  });

  it('turns a lost connection into an unreachable directory that can be tried again', () => {
    const failure = failureOf(new ConnectionLost('the server closed the connection'));
    expect(failure).to.include({ code: 'DirectoryUnreachable', target: SERVER, retryable: true });
  });

  it('leaves every other error as it is', () => {
    const stop = cancelled();
    expect(operationFailure(stop, attempt, SERVER)).to.equal(stop);
    const fault = new TypeError('x');
    expect(operationFailure(fault, attempt, SERVER)).to.equal(fault);
  });

  it('gives the line of dsacls for each of the least rights', () => {
    expect(createRightsCommand('CN=R,DC=test', 'CORP\\svc')).to.equal(
      'dsacls "CN=R,DC=test" /G "CORP\\svc:CCDC;msDS-Device"',
    );
    expect(writeRightsCommand('CN=R,DC=test', 'CORP\\svc')).to.equal(
      'dsacls "CN=R,DC=test" /I:S /G "CORP\\svc:RPWP;;msDS-Device"',
    );
  });
});
