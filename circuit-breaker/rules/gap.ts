import type { Thresholds } from "../../protocol/thresholds.ts";
import { MAX_UINT32 } from "../integers.ts";
import type { FeedMemory } from "../memory.ts";
import type { Reading, RuleInput } from "./rule.ts";

/** A whole gapBps is granted for every further minute without a price, after a first grace. */
const BAND_MS = 60_000;
const GRACE_MS = 10_000;

/** A round's distances: from the anchor and its limit, and from the price before. */
export type Moves = {
  readonly priced: boolean;
  readonly moveBps: number;
  readonly stepBps: number;
  readonly jumpLimitBps: number;
};

/**
 * The latch after a round: when it was set (0 = not latched) and whether the price it held against has just been accepted as it is: by
 * governors, or because its time ran out.
 */
export type GapLatch = { readonly gapAt: number; readonly accepted: boolean };

export type GapRound = {
  readonly timestamp: number;
  readonly thresholds: Thresholds;
  /** Governors accept, in this round, the gap that memory holds. */
  readonly gapAccepted?: boolean;
};

/**
 * Set by a one-round move beyond the band; released by a priced round within L of the anchor, or accepted: by governors, or after
 * gapHoldMs. A latch that is accepted in the very round of another such move starts again instead: that price is not the one that was
 * held against.
 */
export function latchGap(memory: FeedMemory, moves: Moves, { timestamp, thresholds, gapAccepted = false }: GapRound): GapLatch {
  const { gapAt, pricedAt } = memory;
  if (moves.priced && moves.moveBps <= moves.jumpLimitBps) return { gapAt: 0, accepted: false };
  if (gapAt !== 0 && !gapAccepted && timestamp - gapAt <= thresholds.gapHoldMs) return { gapAt, accepted: false };
  if (moves.priced && isBeyondBand(moves.stepBps, thresholds.gapBps, timestamp - pricedAt)) {
    return { gapAt: timestamp, accepted: false };
  }
  return { gapAt: 0, accepted: gapAt !== 0 };
}

/** The round that sets the latch reports the one-round move against the band, later ones what would release it. */
export function readGap({ timestamp, thresholds, memory, facts }: RuleInput): Reading {
  const fires = facts.gap.gapAt !== 0;
  if (fires && facts.gap.gapAt !== timestamp) {
    return { fires, unit: "Bps", measured: facts.moveBps, limit: facts.jumpLimitBps };
  }
  const scaled = (BigInt(thresholds.gapBps) * bandMs(timestamp - memory.pricedAt)) / BigInt(BAND_MS);
  return { fires, unit: "Bps", measured: facts.stepBps, limit: scaled < MAX_UINT32 ? Number(scaled) : MAX_UINT32 };
}

/**
 * stepBps · 60000 > gapBps · (60000 + max(0, ms since last priced − 10000)).
 *
 * @example
 * // gapBps 1500, an hour without a price: the band is 1500 · (60000 + 3590000) / 60000 = 91250 bps; ×1/1900 (18 990 000 bps) is a gap
 */
function isBeyondBand(stepBps: number, gapBps: number, sincePricedMs: number): boolean {
  return stepBps > gapBps && BigInt(stepBps) * BigInt(BAND_MS) > BigInt(gapBps) * bandMs(sincePricedMs);
}

function bandMs(sincePricedMs: number): bigint {
  return BigInt(BAND_MS + Math.max(0, sincePricedMs - GRACE_MS));
}
