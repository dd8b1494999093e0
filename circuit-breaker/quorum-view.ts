import type { FeedId } from "../protocol/feed.ts";

/**
 * What the quorum's observations say of one feed in one round (BREAKER.md B1); absent when fewer than 2f+1 entries count.
 * 0 < rawLow ≤ price ≤ rawHigh ≤ 2¹⁹¹−1, observedAt ≤ the round's timestamp, shares at most 65535: the bounds of an entry that counts.
 */
export type QuorumView = {
  readonly feed: FeedId;
  readonly price: bigint;
  /** The (f+1)-th smallest low and the (f+1)-th largest high: one honest node's end each. */
  readonly rawLow: bigint;
  readonly rawHigh: bigint;
  readonly observedAt: number;
  readonly groups: number;
  readonly topBps: number;
  readonly outsideBps: number;
};

/** What the quorum measured besides prices; the unit goes with the gauge's name. */
export type GaugeView = { readonly value: bigint; readonly asOf: number };
