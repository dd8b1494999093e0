import { BPS, MAX_UINT32 } from "../integers.ts";
import type { Reading, RuleInput } from "./rule.ts";

/**
 * The quorum's own interval, before the breaker widens it, is too wide. Measured rounded up, so that `measured > limit` is exactly
 * `(rawHigh − rawLow) · 10000 > price · dispersionBps`.
 *
 * @example
 * // price 100, interval [99.4, 100.41]: 101 bps against 100 fires
 */
export function readDispersion({ thresholds, facts: { priced, price, rawLow, rawHigh } }: RuleInput): Reading {
  const bps = ((rawHigh - rawLow) * BigInt(BPS) + price - 1n) / price;
  // A stranger's memory may hold a carried interval that is turned round.
  const measured = bps < 0n ? 0 : bps < MAX_UINT32 ? Number(bps) : MAX_UINT32;
  return { fires: priced && measured > thresholds.dispersionBps, unit: "Bps", measured, limit: thresholds.dispersionBps };
}
