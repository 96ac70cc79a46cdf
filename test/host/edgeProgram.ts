/** A plain Node with edge-js, which works the requests of a test. Argument: module/bin. */
import { createInvokeOverEdge } from '../../src/host/overEdge.ts';
import { decoded, encoded } from '../../src/host/overBridge.ts';
import type { Members } from '../../src/host/operations.ts';
import { serveRelay } from './relay.ts';

const invoke = createInvokeOverEdge(process.argv[2] ?? '');
await serveRelay(async (method, params) => {
  const [, service = '', operation = ''] = method.split('/');
  const answer = await invoke(service, operation, decoded({ ...params }) as Members);
  return encoded(answer);
});
