/** What an administrator decides about removals and about objects that somebody else wrote. */
export interface Policy {
  /** Days from the removed mark to the delete; 0 deletes at once. */
  readonly deleteAfterDays: number;
  /** Never delete. */
  readonly keepRemoved: boolean;
  /** Replaces the removal threshold and the check of the source's size, for one run; null leaves both. */
  readonly maximumRemoval: number | null;
  /** Mark unowned objects of devices in scope, and keep them equal from then on. */
  readonly adopt: boolean;
}

/** 30 days is Entra's own time for restoring a deleted object. */
export const DEFAULT_POLICY: Policy = { deleteAfterDays: 30, keepRemoved: false, maximumRemoval: null, adopt: false };

const DAY = 24 * 60 * 60 * 1000;

/** Whether an object whose removed mark has this time may be deleted now. */
export function retentionOver(removed: Date, now: Date, policy: Policy): boolean {
  return !policy.keepRemoved && now.getTime() - removed.getTime() >= policy.deleteAfterDays * DAY;
}

/** Whether a removal deletes without a time of retention. */
export function deletesAtOnce(policy: Policy): boolean {
  return !policy.keepRemoved && policy.deleteAfterDays === 0;
}

const HOUR = 60 * 60 * 1000;

/** Retention is counted by the domain controller's clock, so a delete needs a second clock that agrees with it. */
export function clocksAgree(directory: Date, source: Date | null): boolean {
  return source !== null && Math.abs(directory.getTime() - source.getTime()) <= HOUR;
}
