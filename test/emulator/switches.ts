import { SYNC_STATE_NOT_FOUND } from './deltaLinks.ts';

/** How the emulator behaves, within what Graph may do; every one may be set at any time. */
export interface Switches {
  /** Seconds that an access token is good for. */
  tokenLifetime: number;
  /** Milliseconds that the Date header of Graph is ahead of this machine's clock. */
  clockSkew: number;
  /** A page holds no more than this, whatever $top asks. */
  pageLimit: number;
  /** `$expand=registeredOwners($select=…)` is answered 400, as the known issue 13635 says. */
  refuseNestedSelect: boolean;
  /** A client assertion is taken once; MSAL sends the same one for ten minutes. */
  refuseReplayedAssertion: boolean;
  /** `$deltatoken=latest` is taken for a first request; whether it works beside `$select` on devices is not documented. */
  deltaLatestIgnored: boolean;
  /** Objects on a page of delta; the caller has no say in it. */
  deltaPageSize: number;
  /** So many empty pages with a next link begin each round of delta. */
  deltaEmptyPages: number;
  /** Each page of delta begins with the last object of the page before. */
  deltaRepeats: boolean;
  /** So many changes older than the delta link come again in each round. */
  deltaReplayed: number;
  /** So many of the newest changes are not shown by delta yet; a later round has them. */
  deltaLate: number;
  /** Rounds that begin without a token end with the devices removed so far. */
  deltaRemovedInFirstRound: boolean;
  /** Seconds that a delta link is good for. */
  deltaLinkLifetime: number;
  /** The refusal of an expired delta link; a 410 has a Location from which to begin again. */
  expiredDelta: { readonly status: number; readonly code: string };
  /** Bodies are compressed for a client that accepts it. */
  gzip: boolean;
  /** The header `x-ms-throttle-limit-percentage` of each answer, from 0.8 to 1.8; null for none. */
  throttleLimitPercentage: number | null;
  /** A cast of group members is refused without the ConsistencyLevel header and `$count=true`. */
  castIsAdvanced: boolean;
  /** Seconds that a device code is good for. */
  deviceCodeLifetime: number;
  /** Seconds between two polls for a device code. */
  deviceCodeInterval: number;
  /** Polls that come too soon are answered slow_down (RFC 8628 section 3.5). */
  refuseFastPolls: boolean;
}

export const USUAL: Readonly<Switches> = {
  tokenLifetime: 3599,
  clockSkew: 0,
  pageLimit: Number.POSITIVE_INFINITY,
  refuseNestedSelect: false,
  refuseReplayedAssertion: false,
  deltaLatestIgnored: false,
  deltaPageSize: 200,
  deltaEmptyPages: 0,
  deltaRepeats: false,
  deltaReplayed: 0,
  deltaLate: 0,
  deltaRemovedInFirstRound: false,
  deltaLinkLifetime: 7 * 24 * 3600,
  expiredDelta: SYNC_STATE_NOT_FOUND,
  gzip: false,
  throttleLimitPercentage: null,
  castIsAdvanced: false,
  deviceCodeLifetime: 900,
  deviceCodeInterval: 5,
  refuseFastPolls: false,
};
