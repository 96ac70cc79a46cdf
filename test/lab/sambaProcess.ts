import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const PORTS = [389, 636, 88] as const;

/**
 * Samba runs as the leader of a process group of its own, with a watcher in that group. The watcher reads a pipe that
 * only this process can write to: when this process ends, in whatever way, the pipe ends and the group is killed.
 */
const SUPERVISED_SAMBA = `
{ cat <&3 >/dev/null; kill -KILL 0; } &
exec samba -F -M prefork --no-process-group --configfile="$1" 3<&-
`;

/** A running Samba; all its processes belong to the process group `pid`. */
export class SambaProcess {
  readonly pid: number;
  readonly #outputFile: string;
  readonly #child: ChildProcess;
  /** Once the group has ended, its number may become another's. */
  #hasEnded = false;

  private constructor(child: ChildProcess, pid: number, outputFile: string) {
    this.#child = child;
    this.pid = pid;
    this.#outputFile = outputFile;
  }

  /**
   * Starts Samba with that configuration and waits until it answers on the address.
   *
   * @throws {Error} when it ends or does not answer within 60 s, with the end of its log
   */
  static async start(folder: string, configurationFile: string, address: string): Promise<SambaProcess> {
    const outputFile = path.join(folder, 'samba.out');
    const output = openSync(outputFile, 'a');
    const child = spawn('sh', ['-c', SUPERVISED_SAMBA, 'sh', configurationFile], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', output, output, 'pipe'],
    });
    closeSync(output);
    const { pid } = child;
    if (pid === undefined) throw new Error('Samba cannot be started: there is no sh.');
    // A domain controller that nobody stopped must not keep this process from ending, which ends it.
    child.unref();
    const pipe = child.stdio[3];
    if (pipe instanceof net.Socket) pipe.unref();
    const samba = new SambaProcess(child, pid, outputFile);
    try {
      await samba.#waitUntilItAnswers(address);
    } catch (error) {
      await samba.kill();
      throw error;
    }
    return samba;
  }

  /** True until every process of the group has ended. */
  get isRunning(): boolean {
    this.#hasEnded ||= !groupIsRunning(this.pid);
    return !this.#hasEnded;
  }

  /** Ends the group in order, and by force what is left of it after 10 s. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    if (!(await this.#ended(STOP_LIMIT_MS))) await this.kill();
  }

  /** Ends the whole group at once, as a power failure would. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    if (!(await this.#ended(STOP_LIMIT_MS))) {
      throw new Error(`Samba's process group ${this.pid} is still there ${STOP_LIMIT_MS / 1000} s after kill -9.`);
    }
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) return;
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }

  async #ended(limitMs: number): Promise<boolean> {
    const limit = performance.now() + limitMs;
    while (this.isRunning) {
      if (performance.now() > limit) return false;
      await delay(20);
    }
    return true;
  }

  async #waitUntilItAnswers(address: string): Promise<void> {
    const limit = performance.now() + START_LIMIT_MS;
    for (const port of PORTS) {
      while (!(await accepts(address, port))) {
        const ended = this.#child.exitCode !== null || this.#child.signalCode !== null;
        if (ended || performance.now() > limit) {
          const output = await readFile(this.#outputFile, 'utf8');
          const log = await readFile(path.join(path.dirname(this.#outputFile), 'samba.log'), 'utf8').catch(() => '');
          const words = `${output.slice(-2000)}\n${log.slice(-2000)}`.trim();
          throw new Error(`Samba ${ended ? 'ended' : 'does not answer'} at ${address}:${port}: ${words}`);
        }
        await delay(50);
      }
    }
  }
}

/** A process that has ended, but that its parent or init has not yet taken note of (state Z), counts as ended. */
function groupIsRunning(group: number): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      // proc(5): pid (command) state parent group …; the command may hold anything but ends at the last parenthesis.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(processGroup) === group && state !== 'Z';
    } catch {
      return false;
    }
  });
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
