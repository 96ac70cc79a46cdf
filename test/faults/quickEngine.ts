/** The engine with all its real parts, but for a clock that waits a two-thousandth as long: faults cost waits, not tests. */
import { setTimeout as delay } from 'node:timers/promises';
import { createHandlers } from '../../src/commands/handlers.ts';
import { openDirectory } from '../../src/directory/openDirectory.ts';
import { cancelled } from '../../src/errors.ts';
import { readCertificates } from '../../src/files/certificates.ts';
import { readConfiguration } from '../../src/files/configuration.ts';
import { loadPlan, savePlan, saveText } from '../../src/files/planFile.ts';
import { writeReportPage } from '../../src/files/reportPage.ts';
import { createRunFiles } from '../../src/files/state.ts';
import { digest } from '../../src/plan/digest.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import { createDeviceSource } from '../../src/graph/deviceSource.ts';
import type { Clock } from '../../src/ports.ts';
import { createChannel } from '../../src/protocol/channel.ts';
import { PROTOCOL_VERSION } from '../../src/protocol/messages.ts';
import { serve } from '../../src/protocol/serve.ts';

const HASTE = 2000;

const clock: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    try {
      await delay(milliseconds / HASTE, undefined, { signal });
    } catch {
      throw cancelled();
    }
  },
};

const handlers = createHandlers({
  clock,
  readConfiguration,
  readCertificates,
  openSource: async (settings, log) => createDeviceSource(settings, clock, log),
  openDirectory: (settings, log) => openDirectory(settings, null, log),
  openRunFiles: (place, log) => createRunFiles(place, log, { undoPlan }),
  savePlan,
  saveText,
  loadPlan: (path, expected) => loadPlan(path, expected, digest),
  writeReportPage,
});
const hello = { protocol: PROTOCOL_VERSION, version: '0.0.0', node: process.versions.node } as const;
await serve(createChannel(process.stdin, process.stdout), handlers, hello);
process.exit(0);
