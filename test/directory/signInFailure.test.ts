import { expect } from 'chai';
import { ConnectionLost, LdapRefusal } from '../../src/directory/failure.ts';
import { bindFailure, certificateFailure, connectFailure, type Offer } from '../../src/directory/signInFailure.ts';
import { WritebackError } from '../../src/errors.ts';

const SERVER = 'dc1.corp.contoso.test:636';

function bindError(error: unknown): WritebackError {
  const failure = bindFailure(error, SERVER, 'svc@corp.contoso.test');
  if (!(failure instanceof WritebackError)) throw new Error('no WritebackError');
  return failure;
}

const text = (data: string): string =>
  `80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data ${data}, v4563\0`;

function failureOf(thrown: Error, offer: Offer = 'LDAPS'): WritebackError {
  const failure = connectFailure(thrown, SERVER, offer);
  if (!(failure instanceof WritebackError)) throw new Error(`no WritebackError: ${String(failure)}`);
  return failure;
}

describe('signInFailure', () => {
  for (const [data, meaning] of Object.entries({
    '525': 'the user was not found',
    '52e': 'the user name or the password is wrong',
    '530': 'may not sign in at this time',
    '531': 'may not sign in from this machine',
    '532': 'the password has expired',
    '533': 'the account is disabled',
    '701': 'the account has expired',
    '773': 'the password must be changed first',
    '775': 'the account is locked',
  })) {
    it(`says that ${meaning} when Active Directory answers data ${data}`, () => {
      const failure = bindError(new LdapRefusal(49, text(data)));
      expect(failure).to.include({ code: 'DirectoryBindRefused', target: SERVER });
      expect(failure.message).to.include(meaning).and.to.include('svc@corp.contoso.test');
      expect(failure.detail).to.include(`data ${data}`);
    });
  }

  it('gives the general advice for an answer without a known code', () => {
    for (const words of ['', 'Invalid credentials', text('9999')]) {
      const failure = bindError(new LdapRefusal(49, words));
      expect(failure.message).to.include('invalidCredentials (49)');
      expect(failure.remedy).to.match(/^Check the user name/);
    }
  });

  it('asks for a protected connection where the server wants one', () => {
    expect(bindError(new LdapRefusal(8, 'Transport encryption required.')).remedy).to.match(/LDAPS port/);
  });

  it('takes a connection lost while signing in for an unreachable server', () => {
    expect(bindError(new ConnectionLost('reset')).code).to.equal('DirectoryUnreachable');
  });

  it('tells an untrusted certificate, a name that does not resolve and a closed port apart', () => {
    const failure = (code: string): WritebackError => failureOf(Object.assign(new Error('words'), { code }));
    for (const code of [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'CERT_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ]) {
      expect(failure(code)).to.include({ code: 'DirectoryUntrusted', detail: code, retryable: false });
      expect(failure(code).remedy, code).to.include('-TrustedCertificate');
    }
    expect(failure('ERR_SSL_WRONG_VERSION_NUMBER').remedy).to.include('636');
    expect(failure('ENOTFOUND').remedy).to.include('name resolution');
    expect(failure('ECONNREFUSED')).to.include({ code: 'DirectoryUnreachable', retryable: true });
    expect(failureOf(new Error('no connection within 15 s')).code).to.equal('DirectoryUnreachable');
  });

  it('names the port of what was to begin: TLS, StartTLS or LDAP', () => {
    const refused = Object.assign(new Error('words'), { code: 'ECONNREFUSED' });
    expect(failureOf(refused, 'LDAPS').remedy).to.include('offers LDAPS on this port (636 as a rule)');
    expect(failureOf(refused, 'StartTLS').remedy).to.include('offers StartTLS on this port (389 as a rule)');
    expect(failureOf(refused, 'LDAP').remedy).to.include('offers LDAP on this port (389 as a rule)');
  });

  describe('of a client certificate', () => {
    const refusal = (error: Error, validTo: Date | null = null): WritebackError => {
      const failure = certificateFailure(error, SERVER, 'CN=svc', validTo);
      if (!(failure instanceof WritebackError)) throw new Error(`no WritebackError: ${String(failure)}`);
      return failure;
    };

    it('tells an expired one, one that leads to no account and a server that takes none apart', () => {
      const refused = new LdapRefusal(49, 'data 52e');
      expect(refusal(refused, new Date('2020-01-02T03:04:05Z')).message).to.include(
        'it expired on 2020-01-02T03:04:05',
      );
      expect(refusal(refused, new Date('2020-01-02T03:04:05Z')).remedy).to.match(/^Renew/);
      expect(refusal(refused, new Date('2999-01-01')).remedy).to.include('NTAuth');
      expect(refusal(new LdapRefusal(7, '')).remedy).to.include('-Credential');
      expect(refusal(refused)).to.include({ code: 'DirectoryBindRefused', retryable: false, detail: 'data 52e' });
    });

    it('takes a connection lost in the bind for a refusal, and an error of another kind for itself', () => {
      expect(refusal(new ConnectionLost('alert unknown ca')).message).to.include('alert unknown ca');
      const other = new Error('other');
      expect(certificateFailure(other, SERVER, 'CN=svc', null)).to.equal(other);
    });
  });
});
