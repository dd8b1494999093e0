import type { LogSource } from "../log.ts";

/**
 * Refused entries of one source that are looked at in a second, and how many may come at once. What verifies costs nothing: it is
 * new, and a network certifies one round at a time.
 */
export const REFUSED_PER_SECOND = 8;
export const REFUSED_AT_ONCE = 64;

/** How much more of a source is looked at: whoever floods uses up his own share and nobody else's. */
export type Budget = {
  readonly allows: (from: LogSource, now: number) => boolean;
  /** One more of this source was looked at in vain. */
  readonly charge: (from: LogSource, now: number) => void;
};

/** Sources are those that the operator chose to follow: their number is bounded by his config. */
export function createBudget(): Budget {
  const left = new Map<LogSource, { readonly tokens: number; readonly at: number }>();
  const tokensOf = (from: LogSource, now: number): number => {
    const known = left.get(from);
    if (known === undefined) return REFUSED_AT_ONCE;
    const earned = (Math.max(0, now - known.at) * REFUSED_PER_SECOND) / 1_000;
    return Math.min(REFUSED_AT_ONCE, known.tokens + earned);
  };
  return {
    allows: (from, now) => tokensOf(from, now) >= 1,
    charge: (from, now) => {
      left.set(from, { tokens: tokensOf(from, now) - 1, at: now });
    },
  };
}
