import type { ErrorData } from '../../src/errors.ts';
import { createLog, type Log, type LogLevel } from '../../src/log.ts';
import type { Output, OutputKind, Outputs, Progress } from '../../src/protocol/messages.ts';

/** What a command said, in order. */
export class RecordedOutputs implements Outputs {
  readonly items: { readonly kind: OutputKind; readonly item: Output }[] = [];
  readonly errors: ErrorData[] = [];
  readonly progresses: Progress[] = [];
  readonly messages: { readonly level: LogLevel; readonly message: string }[] = [];
  readonly log: Log = createLog((level, message) => this.messages.push({ level, message }));

  emit(kind: OutputKind, item: Output): Promise<void> {
    this.items.push({ kind, item });
    return Promise.resolve();
  }

  progress(progress: Progress): void {
    this.progresses.push(progress);
  }

  error(error: ErrorData): void {
    this.errors.push(error);
  }
}
