import { expect } from 'chai';
import type { Application } from '../../src/graph/application.ts';
import { environmentOf } from '../../src/graph/environment.ts';
import { signInRefused, signInUnreachable } from '../../src/graph/signInFailure.ts';

const APPLICATION: Application = {
  tenantId: 'contoso.com',
  clientId: '6d1f0a52-1b1d-4a3e-9c55-0f6f1c2d3e4f',
  environment: environmentOf('Global'),
  credential: { kind: 'secret', secret: 'do-not-show' },
};

const HOST = 'login.microsoftonline.com';

describe('graph/signInFailure', () => {
  const remedies: readonly (readonly [number, RegExp])[] = [
    [90002, /tenant id/],
    [700016, /client id/],
    [700024, /clock/],
    [700027, /Add this certificate/],
    [7000112, /Enable the application/],
    [7000215, /secret's value/],
    [7000222, /Make a new client secret/],
  ];
  for (const [number, remedy] of remedies) {
    it(`has a remedy for AADSTS${number}, by its number or its text`, () => {
      const text = `AADSTS${number}: No. Trace ID: 1 Correlation ID: 2 Timestamp: 3`;
      for (const errorNumber of [number, null]) {
        const error = signInRefused(APPLICATION, { error: 'invalid_client', text, errorNumber });
        expect(error.code).to.equal('SignInRefused');
        expect(error.remedy).to.match(remedy);
        expect(error.detail).to.equal(text);
        expect(error.message).to.equal(
          `The sign-in of application ${APPLICATION.clientId} to tenant contoso.com at login.microsoftonline.com was refused: AADSTS${number}: No.`,
        );
      }
    });
  }

  it('leads to the sign-in log for any other refusal', () => {
    const error = signInRefused(APPLICATION, { error: null, text: 'AADSTS999999: Odd.', errorNumber: 999_999 });
    expect(error.remedy).to.contain('sign-in log');
  });

  it("spells out what is not seen in Entra's words", () => {
    const text = 'AADSTS999999: Odd\u001b[2J.\r\nTrace ID: 1\u202e';
    const error = signInRefused(APPLICATION, { error: null, text, errorNumber: null });
    expect(error.message).to.match(/was refused: AADSTS999999: Odd\\u001b\[2J\.$/);
    expect(error.detail).to.equal('AADSTS999999: Odd\\u001b[2J. Trace ID: 1\\u202e');
    const unreachable = signInUnreachable(APPLICATION, HOST, null, 'x\u001b');
    expect([unreachable.message, unreachable.detail].join()).not.to.contain('\u001b');
  });

  it('tells an untrusted certificate from an unreachable host', () => {
    const untrusted = signInUnreachable(
      APPLICATION,
      HOST,
      { text: 'self-signed certificate', untrusted: true },
      'no answer',
    );
    expect(untrusted).to.include({ code: 'SignInUnreachable', retryable: false, target: 'login.microsoftonline.com' });
    expect(untrusted.remedy).to.contain('trust store');
    const unreachable = signInUnreachable(APPLICATION, HOST, null, 'answered 503');
    expect(unreachable.retryable).to.equal(true);
    expect(unreachable.remedy).to.contain('firewall');
  });
});
