import { expect } from 'chai';
import { createHostServicesOverBridge } from '../../src/host/overBridge.ts';
import { failureOf } from './failureOf.ts';

const REFERENCE = { thumbprint: 'AB'.repeat(20), storeLocation: 'LocalMachine' } as const;

describe('host services over the bridge', () => {
  let asked: { method: string; params: object }[];

  beforeEach(() => {
    asked = [];
  });

  const answering = (...answers: readonly unknown[]) => {
    const rest = [...answers];
    return createHostServicesOverBridge(async (method, params) => {
      asked.push({ method, params });
      return rest.shift();
    });
  };

  it('sends bytes as base64, also those of a part of a buffer, and takes them back', async () => {
    const part = Buffer.from([1, 2, 253, 254, 255]).subarray(2);
    const signature = await answering({ signature: 'AP/+', certificate: '' }).sign(REFERENCE, 'PS256', part);
    expect(asked).to.deep.equal([
      { method: 'host/certificate/sign', params: { ...REFERENCE, algorithm: 'PS256', data: '/f7/' } },
    ]);
    expect([...(signature ?? [])]).to.deep.equal([0, 255, 254]);
  });

  it('opens a context at the first step and names it in each request after it', async () => {
    const context = answering(
      { handle: 7, token: 'AQ==', done: false },
      { token: '', done: true },
      { data: 'Ag==' },
      {},
    ).negotiate('ldap/dc1.contoso.com', { userName: 'sync@contoso.com', password: 'secret' });
    expect(asked).to.deep.equal([]);
    expect(await context.step(null)).to.deep.equal({ token: Buffer.from([1]), done: false });
    expect(await context.step(Buffer.from([3]))).to.deep.equal({ token: Buffer.alloc(0), done: true });
    expect([...(await context.wrap(Buffer.from([4])))]).to.deep.equal([2]);
    await context.close();
    expect(asked).to.deep.equal([
      {
        method: 'host/negotiate/open',
        params: { target: 'ldap/dc1.contoso.com', userName: 'sync@contoso.com', password: 'secret' },
      },
      { method: 'host/negotiate/step', params: { handle: 7, token: 'Aw==' } },
      { method: 'host/negotiate/wrap', params: { handle: 7, data: 'BA==' } },
      { method: 'host/negotiate/close', params: { handle: 7 } },
    ]);
  });

  it('closes a context that is still being opened once it is open', async () => {
    const opening = Promise.withResolvers<unknown>();
    const context = createHostServicesOverBridge(async (method, params) => {
      asked.push({ method, params });
      return method === 'host/negotiate/open' ? opening.promise : {};
    }).negotiate('ldap/dc1', null);
    const step = context.step(null);
    const closed = context.close();
    expect(asked.map(({ method }) => method)).to.deep.equal(['host/negotiate/open']);
    opening.resolve({ handle: 3, token: 'AQ==', done: false });
    await Promise.all([step, closed]);
    expect(asked[1]).to.deep.equal({ method: 'host/negotiate/close', params: { handle: 3 } });
  });

  it('asks for nothing to close a context that was never opened', async () => {
    const services = answering({ error: { code: 'IdentityRefused', message: 'no ticket' } });
    const context = services.negotiate('ldap/dc1', null);
    await context.close();
    expect((await failureOf(context.wrap(Buffer.from('x')))).message).to.include('nothing was sent');
    expect((await failureOf(context.step(null))).code).to.equal('DirectoryBindRefused');
    await context.close();
    expect(asked.map(({ method }) => method)).to.deep.equal(['host/negotiate/open']);
  });

  it('names no user for the account that runs it', async () => {
    await answering({ handle: 1, token: 'AQ==', done: false }).negotiate('ldap/dc1', null).step(null);
    expect(asked[0]?.params).to.deep.equal({ target: 'ldap/dc1' });
  });

  it('answers null for a signature that the key cannot make', async () => {
    const error = { code: 'AlgorithmUnsupported', message: 'a key of the old CryptoAPI' };
    expect(await answering({ error }).sign(REFERENCE, 'PS256', Buffer.from('x'))).to.equal(null);
  });

  it('refuses answers that have not the form of the operation', async () => {
    for (const answer of [undefined, null, 'text', {}, { data: 7 }, { data: null }]) {
      const error = await failureOf(answering(answer).protectSecret(Buffer.from('x')));
      expect(error.code, JSON.stringify(answer)).to.equal('EngineFault');
    }
    for (const handle of [undefined, '7', 1.5]) {
      const answer = { handle, token: 'AQ==', done: false };
      expect((await failureOf(answering(answer).negotiate('ldap/dc1', null).step(null))).code).to.equal('EngineFault');
    }
  });
});
