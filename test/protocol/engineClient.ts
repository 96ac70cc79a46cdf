import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Readable, Writable } from 'node:stream';
import type { ErrorData } from '../../src/errors.ts';
import type { Hello, LogMessage, Method, Progress } from '../../src/protocol/messages.ts';

/** What one call said, until its answer. */
export interface Answer {
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: ErrorData | null;
  readonly outputs: readonly SaidOutput[];
  readonly errors: readonly ErrorData[];
  readonly logs: readonly LogMessage[];
  readonly progress: readonly Progress[];
}

export interface SaidOutput {
  readonly kind: string;
  readonly item: Readonly<Record<string, unknown>>;
}

export interface EngineCall {
  readonly id: string;
  readonly answer: Promise<Answer>;
  cancel(): void;
  /** Resolves when something of this kind is said next. */
  said(method: string): Promise<void>;
}

export interface EngineClient {
  readonly hello: Hello;
  readonly pid: number;
  /** Every line the engine wrote, each byte as one character. */
  readonly lines: readonly string[];
  /** What it wrote to standard error so far. */
  readonly complaints: string;
  start(method: Method, params: object): EngineCall;
  call(method: Method, params: object): Promise<Answer>;
  /** Writes a line as it is. */
  write(line: string): void;
  /** Leaves what the engine writes in the pipe until `resume`. */
  pause(): void;
  resume(): void;
  /** Resolves with the next line that fits. */
  line(fits: (line: string) => boolean): Promise<string>;
  /** Closes standard input and waits for the end; gives the exit code and the milliseconds it took. */
  end(): Promise<{ readonly code: number | null; readonly milliseconds: number }>;
  /** Drops both pipes at once, as a host does that is killed, and waits for the end. */
  abandon(): Promise<{ readonly code: number | null; readonly milliseconds: number }>;
  kill(): Promise<void>;
}

export interface EngineOptions {
  /** Arguments for Node itself, such as a preload. */
  readonly nodeArguments?: readonly string[];
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

interface Open {
  readonly method: string;
  readonly outputs: SaidOutput[];
  readonly errors: ErrorData[];
  readonly logs: LogMessage[];
  readonly progress: Progress[];
  waiters: { readonly method: string; readonly wake: () => void }[];
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

const SOURCES = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const WINDOW_SHARE = 1024;

/** Starts the engine from its sources, or the bundle at this path, and speaks the bridge with it. */
export async function startEngine(script = SOURCES, options: EngineOptions = {}): Promise<EngineClient> {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    process.execPath,
    [...(options.nodeArguments ?? []), script],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.environment } },
  );
  const lines: string[] = [];
  const calls = new Map<string, Open>();
  let lineWaiters: { readonly fits: (line: string) => boolean; readonly wake: (line: string) => void }[] = [];
  let complaints = '';
  let next = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  // An engine that was killed takes no more; the calls in flight say so.
  child.stdin.on('error', () => undefined);
  child.stdout.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      for (const call of calls.values()) {
        call.reject(new Error(`The engine ended with ${code} in the middle of ${call.method}. ${complaints}`));
      }
      calls.clear();
      resolve(code);
    });
  });
  const end = async (): Promise<{ code: number | null; milliseconds: number }> => {
    const started = performance.now();
    child.stdin.end();
    const code = await ended;
    return { code, milliseconds: performance.now() - started };
  };

  const hello = new Promise<Hello>((resolve, reject) => {
    void ended.then((code) => reject(new Error(`The engine ended with ${code} before its first line. ${complaints}`)));
    let rest = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      const pieces = (rest + text).split('\n');
      rest = pieces.pop() ?? '';
      for (const line of pieces) {
        lines.push(line);
        for (const waiter of lineWaiters.filter(({ fits }) => fits(line))) waiter.wake(line);
        const message = JSON.parse(line) as Message;
        if (message.method === '$/hello') resolve(message.params as unknown as Hello);
        else take(message);
      }
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
      const error =
        message.error === undefined ? null : (message.error.data ?? { ...EMPTY, message: message.error.message });
      call.resolve({ result: message.result ?? null, error, outputs, errors, logs, progress });
      return;
    }
    if (message.method === '$/output') {
      const items = params['items'] as Readonly<Record<string, unknown>>[];
      call.outputs.push(...items.map((item) => ({ kind: String(params['kind']), item })));
      if (call.outputs.length % WINDOW_SHARE < items.length) {
        send({ method: '$/credit', params: { id, n: WINDOW_SHARE } });
      }
    }
    if (message.method === '$/error') call.errors.push(params['error'] as ErrorData);
    if (message.method === '$/log') call.logs.push(params as unknown as LogMessage);
    if (message.method === '$/progress') call.progress.push(params as unknown as Progress);
    const woken = call.waiters.filter((waiter) => waiter.method === message.method);
    call.waiters = call.waiters.filter((waiter) => waiter.method !== message.method);
    for (const waiter of woken) waiter.wake();
  }

  const client: EngineClient = {
    hello: await hello,
    pid: child.pid ?? 0,
    lines,
    get complaints() {
      return complaints;
    },
    start(method, params) {
      const id = `c${(next += 1)}`;
      const answer = new Promise<Answer>((resolve, reject) => {
        calls.set(id, { method, outputs: [], errors: [], logs: [], progress: [], waiters: [], resolve, reject });
      });
      send({ id, method, params });
      return {
        id,
        answer,
        cancel: () => send({ method: '$/cancel', params: { id } }),
        said: (wanted) => new Promise((wake) => calls.get(id)?.waiters.push({ method: wanted, wake })),
      };
    },
    call: (method, params) => client.start(method, params).answer,
    write: (line) => child.stdin.write(`${line}\n`),
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    line: (fits) =>
      new Promise((resolve) => {
        const wake = (line: string): void => {
          lineWaiters = lineWaiters.filter((waiter) => waiter.wake !== wake);
          resolve(line);
        };
        lineWaiters.push({ fits, wake });
      }),
    end,
    abandon() {
      child.stdout.destroy();
      return end();
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
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
