/**
 * A program that reads one device from the https address that is its first argument, signed in as its second says. Writes
 * "read", or code and remedy of the error.
 */
import { createDeviceSource } from '../../src/graph/deviceSource.ts';
import { createLog } from '../../src/log.ts';
import { caught } from './caught.ts';
import { realClock } from './fakeClock.ts';

const [address = '', kind] = process.argv.slice(2);
const source = createDeviceSource(
  {
    tenantId: '11111111-2222-3333-4444-555555555555',
    clientId: '6d1f0a52-1b1d-4a3e-9c55-0f6f1c2d3e4f',
    environment: { graph: address, login: address },
    credential: kind === 'secret' ? { kind, secret: 'Throw~Away' } : { kind: 'accessToken', token: 'opaque' },
  },
  realClock,
  createLog(() => undefined),
);
let read = false;
const error = await caught(async () => {
  await source.probeDevices(new AbortController().signal);
  read = true;
}).catch((thrown: unknown) => {
  if (read) return null;
  throw thrown;
});
process.stdout.write(error === null ? 'read' : `${error.code} ${error.message} ${error.remedy}`);
