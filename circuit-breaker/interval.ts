import { ONE } from "../protocol/amount.ts";
import { saturateAmount, sd } from "./integers.ts";

/**
 * The interval served (B2): the raw pair, stretched to the anchor and to the redemption rate where a doubt asks for it, then widened once by three standard
 * deviations over the time until the lease ends, at most by the whole price; the low end rounds down, the high end up.
 *
 * @example
 * // [99.9, 100.1] e18, σ 80 %, 60 s: h = 3 · 1103096809921373 = 0.0033…, low 99.5694…, high 100.4312…
 */
export function serveInterval(
  raw: { readonly rawLow: bigint; readonly rawHigh: bigint },
  {
    anchor,
    rate,
    volatility,
    forMs,
  }: {
    readonly anchor: bigint | undefined;
    readonly rate?: bigint | undefined;
    readonly volatility: bigint;
    readonly forMs: number;
  },
): { readonly low: bigint; readonly high: bigint } {
  let lo = anchor !== undefined && anchor < raw.rawLow ? anchor : raw.rawLow;
  let hi = anchor !== undefined && anchor > raw.rawHigh ? anchor : raw.rawHigh;
  if (rate !== undefined && rate < lo) lo = rate;
  if (rate !== undefined && rate > hi) hi = rate;
  const deviations = 3n * sd(volatility, Math.max(0, forMs));
  const h = deviations < ONE ? deviations : ONE;
  return { low: (lo * (ONE - h)) / ONE, high: saturateAmount((hi * (ONE + h) + ONE - 1n) / ONE) };
}
