import { setTimeout as delay } from 'node:timers/promises';
import { cancelled, toWritebackError } from '../errors.ts';
import { createLog, type Log } from '../log.ts';
import type { Channel } from './channel.ts';
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

/** JSON-RPC 2.0, "Method not found". */
const METHOD_NOT_FOUND = -32601;
const FAILED = -32000;

/**
 * Serves the methods over the channel until its input ends; then stops the calls in flight and waits for them. Calls run
 * side by side and share nothing.
 */
export async function serve(
  channel: Channel,
  handlers: Readonly<Record<Method, Handler>>,
  hello: Hello,
): Promise<void> {
  const calls = new Map<string | number, OpenCall>();
  const running = new Set<Promise<void>>();
  await channel.send({ jsonrpc: '2.0', method: '$/hello', params: { ...hello, protocol: PROTOCOL_VERSION } });
  for await (const message of channel.messages()) {
    const { id, method, params } = asMessage(message);
    if (method === '$/cancel') calls.get(asId(params['id']))?.stop();
    else if (method === '$/credit') calls.get(asId(params['id']))?.credit(Number(params['n']));
    else if (method !== null && id !== null) {
      const call = new OpenCall(channel, id);
      calls.set(id, call);
      const done = run(channel, call, handlers, method, params).finally(() => {
        calls.delete(id);
        running.delete(done);
      });
      running.add(done);
    }
  }
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
    await channel.send({
      jsonrpc: '2.0',
      id: call.id,
      error: { code: METHOD_NOT_FOUND, message: `No method ${method}.` },
    });
    return;
  }
  try {
    const result = await handlers[known](params, call);
    await call.flush();
    await channel.send({ jsonrpc: '2.0', id: call.id, result });
  } catch (thrown) {
    const error = toWritebackError(thrown);
    await call.flush();
    const data = JSON.parse(call.log.redact(JSON.stringify(error))) as unknown;
    await channel.send({
      jsonrpc: '2.0',
      id: call.id,
      error: { code: FAILED, message: call.log.redact(error.message), data },
    });
  }
}

const PROGRESS_INTERVAL = 250;

/** One call in flight: batches its outputs, keeps to the window, thins its progress. */
class OpenCall implements Call {
  readonly id: string | number;
  readonly log: Log;
  readonly outputs: Outputs;
  private readonly channel: Channel;
  private readonly stopper = new AbortController();
  private kind: OutputKind | null = null;
  private batch: Output[] = [];
  private unacknowledged = 0;
  private wake: (() => void) | null = null;
  private lastProgress = 0;
  private flushTimer: NodeJS.Timeout | undefined;

  constructor(channel: Channel, id: string | number) {
    this.channel = channel;
    this.id = id;
    this.log = createLog((level, message) => void this.notify('$/log', { level, message }));
    this.outputs = {
      emit: (kind, item) => this.emit(kind, item),
      progress: (progress) => this.progress(progress),
      error: (error) => void this.notify('$/error', { error }),
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
    const params = { id: this.id, kind: this.kind, items: this.batch };
    this.batch = [];
    await this.channel.send({ jsonrpc: '2.0', method: '$/output', params });
  }

  private async emit(kind: OutputKind, item: Output): Promise<void> {
    if (this.kind !== kind) await this.flush();
    this.kind = kind;
    this.batch.push(item);
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
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
