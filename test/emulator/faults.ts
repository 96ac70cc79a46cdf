import type { Answer, EmulatorRequest } from './exchange.ts';

/** What goes wrong with a request. */
export type FaultAction =
  /** This instead of the true answer. */
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The true answer, changed; may also change the tenant, after the answer was made. */
  | { readonly kind: 'alter'; readonly change: (answer: Answer, request: EmulatorRequest) => Answer }
  /** The connection is reset before the first byte of the answer. */
  | { readonly kind: 'resetBeforeHeaders' }
  /** The connection is reset when half of the body is sent. */
  | { readonly kind: 'resetInBody' }
  /** Half of the body arrives as a complete answer. */
  | { readonly kind: 'truncate' }
  /** The body takes so many milliseconds. */
  | { readonly kind: 'slowBody'; readonly milliseconds: number }
  /** Milliseconds before the answer. */
  | { readonly kind: 'delay'; readonly milliseconds: number };

export interface FaultRule {
  /** Which requests; every one to Graph itself if not given. */
  readonly when?: (request: EmulatorRequest) => boolean;
  /** So many fitting requests are let pass first; 0 if not given. */
  readonly after?: number;
  /** So many requests are hit; 1 if not given. */
  readonly times?: number;
  readonly action: FaultAction;
}

/** A rule at work. */
export interface Fault {
  /** Requests hit so far. */
  readonly hits: number;
  remove(): void;
}

interface LiveRule {
  readonly when: (request: EmulatorRequest) => boolean;
  readonly action: FaultAction;
  toPass: number;
  toHit: number;
  hits: number;
}

/** The rules in the order they were added. For a request all alterations and delays hold, and the first other action. */
export class Faults {
  #rules: LiveRule[] = [];

  add(rule: FaultRule): Fault {
    const live: LiveRule = {
      when: rule.when ?? ((request) => request.kind === 'graph'),
      action: rule.action,
      toPass: rule.after ?? 0,
      toHit: rule.times ?? 1,
      hits: 0,
    };
    this.#rules.push(live);
    return {
      get hits(): number {
        return live.hits;
      },
      remove: () => {
        this.#rules = this.#rules.filter((one) => one !== live);
      },
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** The actions for this request, counted as hits. Inside a batch only an answer can be replaced or altered. */
  take(request: EmulatorRequest): readonly FaultAction[] {
    const actions: FaultAction[] = [];
    let decided = false;
    for (const rule of this.#rules) {
      const { action } = rule;
      const decides = action.kind !== 'alter' && action.kind !== 'delay';
      if (rule.toHit === 0 || (decides && decided)) continue;
      if (request.kind === 'inner' && action.kind !== 'answer' && action.kind !== 'alter') continue;
      if (!rule.when(request)) continue;
      if (rule.toPass > 0) {
        rule.toPass -= 1;
        continue;
      }
      rule.toHit -= 1;
      rule.hits += 1;
      decided ||= decides;
      actions.push(action);
    }
    return actions;
  }
}
