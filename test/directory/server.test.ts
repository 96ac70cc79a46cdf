import { expect } from 'chai';
import { parseServer, serverText } from '../../src/directory/server.ts';
import { WritebackError } from '../../src/errors.ts';

describe('server', () => {
  it('reads a server with and without a port', () => {
    expect(parseServer('dc1.contoso.com', 636)).to.deep.equal({ host: 'dc1.contoso.com', port: 636 });
    expect(parseServer('dc1:3269', 636)).to.deep.equal({ host: 'dc1', port: 3269 });
    expect(parseServer('127.0.0.1:636', 389)).to.deep.equal({ host: '127.0.0.1', port: 636 });
    expect(parseServer('::1', 389)).to.deep.equal({ host: '::1', port: 389 });
    expect(parseServer('[::1]:1636', 636)).to.deep.equal({ host: '::1', port: 1636 });
  });

  it('refuses what names no server', () => {
    for (const server of ['', 'ldaps://dc1', 'dc1:', 'dc1:0', 'dc1:65536', 'dc 1', 'user@dc1', 'dc1:x', '[dc1]']) {
      expect(() => parseServer(server, 636), server)
        .to.throw(WritebackError)
        .with.property('code', 'ParameterInvalid');
    }
  });

  it('writes a server as it can be read again', () => {
    for (const text of ['dc1.contoso.com:636', '127.0.0.1:389', '[::1]:1636']) {
      expect(serverText(parseServer(text, 1))).to.equal(text);
    }
  });
});
