import type { Thresholds } from "../protocol/thresholds.ts";
import type { Activity } from "./activity.ts";
import { waiveJump } from "./anchor.ts";
import type { RoundClock } from "./clock.ts";
import type { Facts } from "./facts.ts";
import { clamp, fractionOf, saturateMs, YEAR_MS } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import { BIT, hasBit, INDEX } from "./rules/rule.ts";
import { ROWS, SOFT } from "./rules.ts";

type OpenTime = {
  readonly clock: RoundClock;
  readonly thresholds: Thresholds;
  readonly facts: Facts;
  /** σ of the basket, annualised, 10⁻¹⁸; 0 when unknown. */
  readonly marketVolatility: bigint;
};

/**
 * How long one soft rule may hold a feed open: the time in which β times the market's volatility makes one standard deviation of sdCapBps,
 * within minOpenMs … maxOpenMs; rounded down. Without β or a market, maxOpenMs.
 *
 * @example
 * // sdCapBps 400, β 1, σ 1200 %: (0.04 / 12)² · YEAR_MS = 350 640 ms
 */
export function openCapMs(
  { sdCapBps, beta, minOpenMs, maxOpenMs }: Pick<Thresholds, "sdCapBps" | "beta" | "minOpenMs" | "maxOpenMs">,
  marketVolatility: bigint,
): number {
  if (beta === 0 || marketVolatility === 0n) return maxOpenMs;
  const sdCap = fractionOf(sdCapBps);
  const spread = BigInt(Math.max(beta, 1)) * marketVolatility;
  return Number(clamp((sdCap * sdCap * BigInt(YEAR_MS)) / (spread * spread), BigInt(minOpenMs), BigInt(maxOpenMs)));
}

/** A waived jump that turns round — fires again on another side than the one it was waived on — counts once more while its cap lasts. */
export function unwaiveReversal(
  memory: FeedMemory,
  { fires }: Activity,
  { thresholds, facts, marketVolatility }: OpenTime,
): FeedMemory {
  if (!hasBit(memory.waived & fires, "jump") || facts.direction === memory.dir) return memory;
  if ((memory.openMs[INDEX.jump] ?? 0) >= openCapMs(thresholds, marketVolatility)) return memory;
  return { ...memory, waived: memory.waived & ~BIT.jump, dir: 0 };
}

/**
 * While the feed is open each active unwaived soft rule spends its own time, and at the cap it is waived (P5). A jump behind a gap
 * spends none: only people can judge that one.
 */
export function spendOpenTime(
  memory: FeedMemory,
  { active }: Activity,
  { clock, thresholds, facts, marketVolatility }: OpenTime,
): FeedMemory {
  const exempt = hasBit(active, "gap") ? BIT.jump : 0;
  const spending = active & SOFT & ~memory.waived & ~exempt;
  if (memory.state !== "open" || spending === 0) return memory;
  const capMs = openCapMs(thresholds, marketVolatility);
  const openMs = memory.openMs.map((ms, index) => (((spending >> index) & 1) === 1 ? saturateMs(ms + clock.tickMs) : ms));
  let waived = memory.waived;
  for (const { index, bit } of ROWS) if ((spending & bit) !== 0 && (openMs[index] ?? 0) >= capMs) waived |= bit;
  const next = { ...memory, openMs, waived };
  return hasBit(waived & ~memory.waived, "jump") ? waiveJump(next, facts.direction) : next;
}
