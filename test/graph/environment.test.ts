import { expect } from 'chai';
import { environmentOf } from '../../src/graph/environment.ts';
import { caught } from './caught.ts';

describe('graph/environment', () => {
  const hosts: readonly (readonly [string, string, string])[] = [
    ['Global', 'https://graph.microsoft.com', 'https://login.microsoftonline.com'],
    ['USGov', 'https://graph.microsoft.us', 'https://login.microsoftonline.us'],
    ['USGovDoD', 'https://dod-graph.microsoft.us', 'https://login.microsoftonline.us'],
    ['China', 'https://microsoftgraph.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
  ];
  for (const [name, graph, login] of hosts) {
    it(`knows the hosts of ${name}, in any case`, () => {
      const environment = { graph, login, scope: `${graph}/.default`, known: true };
      expect(environmentOf(name)).to.deep.equal(environment);
      expect(environmentOf(name.toUpperCase())).to.deep.equal(environment);
    });
  }

  it('takes https base addresses of another cloud', () => {
    expect(
      environmentOf({ graph: 'https://graph.cloud.example/', login: 'https://login.cloud.example:8443' }),
    ).to.deep.equal({
      graph: 'https://graph.cloud.example',
      login: 'https://login.cloud.example:8443',
      scope: 'https://graph.cloud.example/.default',
      known: false,
    });
  });

  for (const address of ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080', 'http://127.1.2.3']) {
    it(`takes plain http on loopback: ${address}`, () => {
      expect(environmentOf({ graph: address, login: address }).graph).to.equal(address);
    });
  }

  const refused = [
    'http://graph.example',
    'http://127.0.0.1.example',
    'ftp://127.0.0.1',
    'https://graph.example/v1.0',
    'https://graph.example/?a=b',
    'https://user:word@graph.example',
    'https://graph.example?',
    'https://graph.example/?',
    'https://graph.example/#',
    'https://@graph.example',
    'https://graph.example/.',
    'https:graph.example',
    'https:\\\\graph.example',
    ' https://graph.example',
    'https://graph.example ',
    'https://graph.ex\nample',
    '\u0001https://graph.example',
    'graph.example',
    '',
  ];
  for (const address of refused) {
    it(`refuses ${JSON.stringify(address)} as a base address`, async () => {
      for (const choice of [
        { graph: address, login: 'https://login.example' },
        { graph: 'https://graph.example', login: address },
      ]) {
        const error = await caught(async () => environmentOf(choice));
        expect(error.code).to.equal('ParameterInvalid');
        expect(error.message).not.to.contain('word');
      }
    });
  }

  it('refuses an unknown name and lists the known ones', async () => {
    const error = await caught(async () => environmentOf('Mars'));
    expect(error).to.include({ code: 'ParameterInvalid', target: 'Mars' });
    expect(error.remedy).to.contain('Global, USGov, USGovDoD, China');
  });
});
