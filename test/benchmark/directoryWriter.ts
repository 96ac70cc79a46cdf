/**
 * Creates device objects through the directory of the engine and tells the seconds that it took, from the bound
 * connection to the last answer. Standard input is the JSON of a DirectoryWrite; Negotiate is done by edge-js, with the
 * tickets of this process.
 */
import { text } from 'node:stream/consumers';
import { createDirectory } from '../../src/directory/deviceDirectory.ts';
import { createHostServicesOverEdge } from '../../src/host/overEdge.ts';
import { createLog } from '../../src/log.ts';
import type { BindWay } from '../../src/ports.ts';
import { apply, creation, NEVER } from '../directory/sample.ts';

export interface DirectoryWrite {
  readonly server: string;
  readonly caFile: string;
  readonly container: string;
  readonly bind: BindWay;
  readonly objects: number;
  /** module/bin */
  readonly binFolder: string;
}

const given = JSON.parse(await text(process.stdin)) as DirectoryWrite;
const { server, caFile, container, bind, objects, binFolder } = given;
const log = createLog(() => undefined);
const hostServices = bind.kind === 'negotiate' ? createHostServicesOverEdge(binFolder) : null;
const directory = createDirectory({ server, bind, startTls: false, trustedCertificate: caFile, hostServices }, log);
try {
  const protection = await directory.protection(NEVER);
  const started = performance.now();
  for (let number = 0; number < objects; number += 1) await apply(directory, creation(number, container));
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`${JSON.stringify({ protection, seconds })}\n`);
} finally {
  await directory.close();
}
