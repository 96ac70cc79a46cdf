import type { EmulatorRequest } from './exchange.ts';

/** One request that was answered; never with a body, so never with a credential. */
export interface LoggedRequest {
  readonly kind: EmulatorRequest['kind'];
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** null where the connection was reset instead. */
  readonly status: number | null;
}

export class RequestLog {
  #requests: LoggedRequest[] = [];

  add(request: EmulatorRequest, status: number | null): void {
    const { kind, method, path, query } = request;
    this.#requests.push({ kind, method, path, query, status });
  }

  all(): readonly LoggedRequest[] {
    return this.#requests;
  }

  /** How many fit; all on the wire, without those inside batches, if no condition is given. */
  count(fits: (request: LoggedRequest) => boolean = (request) => request.kind !== 'inner'): number {
    return this.#requests.filter(fits).length;
  }

  clear(): void {
    this.#requests = [];
  }
}
