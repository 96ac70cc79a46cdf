import { toWritebackError } from '../errors.ts';
import type { Outputs, WireCheck } from '../protocol/messages.ts';

/** What a check found. */
export interface Finding<T> {
  readonly state: 'Pass' | 'Warning' | 'Fail';
  /** What was seen, where: values, DNs, names. */
  readonly evidence: string;
  /** What to do, null where there is nothing to do. */
  readonly remedy: string | null;
  /** What later checks go on with; null ends them as NotTested. */
  readonly value: T | null;
}

export function pass<T>(value: T, evidence: string): Finding<T> {
  return { state: 'Pass', evidence, remedy: null, value };
}

export function warn<T>(value: T, evidence: string, remedy: string): Finding<T> {
  return { state: 'Warning', evidence, remedy, value };
}

export function fail(evidence: string, remedy: string): Finding<never> {
  return { state: 'Fail', evidence, remedy, value: null };
}

/** Runs checks one after another and streams each. A check that throws has failed, one whose ground is null is NotTested. */
export class Checklist {
  private readonly outputs: Outputs;
  private failures = 0;

  constructor(outputs: Outputs) {
    this.outputs = outputs;
  }

  get passed(): boolean {
    return this.failures === 0;
  }

  /** `ground` is what an earlier check gave; null says that it failed. Returns the finding's value. */
  async check<G, T>(
    id: string,
    title: string,
    ground: G | null,
    look: (ground: G) => Promise<Finding<T>>,
  ): Promise<T | null> {
    if (ground === null) {
      await this.tell({ id, title, state: 'NotTested', evidence: 'A check that it needs has failed.', remedy: null });
      return null;
    }
    let finding: Finding<T>;
    try {
      finding = await look(ground);
    } catch (thrown) {
      const error = toWritebackError(thrown);
      if (error.code === 'Cancelled') throw error;
      finding = fail(error.message, error.remedy);
    }
    const { state, evidence, remedy, value } = finding;
    if (state === 'Fail') this.failures += 1;
    await this.tell({ id, title, state, evidence, remedy });
    return value;
  }

  private async tell(check: WireCheck): Promise<void> {
    await this.outputs.emit('check', check);
  }
}
