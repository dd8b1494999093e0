import { RULES } from "../protocol/report.ts";
import type { Thresholds } from "../protocol/thresholds.ts";
import { fractionOf, varianceOf } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import type { QuorumView } from "./quorum-view.ts";

const NEVER = RULES.map(() => 0);

/**
 * A leaf's memory before its first priced round, made from that round: open (P9), every average at the price, and the restart
 * counted from here. The round itself is then an ordinary step in which no time passes.
 */
export function genesisMemory(
  view: Pick<QuorumView, "feed" | "price" | "rawLow" | "rawHigh" | "observedAt">,
  { timestamp, thresholds }: { readonly timestamp: number; readonly thresholds: Pick<Thresholds, "volPriorBps"> },
): FeedMemory {
  const { feed, price, rawLow, rawHigh, observedAt } = view;
  return {
    feed,
    price,
    pricedAt: timestamp,
    observedAt,
    rawLow,
    rawHigh,
    ema: price,
    anchor: price,
    v: varianceOf(fractionOf(thresholds.volPriorBps)),
    sampleP: price,
    sampleAt: timestamp,
    state: "open",
    since: timestamp,
    fired: NEVER,
    recent: [0n, 0n, 0n],
    corrob: 0n,
    stepMax: 0,
    pegHeld: 0n,
    agree: 0,
    waived: 0,
    dir: 0,
    trips: 0,
    openMs: NEVER,
    closedAt: 0,
    spent: 0n,
    gapAt: 0,
    restartAt: timestamp,
    rounds: 0,
    firstAt: timestamp,
    manual: { action: 0, until: 0 },
    sysEma: 0n,
  };
}
