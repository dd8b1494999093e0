import type { FeedId } from "../protocol/feed.ts";
import type { BreakerState } from "../protocol/report.ts";

/**
 * What the breaker remembers of one feed between rounds; BREAKER.md B1, in its order. Prices and `ema`, `anchor` are amounts of 10⁻¹⁸,
 * `v` an annualised variance of 10⁻¹⁸, instants Unix ms (0 = never), lists indexed by rule bit.
 */
export type FeedMemory = {
  readonly feed: FeedId;
  readonly price: bigint;
  readonly pricedAt: number;
  readonly observedAt: number;
  readonly rawLow: bigint;
  readonly rawHigh: bigint;
  readonly ema: bigint;
  readonly anchor: bigint;
  readonly v: bigint;
  readonly sampleP: bigint;
  readonly sampleAt: number;
  readonly state: BreakerState;
  readonly since: number;
  /** When each rule last fired in the sense that holds: `fired[11]`. */
  readonly fired: readonly number[];
  /** Rules 1–3: bit k says that the rule fired in round r − k, for the last n rounds, each of which had another leader. */
  readonly recent: readonly [bigint, bigint, bigint];
  /** Units of ms · 100. */
  readonly corrob: bigint;
  readonly stepMax: number;
  readonly pegHeld: bigint;
  readonly agree: number;
  /** Bit set of waived rules. */
  readonly waived: number;
  /** Direction of the waived jump: −1, 0, 1. */
  readonly dir: number;
  readonly trips: number;
  readonly openMs: readonly number[];
  readonly closedAt: number;
  /** Units of ms · DAY_MS. */
  readonly spent: bigint;
  readonly gapAt: number;
  readonly restartAt: number;
  readonly rounds: number;
  readonly firstAt: number;
  /** Action 0 none set, 1 robust, 2 liquidate none. */
  readonly manual: { readonly action: number; readonly until: number };
  /** The basket's slow average; 0 for a feed outside the basket. */
  readonly sysEma: bigint;
};

/** The whole of it, feeds by ascending id. */
export type BreakerMemory = { readonly feeds: readonly FeedMemory[] };

export const EMPTY_MEMORY: BreakerMemory = { feeds: [] };
