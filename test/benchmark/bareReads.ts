/**
 * The two reads of a full run by the engine's own clients, each device and object thrown away: a program for
 * `startProgram`. It says how long they took together, in seconds, and waits to be measured.
 */
import { openDirectory } from '../../src/directory/openDirectory.ts';
import { createDeviceSource } from '../../src/graph/deviceSource.ts';
import { createLog } from '../../src/log.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEVICE_CONTAINER_DN, LAB_TENANT } from '../lab/registrationService.ts';
import { ACCOUNT, APPLICATION, say, type DirectoryServer, type GraphServer } from './streamedServers.ts';

const { graph, directory: place } = JSON.parse(process.argv[2] ?? '{}') as {
  graph: GraphServer;
  directory: DirectoryServer;
};
const log = createLog(() => undefined);
const { signal } = new AbortController();
const source = createDeviceSource(
  {
    tenantId: LAB_TENANT.tenantId,
    clientId: APPLICATION.userName,
    environment: { graph: graph.graphUrl, login: graph.loginUrl },
    credential: { kind: 'secret', secret: APPLICATION.password },
  },
  { now: () => new Date(), sleep: (milliseconds) => sleep(milliseconds) },
  log,
);
const directory = await openDirectory(
  {
    server: place.server,
    domainName: null,
    bind: { kind: 'simple', credential: ACCOUNT },
    startTls: false,
    trustedCertificate: place.caFile,
  },
  null,
  log,
);
await source.signIn(signal);
await directory.schema(signal);
say({ ready: true });

const started = performance.now();
let objects = 0;
for await (const object of directory.devices(DEVICE_CONTAINER_DN, signal)) objects += object.name === '' ? 0 : 1;
let devices = 0;
for await (const device of source.devices(signal)) devices += device.id === '' ? 0 : 1;
say({ seconds: (performance.now() - started) / 1000, objects, devices });
process.stdin.resume().on('end', () => {
  void directory.close().then(() => process.exit(0));
});
