import { ONE } from "../protocol/amount.ts";
import type { Thresholds } from "../protocol/thresholds.ts";
import type { Activity } from "./activity.ts";
import { BASKET_TAU_MS } from "./basket.ts";
import type { RoundClock } from "./clock.ts";
import { clamp, ema, fractionOf, isqrt, MAX_UINT64, moveBps, varianceOf, YEAR_MS } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import { STOPS_LEARNING, STOPS_LEARNING_WHILE_OPEN } from "./rules.ts";

/** σ of a feed, annualised, 10⁻¹⁸: the root of its variance, rounded down, within the preset's bounds and the leaf's uint64. */
export function volatilityOf({ v }: FeedMemory, { volFloorBps, volCapBps }: Thresholds): bigint {
  const sigma = clamp(isqrt(v * ONE), fractionOf(volFloorBps), fractionOf(volCapBps));
  return sigma < MAX_UINT64 ? sigma : MAX_UINT64;
}

/**
 * The slow averages of a round (B4): anchor, ema and, at most every sampleMs, the variance learn only from an undoubted price; the
 * basket's average always learns from the served one, begins at it, and is forgotten when a config takes the feed out of the basket.
 */
export function learn(
  memory: FeedMemory,
  activity: Activity,
  {
    clock,
    thresholds,
    priced,
    inBasket,
  }: { readonly clock: RoundClock; readonly thresholds: Thresholds; readonly priced: boolean; readonly inBasket: boolean },
): FeedMemory {
  const sysEma = inBasket ? learnBasket(memory, clock.dtMs) : 0n;
  if (!priced || isDoubted(memory, activity)) return sysEma === memory.sysEma ? memory : { ...memory, sysEma };
  const { price } = memory;
  return {
    ...memory,
    ...sampleVariance(memory, clock.timestamp, thresholds),
    anchor: ema(memory.anchor, price, { dtMs: clock.dtMs, tauMs: thresholds.refTauMs }),
    ema: ema(memory.ema, price, { dtMs: clock.dtMs, tauMs: thresholds.emaTauMs }),
    sysEma,
  };
}

/** An unwaived price rule fires, or one of those that stop learning for their quiet time too holds the feed open. */
function isDoubted({ state, waived }: FeedMemory, { fires, active }: Activity): boolean {
  if ((fires & STOPS_LEARNING & ~waived) !== 0) return true;
  return state === "open" && (active & STOPS_LEARNING_WHILE_OPEN & ~waived) !== 0;
}

function learnBasket({ sysEma, price }: FeedMemory, dtMs: number): bigint {
  return sysEma === 0n ? price : ema(sysEma, price, { dtMs, tauMs: BASKET_TAU_MS });
}

/**
 * One squared return since the last sample, annualised, clipped at jumpBps and at volCap².
 *
 * @example
 * // 10 bps in 60 s: (10⁻³)² · YEAR_MS / 60000 = 0.5259 a year, a volatility of 72.5 %
 */
function sampleVariance(
  { v, sampleP, sampleAt, price }: FeedMemory,
  timestamp: number,
  { sampleMs, jumpBps, volCapBps, volTauMs }: Thresholds,
): Pick<FeedMemory, "v" | "sampleP" | "sampleAt"> {
  const sinceMs = timestamp - sampleAt;
  if (sinceMs < sampleMs) return { v, sampleP, sampleAt };
  const move = fractionOf(Math.min(moveBps(price, sampleP), jumpBps));
  const annualised = (varianceOf(move) * BigInt(YEAR_MS)) / BigInt(sinceMs);
  const cap = varianceOf(fractionOf(volCapBps));
  const sample = annualised < cap ? annualised : cap;
  return { v: ema(v, sample, { dtMs: sinceMs, tauMs: volTauMs }), sampleP: price, sampleAt: timestamp };
}
