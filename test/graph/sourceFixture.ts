import { createDeviceSource, type SourceLimits } from '../../src/graph/deviceSource.ts';
import { createLog, type Log } from '../../src/log.ts';
import type { Clock, DeviceSource, HostServices, SourceSettings } from '../../src/ports.ts';
import { startGraphEmulator, type GraphEmulator, type GraphEmulatorOptions } from '../emulator/graphEmulator.ts';
import { fakeClock, type FakeClock } from './fakeClock.ts';

export const CLIENT_ID = '6d1f0a52-1b1d-4a3e-9c55-0f6f1c2d3e4f';
export const SECRET = 'Throw~Away.Secret-8Q';

/** Log lines with their level in front, and the log that makes them. */
export interface RecordedLog {
  readonly lines: string[];
  readonly log: Log;
}

export function recordLog(): RecordedLog {
  const lines: string[] = [];
  return { lines, log: createLog((level, message) => lines.push(`${level}: ${message}`)) };
}

/** A tenant in the emulator, and a source that signs in to it by secret. */
export interface SourceFixture extends RecordedLog {
  readonly emulator: GraphEmulator;
  readonly clock: FakeClock;
  readonly signal: AbortSignal;
  readonly source: DeviceSource;
  /** Another source of the same tenant. */
  another(
    settings?: Partial<SourceSettings>,
    limits?: SourceLimits,
    clock?: Clock,
    hostServices?: HostServices,
  ): DeviceSource;
}

export async function startSource(options: GraphEmulatorOptions = {}): Promise<SourceFixture> {
  const emulator = await startGraphEmulator(options);
  emulator.apps.register({ clientId: CLIENT_ID, secrets: [SECRET] });
  const recorded = recordLog();
  const clock = fakeClock();
  const another: SourceFixture['another'] = (settings = {}, limits = {}, otherClock = clock, hostServices) =>
    createDeviceSource(
      {
        tenantId: emulator.tenantId,
        clientId: CLIENT_ID,
        environment: { graph: emulator.graphUrl, login: emulator.loginUrl },
        credential: { kind: 'secret', secret: SECRET },
        ...settings,
      },
      otherClock,
      recorded.log,
      hostServices,
      limits,
    );
  return { ...recorded, emulator, clock, signal: new AbortController().signal, source: another(), another };
}
