import type { Thresholds } from "../protocol/thresholds.ts";
import type { Activity } from "./activity.ts";
import type { RoundClock } from "./clock.ts";
import type { Facts } from "./facts.ts";
import { DAY_MS } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import { hasBit } from "./rules/rule.ts";

const DAY = BigInt(DAY_MS);

/**
 * The pause meter (B8): a jump may stretch the interval to its anchor for pauseBudgetMs a day. `spent`, in ms · DAY_MS, leaks
 * dt · pauseBudgetMs, so that a full meter is empty after a day, and a round with the hull while move > L adds dt · DAY_MS; the round
 * that fills it may overshoot, the next ones leak that first. A gap's hull is outside it.
 *
 * @returns the memory, and whether the interval is stretched to the anchor for jump's sake
 */
export function meterHull(
  memory: FeedMemory,
  { active }: Activity,
  { clock, thresholds, facts }: { readonly clock: RoundClock; readonly thresholds: Thresholds; readonly facts: Facts },
): { readonly memory: FeedMemory; readonly jumpHull: boolean } {
  const budgetMs = BigInt(thresholds.pauseBudgetMs);
  const leaked = memory.spent - BigInt(clock.dtMs) * budgetMs;
  const left = leaked > 0n ? leaked : 0n;
  const wanted = memory.state === "open" && hasBit(active & ~memory.waived, "jump");
  const jumpHull = wanted && left < budgetMs * DAY;
  const metered = jumpHull && facts.priced && facts.moveBps > facts.jumpLimitBps && !hasBit(active, "gap");
  const spent = metered ? left + BigInt(clock.tickMs) * DAY : left;
  return { memory: spent === memory.spent ? memory : { ...memory, spent }, jumpHull };
}
