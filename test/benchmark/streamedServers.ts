/** The two servers of a full run, each in a process of its own, so that memory and processor time here are the client's alone. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export const ACCOUNT = { userName: 'svc-writeback@corp.contoso.test', password: 'Throwaway-Passw0rd!' };
export const APPLICATION = { userName: '3c2f8a5e-6b1d-4f70-9a58-0d4c7be1a962', password: 'throwaway-secret' };

/** What a program that was started says first, and the way to end it. */
export interface Started<T> {
  readonly said: T;
  readonly pid: number;
  /** The next line it says, as JSON. */
  next<U>(): Promise<U>;
  stop(): Promise<void>;
}

export interface GraphServer {
  readonly graphUrl: string;
  readonly loginUrl: string;
}

export interface DirectoryServer {
  readonly server: string;
  readonly caFile: string;
}

export interface StreamedServers {
  readonly graph: GraphServer;
  readonly directory: DirectoryServer;
  stop(): Promise<void>;
}

/** Both servers for so many devices; each so many objects differ from their devices, null for none. */
export async function startStreamedServers(devices: number, staleEvery: number | null): Promise<StreamedServers> {
  const graph = await startProgram<GraphServer>('graphServer.ts', { devices });
  try {
    const directory = await startProgram<DirectoryServer>('directoryServer.ts', { devices, staleEvery });
    return {
      graph: graph.said,
      directory: directory.said,
      stop: async () => {
        await Promise.all([graph.stop(), directory.stop()]);
      },
    };
  } catch (error) {
    await graph.stop();
    throw error;
  }
}

/** Starts a program of this folder; it gets the parameters as JSON and ends when its standard input does. */
export async function startProgram<T>(name: string, parameters: object): Promise<Started<T>> {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [path.join(import.meta.dirname, name), JSON.stringify(parameters)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  // A program that has ended is told by the line that does not come.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <U>(): Promise<U> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${name} ended and said nothing.`);
    return JSON.parse(value) as U;
  };
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  try {
    return { said: await next<T>(), pid: child.pid ?? 0, next, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Says one line of JSON. */
export function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
