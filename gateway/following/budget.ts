import type { LogSource } from "../log.ts";

/**
 * Refused entries of one source that are looked at in a second, and how many may come at once. What verifies costs nothing: it is
 * new, and a network certifies one round at a time.
 */
export const REFUSED_PER_SECOND = 8;
export const REFUSED_AT_ONCE = 64;

/**
 * A body that is not its certificate's own has had to be computed, up to a tenth of a second for a large network, and no honest source
 * has one: it counts as so many.
 */
export const BODY_COST = 16;

/** How much more of a source is looked at: whoever floods uses up his own share and nobody else's. */
export type Budget = {
  readonly allows: (from: LogSource, now: number) => boolean;
  /** One more of this source was looked at in vain; one where it does not say otherwise. */
  readonly charge: (from: LogSource, now: number, cost?: number) => void;
};

/** Sources are those that the operator chose to follow: their number is bounded by his config. */
export function createBudget(): Budget {
  const left = new Map<LogSource, { tokens: number; at: number }>();
  /** Filled up to now; a clock that was set back fills nothing, and starts over from there. */
  const shareOf = (from: LogSource, now: number): { tokens: number; at: number } => {
    const share = left.get(from) ?? { tokens: REFUSED_AT_ONCE, at: now };
    const earned = (Math.max(0, now - share.at) * REFUSED_PER_SECOND) / 1_000;
    share.tokens = Math.min(REFUSED_AT_ONCE, share.tokens + earned);
    share.at = now;
    left.set(from, share);
    return share;
  };
  return {
    allows: (from, now) => shareOf(from, now).tokens >= 1,
    charge: (from, now, cost = 1) => {
      shareOf(from, now).tokens -= cost;
    },
  };
}
