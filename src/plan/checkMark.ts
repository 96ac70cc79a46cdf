import { MARK_ATTRIBUTE } from '../device/attributes.ts';
import type { Guid } from '../device/guid.ts';
import { parseMark, type Mark } from '../device/mark.ts';
import type { Change } from './change.ts';

export interface MarkRules {
  readonly tenantId: Guid;
  /** When the plan was made. */
  readonly made: Date;
}

/** The domain controller's clock gives the time of a removed mark, another one that of the plan. */
const CLOCKS_APART = 60 * 60 * 1000;

/**
 * What is wrong with the mark of a change, null if nothing is: its object is this tenant's, or becomes so, and the mark
 * goes from one state to another as the cause has it.
 */
export function faultInMark(change: Change, rules: MarkRules): string | null {
  const { action, cause, mark } = change;
  const marked = change.attributes.find(({ attribute }) => attribute === MARK_ATTRIBUTE) ?? null;
  const ours = (text: string | null): Mark | null => {
    const parsed = parseMark(text ?? '');
    return parsed?.tenantId === rules.tenantId ? parsed : null;
  };
  const [old = null] = marked?.before ?? [mark];
  if (old !== mark) return 'the old mark is not that of its object';
  const after = marked === null ? mark : (marked.after[0] ?? null);
  if (mark !== null && ours(mark) === null) return 'its object does not carry the mark of this tenant';
  if (action === 'delete') return marked === null ? 'a delete names the mark of its object' : null;
  if (after === null) return cause === 'undo' && mark !== null ? null : 'it leaves its object without a mark';
  const given = ours(after);
  if (given === null) return 'it gives a mark that is not of this tenant';
  if (cause === 'undo') return null;
  if (cause === 'removal') {
    if (mark === null) return 'a removal is of an object without a mark';
    return given.removed !== null && isNear(given.removed, rules.made) ? null : REMOVED;
  }
  if (marked !== null && given.removed !== null) return 'only a removal marks its object as removed';
  return null;
}

const REMOVED = 'a removal marks its object as removed at the time of the plan';

function isNear(removed: Date, made: Date): boolean {
  return Math.abs(removed.getTime() - made.getTime()) <= CLOCKS_APART;
}
