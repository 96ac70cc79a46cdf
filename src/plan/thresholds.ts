import type { Change, Refusal } from './change.ts';
import type { Policy } from './policy.ts';

/** What the thresholds judge. */
export interface Counts {
  /** Entra devices in scope; null in a delta run, which does not count them. */
  readonly inScope: number | null;
  /** null where a delta run without a removal did not count them. */
  readonly ownedEnabled: number | null;
  readonly removals: number;
}

/** Removals a run may start, and deletes after the retention time it may do. */
export function removalThreshold(ownedEnabled: number, policy: Policy): number {
  return policy.maximumRemoval ?? Math.max(5, Math.min(500, Math.floor(ownedEnabled / 10)));
}

/**
 * Whether the threshold counts this change: every removal that the run starts, at-once deletes, disables for want of a
 * key, disables and deletes of an undo. Not a disable that Entra states, nor a delete after the retention time.
 */
export function countsAsRemoval(change: Change): boolean {
  if (change.cause === 'undo') return change.action === 'disable' || change.action === 'delete';
  return change.cause === 'removal' || change.cause === 'noKey';
}

function objects(number: number): string {
  return `${number} device ${number === 1 ? 'object' : 'objects'}`;
}

/** Of a refused plan only the disables that Entra states are applied: a revocation never waits for an operator. */
export function appliesThoughRefused(change: Change): boolean {
  return change.action === 'disable' && change.cause === 'stated';
}

/** From so many owned enabled objects up, a source less than half as large is not believed. */
const HALVED_FROM = 20;

/** Why a plan with these figures must not be applied, or null. */
export function refuse(counts: Counts, policy: Policy, digest: string): Refusal | null {
  const { inScope, removals } = counts;
  const ownedEnabled = counts.ownedEnabled ?? 0;
  const wayOn =
    `If it is right, run again with -MaximumRemoval ${removals}; ` +
    `Get-DeviceWritebackPlan shows every change (digest ${digest}).`;
  const threshold = removalThreshold(ownedEnabled, policy);
  if (removals > threshold) {
    return {
      code: 'RemovalThreshold',
      sentence: `The plan removes ${objects(removals)} (enabled now: ${ownedEnabled}); one run may remove at most ${threshold}.`,
      remedy: `Look for what shrank the source: tenant, permissions, scope. ${wayOn}`,
    };
  }
  if (policy.maximumRemoval !== null || inScope === null) return null;
  if (inScope === 0 && ownedEnabled > 0) {
    return {
      code: 'SourceTooSmall',
      sentence: `Entra has no device in scope, the directory ${ownedEnabled} enabled device objects of this tenant.`,
      remedy: `Look for what emptied the source: tenant, permissions, scope. ${wayOn}`,
    };
  }
  if (ownedEnabled >= HALVED_FROM && inScope < ownedEnabled / 2) {
    return {
      code: 'SourceTooSmall',
      sentence: `Entra has ${inScope} devices in scope, less than half of the ${ownedEnabled} enabled device objects of this tenant.`,
      remedy: `Look for what shrank the source: tenant, permissions, scope. ${wayOn}`,
    };
  }
  return null;
}
