import { expect } from 'chai';
import { networkFailure } from '../../src/graph/networkFailure.ts';

function withCode(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

describe('graph/networkFailure', () => {
  it('finds the reason below "fetch failed"', () => {
    const thrown = new TypeError('fetch failed', {
      cause: withCode('getaddrinfo ENOTFOUND graph.example', 'ENOTFOUND'),
    });
    expect(networkFailure(thrown)).to.deep.equal({ text: 'getaddrinfo ENOTFOUND graph.example', untrusted: false });
  });

  it('finds the reason below an AggregateError of several addresses', () => {
    const each = withCode('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED');
    const thrown = new TypeError('fetch failed', { cause: new AggregateError([each, each], '') });
    expect(networkFailure(thrown)).to.deep.equal({ text: 'connect ECONNREFUSED 127.0.0.1:9', untrusted: false });
  });

  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'CERT_HAS_EXPIRED',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ]) {
    it(`takes ${code} as a certificate that is not trusted`, () => {
      const thrown = new TypeError('fetch failed', { cause: withCode('bad certificate', code) });
      expect(networkFailure(thrown)).to.deep.equal({ text: `bad certificate (${code})`, untrusted: true });
    });
  }

  it('spells out what is not seen in the names of a certificate', () => {
    const thrown = withCode("not in the cert's altnames: DNS:a\u001b[2J\r\n", 'ERR_TLS_CERT_ALTNAME_INVALID');
    expect(networkFailure(thrown).text).to.contain('DNS:a\\u001b[2J\\u000d\\u000a');
  });

  it('reads anything that can be thrown', () => {
    expect(networkFailure('broken')).to.deep.equal({ text: 'broken', untrusted: false });
    expect(networkFailure(new Error('plain')).text).to.equal('plain');
  });
});
