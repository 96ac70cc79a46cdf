import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { DeviceSource } from '../../src/ports.ts';
import type { EmulatorRequest } from '../emulator/exchange.ts';
import { failure, serverError } from '../emulator/faultPresets.ts';
import type { FaultAction } from '../emulator/faults.ts';
import { newDevice } from '../emulator/newEntities.ts';
import { caught } from './caught.ts';
import { CLIENT_ID, startSource, type SourceFixture } from './sourceFixture.ts';

const USER = { id: randomUUID(), userPrincipalName: 'admin@contoso.com' };

describe('graph/deviceCode', () => {
  let fixture: SourceFixture;
  let told: string[];

  beforeEach(async () => {
    told = [];
    fixture = await startSource({ switches: { deviceCodeInterval: 0.02 } });
  });

  afterEach(async () => {
    await fixture.emulator.stop();
  });

  /** A source whose user does this when the message with the code appears. */
  function source(act: (userCode: string) => void): DeviceSource {
    const tell = (message: string): void => {
      told.push(message);
      const [userCode = ''] = fixture.emulator.signIns.waiting();
      expect(message).to.contain(userCode);
      act(userCode);
    };
    return fixture.another({ credential: { kind: 'deviceCode', tell } });
  }
  const approve = (userCode: string): void => fixture.emulator.signIns.approve(userCode, USER);
  const toToken = ({ path }: EmulatorRequest): boolean => path.endsWith('/oauth2/v2.0/token');
  const requests = (end: string): number => fixture.emulator.requests.count(({ path }) => path.endsWith(end));

  it('tells the user the code and the page, and has the delegated permissions of the user', async () => {
    const { emulator, signal } = fixture;
    emulator.devices.add(newDevice());
    const user = source(approve);
    expect(await user.signIn(signal)).to.deep.equal({
      tenantId: emulator.tenantId,
      clientId: CLIENT_ID,
      roles: ['Device.Read.All', 'User.Read.All', 'Organization.Read.All'],
    });
    await user.probeDevices(signal);
    expect(told).to.have.length(1);
    expect(told[0]).to.contain('https://microsoft.com/devicelogin');
  });

  it('asks until the user has entered the code', async () => {
    const { signal } = fixture;
    await source((userCode) => setTimeout(() => approve(userCode), 120)).signIn(signal);
    expect(requests('/token')).to.be.above(2);
    expect(told).to.have.length(1);
  });

  const patient: readonly (readonly [string, FaultAction])[] = [
    ['503', serverError(503)],
    ['429', failure(429, 'TooManyRequests', 'No.')],
    ['a reset connection', { kind: 'resetBeforeHeaders' }],
    ['an answer that is no JSON', { kind: 'truncate' }],
  ];
  for (const [what, action] of patient) {
    it(`keeps the code good when asking meets ${what}`, async () => {
      fixture.emulator.faults.add({ when: toToken, times: 2, action });
      await source((userCode) => setTimeout(() => approve(userCode), 150)).signIn(fixture.signal);
      expect(told).to.have.length(1);
    });
  }

  it('renews the token without the user, also when Graph refuses one', async () => {
    const { emulator, clock, signal } = fixture;
    const user = source(approve);
    await user.probeDevices(signal);
    await clock.sleep(3_500_000, signal);
    await user.probeDevices(signal);
    emulator.tokens.revoke();
    await user.probeDevices(signal);
    expect(told).to.have.length(1);
    expect(requests('/devicecode')).to.equal(1);
    expect(requests('/token')).to.equal(3);
  });

  it('heals a bad answer to a renewal, and renews again from the renewed sign-in', async () => {
    const { emulator, clock, signal } = fixture;
    const user = source(approve);
    await user.signIn(signal);
    for (const status of [503, 500]) {
      emulator.faults.add({ when: toToken, action: serverError(status) });
      await clock.sleep(3_500_000, signal);
      await user.probeDevices(signal);
    }
    expect(told).to.have.length(1);
    expect(requests('/token')).to.equal(5);
  });

  it('ends when the sign-in was revoked meanwhile', async () => {
    const { emulator, signal } = fixture;
    const user = source(approve);
    await user.signIn(signal);
    emulator.tokens.revoke();
    emulator.signIns.revokeRefreshTokens();
    const error = await caught(() => user.probeDevices(signal));
    expect(error.code).to.equal('SignInRefused');
    expect(error.remedy).to.contain('sign in anew');
    expect(told).to.have.length(1);
  });

  it('is refused when the user declines', async () => {
    const error = await caught(() =>
      source((userCode) => fixture.emulator.signIns.decline(userCode)).signIn(fixture.signal),
    );
    expect(error).to.include({ code: 'SignInRefused', target: CLIENT_ID });
    expect(error.message).to.contain('AADSTS65004');
    expect(error.remedy).to.contain('accept');
  });

  it('is refused when the code is not entered in time', async () => {
    fixture.emulator.switches.deviceCodeLifetime = 1;
    const error = await caught(() => source(() => undefined).signIn(fixture.signal));
    expect(error.code).to.equal('SignInRefused');
    expect(error.message).to.match(/not entered in time|code expired/);
    expect(error.remedy).to.contain('before it expires');
  }).timeout(8000);

  it('is refused with a remedy when the application may not sign users in', async () => {
    fixture.emulator.apps.register({ clientId: CLIENT_ID, publicClient: false });
    const error = await caught(() => source(approve).signIn(fixture.signal));
    expect(error.code).to.equal('SignInRefused');
    expect(error.remedy).to.contain('Allow public client flows');
  });

  it('tells nothing, and is refused with the words of Entra, when there is no code', async () => {
    const error = await caught(() =>
      fixture
        .another({ clientId: randomUUID(), credential: { kind: 'deviceCode', tell: (message) => told.push(message) } })
        .signIn(fixture.signal),
    );
    expect(error.code).to.equal('SignInRefused');
    expect(error.message).to.contain('AADSTS700016');
    expect(told).to.deep.equal([]);
  });

  it('stops at once when it is cancelled while the user does nothing', async () => {
    fixture.emulator.switches.deviceCodeInterval = 5;
    const stop = new AbortController();
    const started = performance.now();
    const error = await caught(() => source(() => setTimeout(() => stop.abort(), 20)).signIn(stop.signal));
    expect(error.code).to.equal('Cancelled');
    expect(performance.now() - started).to.be.below(2000);
  });

  it('needs a client id', async () => {
    const error = await caught(() =>
      fixture
        .another({ clientId: null, credential: { kind: 'deviceCode', tell: () => undefined } })
        .signIn(fixture.signal),
    );
    expect(error.code).to.equal('ParameterMissing');
  });

  it('never shows a code of the program or a token in a log line', async () => {
    const { lines, signal } = fixture;
    await source(approve).signIn(signal);
    expect(lines.join('\n')).not.to.match(/eyJ|device_code|refresh_token|Bearer/);
  });
});
