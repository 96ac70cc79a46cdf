import { readFileSync, globSync } from 'node:fs';
import { expect } from 'chai';
import { hostFailure, unavailable } from '../../src/host/failure.ts';

/** Raised by module/Services, and answers rather than errors or faults of ours. */
const WITHOUT_OWN_TEXT = ['AlgorithmUnsupported', 'RequestInvalid', 'Unexpected'];

describe('failures of .NET', () => {
  const codes = new Set(
    globSync('module/Services/*.cs').flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/(?:new ServiceFailure\(|return Error\()\s*"(\w+)"/g)].map(
        (found) => found[1] ?? '',
      ),
    ),
  );

  it('have a cause, a target and a remedy each', () => {
    expect([...codes]).to.include.members(['IdentityRefused', 'FrameworkTooOld', 'KeyUnusable', ...WITHOUT_OWN_TEXT]);
    for (const code of codes) {
      const error = hostFailure(code, 'the cause', 'Signing in to', 'ldap/dc1');
      expect(error.message).to.equal('Signing in to ldap/dc1: the cause');
      expect(error.target).to.equal('ldap/dc1');
      expect(error.detail).to.equal(code);
      expect(error.code === 'EngineFault', code).to.equal(WITHOUT_OWN_TEXT.includes(code));
    }
  });

  it('name the two ways on where Kerberos is not to be had', () => {
    for (const code of ['FrameworkTooOld', 'LibraryMissing']) {
      expect(hostFailure(code, 'why', 'Signing in to', 'ldap/dc1').remedy).to.include('LDAPS with -Credential');
    }
    expect(unavailable('why.', 'Do this.').remedy).to.match(/^Do this\. .*PowerShell 7\.4 or later, .*LDAPS/);
  });
});
