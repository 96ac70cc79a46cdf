import { ACTIONS, HELD_REASONS, type Action, type Change, type Held, type HeldReason } from './change.ts';

/** How many changes there are of each action; every action is named. */
export function countActions(changes: readonly Change[]): Record<Action, number> {
  const counts = Object.fromEntries(ACTIONS.map((action) => [action, 0])) as Record<Action, number>;
  for (const change of changes) counts[change.action] += 1;
  return counts;
}

/** How many differences are held for each reason; a reason that holds none is left out. */
export function countHeld(held: readonly Held[]): Partial<Record<HeldReason, number>> {
  const counts: Partial<Record<HeldReason, number>> = {};
  for (const reason of HELD_REASONS) {
    const number = held.filter((one) => one.reason === reason).length;
    if (number > 0) counts[reason] = number;
  }
  return counts;
}
