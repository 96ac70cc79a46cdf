import { startDomainController } from '../lab/domainController.ts';
import { KerberosClient, LDAP_PRINCIPAL } from '../lab/kerberos.ts';
import { openBridgeWay, openEdgeWay } from './ways.ts';
import { openSealedSocket } from '../../src/directory/sealedSocket.ts';
import { openWire } from '../../src/directory/wire.ts';
import { searchRequest } from '../../src/directory/message.ts';
import { anything } from '../../src/directory/search.ts';
import { ExtendedRequest } from 'ldapts';
const t0 = performance.now();
const at = (s: string) => console.log(`${Math.round(performance.now()-t0)} ms ${s}`);
const dc = await startDomainController({ schema: 87 }); at('dc');
const k = await KerberosClient.create(dc, 'own');
await k.signIn(dc.administrator); at('kinit');
for (const open of [openEdgeWay, openBridgeWay]) {
  const way = await open(k.environment); at(open.name);
  for (const credential of [null, dc.administrator]) {
  try {
    const { socket, protection } = await openSealedSocket({ host: dc.address, port: 389, principal: LDAP_PRINCIPAL, credential }, way.services, 10000, new AbortController().signal);
    at(protection);
    const wire = openWire(socket, 10000);
    const w = await wire.request(searchRequest({ base: '', scope: 'base', filter: anything, attributes: ['tokenGroups'] }, 60, []));
    at(String(w.entries[0]?.attributes[0]?.values.length));
    const a = await wire.request(searchRequest({ base: dc.configurationDn, scope: 'sub', filter: anything, attributes: [] }, 60, []));
    at(`${a.entries.length} entries`);
    for (let i=0;i<500;i++) await wire.request(searchRequest({ base: '', scope: 'base', filter: anything, attributes: [] }, 60, []));
    at('500 searches');
    wire.close();
  } catch (e) { console.log(e); }
  }
  for (const [p, c] of [['ldap/other.corp.contoso.test', null], [LDAP_PRINCIPAL, {userName:'Administrator@corp.contoso.test', password:'wrong'}], [LDAP_PRINCIPAL, {userName:'nobody@corp.contoso.test', password:'wrong'}]] as const)
    await openSealedSocket({ host: dc.address, port: 389, principal: p, credential: c }, way.services, 10000, new AbortController().signal).catch(e => at(e.message));
  await way.close(); at('closed');
}
await dc.stop();
