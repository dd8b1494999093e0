import { moveBps } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import type { QuorumView } from "./quorum-view.ts";
import { type GapLatch, type GapRound, latchGap, type Moves } from "./rules/gap.ts";
import { isThin } from "./rules/thin.ts";

/** What a round shows of one feed before any rule judges it: its price, or the carried one, measured against the parent's memory. */
export type Facts = Moves & {
  /** This round's, or the last ones when not priced. */
  readonly price: bigint;
  readonly pricedAt: number;
  readonly observedAt: number;
  readonly rawLow: bigint;
  readonly rawHigh: bigint;
  /** 0 when not priced. */
  readonly groups: number;
  readonly topBps: number;
  readonly outsideBps: number;
  readonly thin: boolean;
  /** Where the price lies from the anchor: −1 below, 0 at it, 1 above. */
  readonly direction: number;
  readonly gap: GapLatch;
};

/**
 * L, the limit of jump and the release of gap, is jumpBps, or half of it, rounded down, while thin fires. `stepBps` is the one-round
 * move from the last price, 0 in a round without one.
 */
export function establishFacts(memory: FeedMemory, view: QuorumView | undefined, round: GapRound): Facts {
  const { price, rawLow, rawHigh, observedAt } = view ?? memory;
  const { anchor } = memory;
  const { jumpBps } = round.thresholds;
  const thin = isThin(view, round.thresholds);
  const priced = view !== undefined;
  const moves = {
    priced,
    moveBps: moveBps(price, anchor),
    stepBps: moveBps(price, memory.price),
    jumpLimitBps: thin ? Math.floor(jumpBps / 2) : jumpBps,
  };
  return {
    ...moves,
    price,
    pricedAt: priced ? round.timestamp : memory.pricedAt,
    observedAt,
    rawLow,
    rawHigh,
    groups: view?.groups ?? 0,
    topBps: view?.topBps ?? 0,
    outsideBps: view?.outsideBps ?? 0,
    thin,
    direction: price > anchor ? 1 : price < anchor ? -1 : 0,
    gap: latchGap(memory, moves, round),
  };
}
