import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ErrorData } from '../../src/errors.ts';
import type { Hello, LogMessage, Method, Progress } from '../../src/protocol/messages.ts';

/** What one call said, until its answer. */
export interface Answer {
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: ErrorData | null;
  readonly outputs: readonly { readonly kind: string; readonly item: Readonly<Record<string, unknown>> }[];
  readonly errors: readonly ErrorData[];
  readonly logs: readonly LogMessage[];
  readonly progress: readonly Progress[];
}

export interface EngineCall {
  readonly id: string;
  readonly answer: Promise<Answer>;
  cancel(): void;
  /** Resolves when something of this kind was said. */
  said(method: string): Promise<void>;
}

export interface EngineClient {
  readonly hello: Hello;
  readonly pid: number;
  /** Every line the engine wrote, as it came. */
  readonly lines: readonly string[];
  start(method: Method, params: object): EngineCall;
  call(method: Method, params: object): Promise<Answer>;
  /** Writes a line as it is. */
  write(line: string): void;
  /** Closes standard input and waits for the end; gives the exit code and the milliseconds it took. */
  end(): Promise<{ readonly code: number | null; readonly milliseconds: number }>;
  kill(): Promise<void>;
}

type EngineProcess = ChildProcessByStdio<Writable, Readable, null>;

interface Open {
  readonly outputs: { readonly kind: string; readonly item: Readonly<Record<string, unknown>> }[];
  readonly errors: ErrorData[];
  readonly logs: LogMessage[];
  readonly progress: Progress[];
  readonly waiters: { readonly method: string; readonly wake: () => void }[];
  resolve(answer: Answer): void;
}

const WINDOW_SHARE = 1024;

/** Starts the engine from its sources, or the bundle at this path, and speaks the bridge with it. */
export async function startEngine(script = 'src/main.ts'): Promise<EngineClient> {
  const child: EngineProcess = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const calls = new Map<string, Open>();
  let next = 0;
  const hello = new Promise<Hello>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The engine ended with ${code} before its first line.`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      const message = JSON.parse(line) as Message;
      if (message.method === '$/hello') resolve(message.params as unknown as Hello);
      else take(message);
    });
  });

  const send = (message: object): void => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };

  function take(message: Message): void {
    const id = String(message.id ?? message.params?.['id']);
    const call = calls.get(id);
    if (call === undefined) return;
    const params = message.params ?? {};
    if (message.method === undefined) {
      calls.delete(id);
      const { outputs, errors, logs, progress } = call;
      const error = message.error === undefined ? null : (message.error.data ?? { ...EMPTY, message: message.error.message });
      call.resolve({ result: message.result ?? null, error, outputs, errors, logs, progress });
      return;
    }
    if (message.method === '$/output') {
      const items = params['items'] as Readonly<Record<string, unknown>>[];
      call.outputs.push(...items.map((item) => ({ kind: String(params['kind']), item })));
      if (call.outputs.length % WINDOW_SHARE < items.length) send({ method: '$/credit', params: { id, n: WINDOW_SHARE } });
    }
    if (message.method === '$/error') call.errors.push(params['error'] as ErrorData);
    if (message.method === '$/log') call.logs.push(params as unknown as LogMessage);
    if (message.method === '$/progress') call.progress.push(params as unknown as Progress);
    for (const waiter of call.waiters) if (waiter.method === message.method) waiter.wake();
  }

  const client: EngineClient = {
    hello: await hello,
    pid: child.pid ?? 0,
    lines,
    start(method, params) {
      const id = `c${(next += 1)}`;
      const waiters: Open['waiters'] = [];
      const answer = new Promise<Answer>((resolve, reject) => {
        calls.set(id, { outputs: [], errors: [], logs: [], progress: [], waiters, resolve });
        child.once('exit', (code) => reject(new Error(`The engine ended with ${code} in the middle of ${method}.`)));
      });
      send({ id, method, params });
      return {
        id,
        answer,
        cancel: () => send({ method: '$/cancel', params: { id } }),
        said: (wanted) => new Promise((wake) => waiters.push({ method: wanted, wake })),
      };
    },
    call: (method, params) => client.start(method, params).answer,
    write: (line) => child.stdin.write(`${line}\n`),
    async end() {
      const started = performance.now();
      const gone = child.exitCode === null ? once(child, 'exit') : Promise.resolve([child.exitCode]);
      child.stdin.end();
      const [code] = (await gone) as [number | null];
      return { code, milliseconds: performance.now() - started };
    },
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
  return client;
}

interface Message {
  readonly id?: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: ErrorData };
}

const EMPTY: ErrorData = {
  code: 'EngineFault',
  category: 'InvalidResult',
  message: '',
  target: null,
  remedy: '',
  detail: null,
  retryable: false,
};
