import type { RuleName } from "./report.ts";
import type { Thresholds } from "./thresholds.ts";

/**
 * What has to happen until a rule is not active any more, in words: printable ASCII, at most 160 characters (BREAKER.md B3, column
 * "ends"). Quiet times double with every trip, which the text does not say.
 */
export function clearCondition(rule: RuleName, t: Thresholds): string {
  switch (rule) {
    case "jump":
      return `excess at most ${Math.floor(t.jumpBps / 2)} bps for ${t.clearMs} ms, ${t.confirmMs} ms of agreement, or its cap`;
    case "dispersion":
      return `an interval at most ${t.dispersionBps} bps wide for ${t.clearMs} ms, or its cap`;
    case "divergence":
      return `at most ${t.divergenceBps} bps of the weight outside tolerance for ${t.clearMs} ms, or its cap`;
    case "thin":
      return `${t.wantGroups} groups, none above ${t.topShareBps} bps, for ${t.clearMs} ms, or its cap`;
    case "stale":
      return `a quorum price at most ${t.staleMs} ms old`;
    case "congestion":
      return "fewer than 2 points for 5 minutes";
    case "peg":
      return `at most ${t.pegBps} bps from the redemption rate for ${t.clearMs} ms, or its cap`;
    case "config":
      return `the pending config's price within ${t.configBps} bps of this one, acceptance by governors, or its lapse`;
    case "restart":
      return "fresh rounds after the restart";
    case "manual":
      return "the time that the pause names, or its withdrawal";
    case "gap":
      return `a price within ${t.jumpBps} bps of the anchor, acceptance by governors, or ${t.gapHoldMs} ms`;
  }
}
