import type { Reading, RuleInput } from "./rule.ts";

/** Too much of the source weight lies outside tolerance of the price, by the middle node's count. */
export function readDivergence({ thresholds, facts: { priced, outsideBps } }: RuleInput): Reading {
  const limit = thresholds.divergenceBps;
  return { fires: priced && outsideBps > limit, unit: "Bps", measured: outsideBps, limit };
}
