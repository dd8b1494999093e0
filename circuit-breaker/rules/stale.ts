import type { Reading, RuleInput } from "./rule.ts";

/** P3: a price too old to permit anything, whether it was priced afresh from old quotes or carried. */
export function readStale({ timestamp, thresholds, facts: { observedAt } }: RuleInput): Reading {
  const measured = Math.max(0, timestamp - observedAt);
  return { fires: measured > thresholds.staleMs, unit: "Ms", measured, limit: thresholds.staleMs };
}
