import { expect } from 'chai';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { useProxies, type ProxyVariables } from '../../src/graph/proxy.ts';
import { newDevice } from '../emulator/newEntities.ts';
import { caught, gather } from './caught.ts';
import { startForwardProxy, type ForwardProxy } from './forwardProxy.ts';
import { newCertificate } from './signingCertificate.ts';
import { recordLog, startSource, type SourceFixture } from './sourceFixture.ts';

describe('graph/proxy', () => {
  let proxy: ForwardProxy;
  let fixture: SourceFixture;
  let restore: () => void;
  const { lines, log } = recordLog();

  beforeEach(async () => {
    proxy = await startForwardProxy();
    fixture = await startSource();
    restore = () => undefined;
    lines.length = 0;
  });

  afterEach(async () => {
    restore();
    proxy.stop();
    await fixture.emulator.stop();
  });

  const use = (variables: ProxyVariables): void => {
    restore = useProxies(variables, log);
  };
  const hosts = (): ReadonlySet<string> =>
    new Set(
      proxy.asked.map(({ line }) => line.replace(/^CONNECT /, '').replace(/^[A-Z]+ http:\/\/([^/]+)\/.*$/, '$1')),
    );

  for (const name of ['HTTP_PROXY', 'http_proxy']) {
    it(`sends sign-in and Graph requests through ${name}, loopback addresses only when they are asked for`, async () => {
      const { emulator, source, signal } = fixture;
      emulator.devices.add(newDevice());
      use({ [name]: `http://user:p%40ss-word@${proxy.host}`, NO_PROXY: '<-loopback>' });
      expect(await gather(source.devices(signal))).to.have.length(1);
      expect([...hosts()]).to.deep.equal([new URL(emulator.graphUrl).host]);
      expect(proxy.asked.map(({ credentials }) => credentials)).to.include('user:p@ss-word');
      expect(lines).to.deep.equal([`verbose: requests go through the proxy ${proxy.host}`]);
    });
  }

  for (const NO_PROXY of [undefined, '', 'example.com, .example.org']) {
    it(`sends nothing to loopback addresses through a proxy with NO_PROXY ${JSON.stringify(NO_PROXY)}`, async () => {
      use({ HTTP_PROXY: proxy.host, HTTPS_PROXY: proxy.host, NO_PROXY });
      await fixture.source.probeDevices(fixture.signal);
      expect(proxy.asked).to.deep.equal([]);
    });
  }

  it('heeds NO_PROXY', async () => {
    const { hostname } = new URL(fixture.emulator.graphUrl);
    use({ HTTP_PROXY: proxy.host, no_proxy: `<-loopback>,${hostname}` });
    await fixture.source.probeDevices(fixture.signal);
    expect(proxy.asked).to.deep.equal([]);
  });

  it('sends nothing through a proxy for another scheme, and nothing without variables', async () => {
    use({ HTTPS_PROXY: proxy.host, NO_PROXY: '<-loopback>' });
    await fixture.source.probeDevices(fixture.signal);
    restore();
    use({});
    await fixture.source.probeUsers(fixture.signal);
    expect(proxy.asked).to.deep.equal([]);
  });

  it('names the proxy that cannot be reached', async () => {
    const { source, signal } = fixture;
    await source.signIn(signal);
    proxy.stop();
    use({ HTTP_PROXY: proxy.host, NO_PROXY: '<-loopback>' });
    const error = await caught(() => source.probeDevices(signal));
    expect(error.code).to.equal('GraphUnreachable');
    expect(error.message).to.contain(proxy.host);
  });

  it('refuses a proxy that is no address, and shows no password', async () => {
    for (const HTTPS_PROXY of ['socks5://user:do-not-show@host:1', 'http://:do-not-show@', '::']) {
      const error = await caught(async () => use({ HTTPS_PROXY }));
      expect(error).to.include({ code: 'ConfigurationInvalid', target: 'HTTPS_PROXY' });
      expect(JSON.stringify(error)).not.to.contain('do-not-show');
    }
  });

  describe('to an https host', () => {
    let server: Server;
    const system = getCACertificates();

    before(async () => {
      const { certificate, privateKey } = await newCertificate();
      setDefaultCACertificates([...system, certificate]);
      server = createServer({ cert: certificate, key: privateKey }, (_, response) => response.end('{"value":[]}'));
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
    });

    after(() => {
      setDefaultCACertificates(system);
      server.closeAllConnections();
      server.close();
    });

    it('goes through a tunnel, in which TLS is with the host', async () => {
      const graph = `https://localhost:${(server.address() as AddressInfo).port}`;
      use({ HTTPS_PROXY: proxy.host, NO_PROXY: '<-loopback>' });
      const source = fixture.another({
        environment: { graph, login: graph },
        credential: { kind: 'accessToken', token: 'given' },
      });
      await source.probeDevices(fixture.signal);
      expect(proxy.asked.map(({ line }) => line)).to.deep.equal([`CONNECT ${new URL(graph).host}`]);
    });
  });
});
