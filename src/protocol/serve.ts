import { setTimeout as delay } from 'node:timers/promises';
import { cancelled, toWritebackError, type ErrorData } from '../errors.ts';
import { createLog, type Log, type LogLevel } from '../log.ts';
import { fittingJson, LONGEST_SENT, MalformedLine, type Channel } from './channel.ts';
import type { HostRequests } from './hostRequests.ts';
import {
  METHODS,
  OUTPUT_BATCH,
  OUTPUT_WINDOW,
  PROTOCOL_VERSION,
  type Hello,
  type Method,
  type Output,
  type OutputKind,
  type Outputs,
  type Progress,
} from './messages.ts';

/** What one call gets: where to say things, and the signal that stops it. */
export interface Call {
  readonly outputs: Outputs;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export type Handler = (params: unknown, call: Call) => Promise<unknown>;

/** After the input has ended, calls in flight have this long to end by themselves, in milliseconds. */
const PARTING = 1_800;

/** Error codes of JSON-RPC 2.0, section 5.1. */
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const FAILED = -32000;

/**
 * Serves the methods over the channel until its input ends; then stops the calls in flight and waits for them. Calls run
 * side by side and share nothing. A line that is no message is answered with an error without an id, and harms no call;
 * an answer goes to whoever asked the host, and one to nothing that was asked is ignored.
 */
export async function serve(
  channel: Channel,
  handlers: Readonly<Record<Method, Handler>>,
  hello: Hello,
  hostRequests?: HostRequests,
): Promise<void> {
  const calls = new Map<string | number, OpenCall>();
  const running = new Set<Promise<void>>();
  await channel.send({ jsonrpc: '2.0', method: '$/hello', params: { ...hello, protocol: PROTOCOL_VERSION } });
  const track = (work: Promise<void>): void => {
    const done = work.finally(() => running.delete(done));
    running.add(done);
  };
  // A refusal does not keep the next line waiting: it may be the credit or the stop that lets lines leave again.
  const refuseLine = (code: number, message: string): void => track(refuse(channel, null, code, message));
  for await (const received of channel.messages()) {
    if (received instanceof MalformedLine) {
      refuseLine(PARSE_ERROR, received.why);
      continue;
    }
    if (!isObject(received)) {
      refuseLine(INVALID_REQUEST, 'The line is no JSON object.');
      continue;
    }
    const { id, method, params } = asMessage(received);
    if (method === null) hostRequests?.accept(received);
    else if (method === '$/cancel') calls.get(asId(params['id']))?.stop();
    else if (method === '$/credit') calls.get(asId(params['id']))?.credit(Number(params['n']));
    else if (id !== null && calls.has(id)) {
      refuseLine(INVALID_REQUEST, 'The id is that of a call in flight.');
    } else if (id !== null) {
      const call = new OpenCall(channel, id, params);
      calls.set(id, call);
      track(run(channel, call, handlers, method, params).finally(() => calls.delete(id)));
    }
  }
  hostRequests?.close();
  for (const call of calls.values()) call.stop();
  await Promise.race([Promise.all(running), delay(PARTING, undefined, { ref: false })]);
}

async function run(
  channel: Channel,
  call: OpenCall,
  handlers: Readonly<Record<Method, Handler>>,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Promise<void> {
  const known = METHODS.find((name) => name === method);
  if (known === undefined) {
    await refuse(channel, call.id, METHOD_NOT_FOUND, `No method ${method}.`);
    return;
  }
  try {
    const result = await handlers[known](params, call);
    await call.flush();
    await channel.send({ jsonrpc: '2.0', id: call.id, result });
  } catch (thrown) {
    const data = redacted(toWritebackError(thrown).toJSON(), call.log);
    await call.flush();
    await channel.send({ jsonrpc: '2.0', id: call.id, error: { code: FAILED, message: data.message, data } });
  }
}

async function refuse(channel: Channel, id: string | number | null, code: number, message: string): Promise<void> {
  await channel.send({ jsonrpc: '2.0', id, error: { code, message } });
}

/** The error without the secrets that the log knows. */
export function redacted(error: ErrorData, log: Log): ErrorData {
  const clean = <T extends string | null>(text: T): T => (text === null ? text : (log.redact(text) as T));
  const { message, target, remedy, detail } = error;
  return {
    ...error,
    message: clean(message),
    target: clean(target),
    remedy: clean(remedy),
    detail: clean(detail),
  };
}

const PROGRESS_INTERVAL = 250;

/** Levels that a call must ask for: a line for each write is half of all lines, and mostly nobody looks. */
const QUIET = ['verbose', 'debug'] as const satisfies readonly LogLevel[];
/** Characters of outputs in one line, and of one output; the rest of the line has room beside them. */
const LONGEST_BATCH = 0.9 * LONGEST_SENT;
const LONGEST_OUTPUT = LONGEST_SENT / 2;

/** One call in flight: batches its outputs, keeps to the window, thins its progress. */
class OpenCall implements Call {
  readonly id: string | number;
  readonly log: Log;
  readonly outputs: Outputs;
  private readonly channel: Channel;
  private readonly stopper = new AbortController();
  private kind: OutputKind | null = null;
  /** ASCII JSON of each output that waits. */
  private batch: string[] = [];
  private batchLength = 0;
  private unacknowledged = 0;
  private wake: (() => void) | null = null;
  private lastProgress = -Infinity;
  private flushTimer: NodeJS.Timeout | undefined;

  constructor(channel: Channel, id: string | number, params: Message['params']) {
    this.channel = channel;
    this.id = id;
    const silent = new Set<LogLevel>(QUIET.filter((level) => params[level] !== true));
    this.log = createLog(
      (level, message) => void this.notify('$/log', { level, message }),
      (level) => !silent.has(level),
    );
    this.outputs = {
      emit: (kind, item) => this.emit(kind, item),
      progress: (progress) => this.progress(progress),
      error: (error) => void this.notify('$/error', { error: redacted(error, this.log) }),
    };
  }

  get signal(): AbortSignal {
    return this.stopper.signal;
  }

  stop(): void {
    this.stopper.abort(cancelled());
    this.wake?.();
  }

  credit(number: number): void {
    if (!(number > 0)) return;
    this.unacknowledged = Math.max(0, this.unacknowledged - number);
    this.wake?.();
  }

  async flush(): Promise<void> {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    if (this.kind === null || this.batch.length === 0) return;
    const head = JSON.stringify({ jsonrpc: '2.0', method: '$/output' }).slice(0, -1);
    const params = fittingJson({ id: this.id, kind: this.kind }, LONGEST_SENT - LONGEST_BATCH).slice(0, -1);
    const line = `${head},"params":${params},"items":[${this.batch.join(',')}]}}`;
    this.batch = [];
    this.batchLength = 0;
    await this.channel.sendText(line);
  }

  private async emit(kind: OutputKind, item: Output): Promise<void> {
    const text = fittingJson(item, LONGEST_OUTPUT);
    if (this.kind !== kind || this.batchLength + text.length > LONGEST_BATCH) await this.flush();
    this.kind = kind;
    this.batch.push(text);
    this.batchLength += text.length + 1;
    this.unacknowledged += 1;
    if (this.batch.length >= OUTPUT_BATCH) await this.flush();
    // A slow producer is seen as it goes: what has waited this long leaves without a full batch.
    else this.flushTimer ??= setTimeout(() => void this.flush(), PROGRESS_INTERVAL);
    while (this.unacknowledged >= OUTPUT_WINDOW && !this.signal.aborted) {
      await this.flush();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = null;
    }
    if (this.unacknowledged >= OUTPUT_WINDOW) throw cancelled();
  }

  private progress(progress: Progress): void {
    const now = performance.now();
    if (now - this.lastProgress < PROGRESS_INTERVAL) return;
    this.lastProgress = now;
    void this.notify('$/progress', progress);
  }

  /** Outputs said before a notification arrive before it. */
  private async notify(method: string, params: object): Promise<void> {
    const flushed = this.flush();
    const sent = this.channel.send({ jsonrpc: '2.0', method, params: { id: this.id, ...params } });
    await Promise.all([flushed, sent]);
  }
}

interface Message {
  readonly id: string | number | null;
  readonly method: string | null;
  readonly params: Readonly<Record<string, unknown>>;
}

function asMessage(value: unknown): Message {
  const { id, method, params } = asObject(value);
  return {
    id: typeof id === 'string' || typeof id === 'number' ? id : null,
    method: typeof method === 'string' ? method : null,
    params: asObject(params),
  };
}

function asId(value: unknown): string | number {
  return typeof value === 'number' ? value : String(value);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
