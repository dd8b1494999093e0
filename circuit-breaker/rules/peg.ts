import { MAX_AMOUNT, parseAmount } from "../../protocol/amount.ts";
import type { FeedConfig } from "../../protocol/config.ts";
import { moveBps } from "../integers.ts";
import type { GaugeView } from "../quorum-view.ts";
import type { Reading, RuleInput } from "./rule.ts";

/**
 * What a feed is redeemable for in this round: its par, or the quorum's view of the exchange rate while that is at most quoteMs + roundMs
 * old, as a price entry may be (B1). Undefined without a peg, and without a fresh rate above zero.
 */
export function pegTargetOf(
  { peg, thresholds }: Pick<FeedConfig, "peg" | "thresholds">,
  round: { readonly gauges: ReadonlyMap<string, GaugeView>; readonly timestamp: number; readonly roundMs: number },
): bigint | undefined {
  if (peg === undefined) return undefined;
  if ("par" in peg) {
    const par = parseAmount(peg.par);
    return par.ok ? par.value : undefined;
  }
  const rate = round.gauges.get(`rate.${peg.rate}`);
  if (rate === undefined || round.timestamp - rate.asOf > thresholds.quoteMs + round.roundMs) return undefined;
  return rate.value > 0n && rate.value <= MAX_AMOUNT ? rate.value : undefined;
}

/**
 * The market against what the feed is redeemable for. Only a fresh quorum price can fire it, and only against a target that is there: a
 * rate that nobody can read accuses nobody.
 *
 * @example
 * // par 1, price 0.9900: 0.01 of the smaller price are 101 bps, beyond 100
 */
export function readPeg({ thresholds, facts, pegTarget }: RuleInput): Reading {
  const limit = thresholds.pegBps;
  const measured = pegTarget === undefined ? 0 : moveBps(facts.price, pegTarget);
  return { fires: facts.priced && measured > limit, unit: "Bps", measured, limit };
}
