/** Builds the real parts and joins them. The only file that touches standard input, standard output and the exit. */
import { Console } from 'node:console';
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };
import { runCommandLine } from './commandLine.ts';
import { createHandlers } from './commands/handlers.ts';
import { cancelled } from './errors.ts';
import { readCertificates } from './files/certificates.ts';
import { readConfiguration } from './files/configuration.ts';
import { loadPlan, savePlan, saveText } from './files/planFile.ts';
import { writeReportPage } from './files/reportPage.ts';
import { createRunFiles } from './files/state.ts';
import { createHostServicesOverBridge } from './host/overBridge.ts';
import { createHostServicesOverEdge } from './host/overEdge.ts';
import { digest } from './plan/digest.ts';
import { undoPlan } from './plan/undo.ts';
import type { Clock, Outside } from './ports.ts';
import { createChannel } from './protocol/channel.ts';
import { createHostRequests } from './protocol/hostRequests.ts';
import { PROTOCOL_VERSION } from './protocol/messages.ts';
import { serve } from './protocol/serve.ts';

enableCompileCache();

// Whatever a library prints must not be taken for a line of the protocol.
const stdout = process.stdout;
Object.defineProperty(process, 'stdout', { value: process.stderr });
globalThis.console = new Console(process.stderr);

const clock: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    try {
      await delay(milliseconds, undefined, { signal });
    } catch {
      throw cancelled();
    }
  },
};

const words = process.argv.slice(2);
const binFolder = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const channel = createChannel(process.stdin, stdout);
const hostRequests = createHostRequests(channel);
const hostServices =
  words.length === 0
    ? createHostServicesOverBridge((method, params) => hostRequests.request(method, params))
    : createHostServicesOverEdge(binFolder);

const outside: Outside = {
  clock,
  readConfiguration,
  readCertificates,
  // The libraries behind these two are most of the engine's size: they are loaded when first used.
  openSource: async (settings, log) =>
    (await import('./graph/deviceSource.ts')).createDeviceSource(settings, clock, log, hostServices),
  openDirectory: async (settings, log) =>
    (await import('./directory/openDirectory.ts')).openDirectory(settings, hostServices, log),
  openRunFiles: ({ keepReports, ...place }, log) =>
    createRunFiles(place, log, keepReports === null ? { undoPlan } : { undoPlan, keepReports }),
  savePlan,
  saveText,
  loadPlan: (path, expected) => loadPlan(path, expected, digest),
  writeReportPage,
};
const handlers = createHandlers(outside);

if (words.length === 0) {
  // A terminal sends Ctrl+C to the whole foreground group; the host says it on the bridge, where it stops one call only.
  process.on('SIGINT', () => undefined);
  const hello = { protocol: PROTOCOL_VERSION, version: manifest.version, node: process.versions.node } as const;
  await serve(channel, handlers, hello, hostRequests);
  // The input has ended, so nobody is left to serve; open connections would keep the process.
  process.exit(0);
}

const stopper = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopper.abort(cancelled()));
// A run is finished even where nobody reads any longer; the channel keeps to that for standard output.
process.stderr.on('error', () => undefined);
const terminal = {
  out: (message: object) => channel.send(message),
  error: (line: string): void => void process.stderr.write(`${line}\n`),
};
const code = await runCommandLine(words, handlers, terminal, stopper.signal);
stdout.end(() => process.exit(code));
