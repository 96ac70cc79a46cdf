/** Requests from the engine to its host: host/* of the protocol. Their ids begin with "h", so that no call has the same. */
import { WritebackError } from '../errors.ts';
import { asciiJson, LONGEST_SENT, type Channel } from './channel.ts';

export interface HostRequests {
  /** Sends a request and resolves with its result. Throws HostServiceUnavailable when the host cannot work it. */
  request(method: string, params: object): Promise<unknown>;
  /** Takes a message that may be an answer; one that nobody waits for is ignored. */
  accept(message: Readonly<Record<string, unknown>>): void;
  /** The host is gone: what is open fails, and so does what is asked later. */
  close(): void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: WritebackError) => void;
  readonly method: string;
}

export function createHostRequests(channel: Channel): HostRequests {
  const waiting = new Map<string, Waiting>();
  let last = 0;
  let open = true;
  const gone = (method: string): WritebackError =>
    failed(method, 'the process that started the engine has closed its side', 'Run the command again.');
  return {
    request: (method, params) =>
      new Promise((resolve, reject) => {
        if (!open) {
          reject(gone(method));
          return;
        }
        last += 1;
        const id = `h${last}`;
        const text = asciiJson({ jsonrpc: '2.0', id, method, params });
        // What the channel would cut to fit is sent whole or not at all: half a sealed message is none.
        if (text.length >= LONGEST_SENT) {
          reject(
            failed(method, `the request has ${text.length} characters, and a line takes ${LONGEST_SENT}`, 'Report it.'),
          );
          return;
        }
        waiting.set(id, { resolve, reject, method });
        void channel.sendText(text);
      }),
    accept: ({ id, result, error }) => {
      const request = typeof id === 'string' ? waiting.get(id) : undefined;
      if (request === undefined || typeof id !== 'string') return;
      waiting.delete(id);
      if (error === undefined) request.resolve(result);
      else {
        const words = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '';
        request.reject(
          failed(request.method, words, 'Install the module again: it and its engine do not fit together.'),
        );
      }
    },
    close: () => {
      open = false;
      for (const { reject, method } of waiting.values()) reject(gone(method));
      waiting.clear();
    },
  };
}

function failed(method: string, why: string, remedy: string): WritebackError {
  return new WritebackError('HostServiceUnavailable', `Asking the PowerShell process for ${method}: ${why}.`, {
    target: method,
    remedy,
    detail: why,
  });
}
