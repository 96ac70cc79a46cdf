/** An engine under PowerShell: it answers calls with nothing, and passes the requests of a test on to its host. */
import { createChannel } from '../../src/protocol/channel.ts';
import { createHostRequests } from '../../src/protocol/hostRequests.ts';
import { METHODS, PROTOCOL_VERSION, type Method } from '../../src/protocol/messages.ts';
import { serve, type Handler } from '../../src/protocol/serve.ts';
import { serveRelay } from './relay.ts';

const channel = createChannel(process.stdin, process.stdout);
const requests = createHostRequests(channel);
void serveRelay(requests.request);
const nothing: Handler = async () => ({ passed: true });
const handlers = Object.fromEntries(METHODS.map((method) => [method, nothing])) as Record<Method, Handler>;
await serve(channel, handlers, { protocol: PROTOCOL_VERSION, version: '0.0.0', node: process.versions.node }, requests);
process.exit(0);
