import type { Reading, RuleInput } from "./rule.ts";

/** B7: this feed keeps a pending config out. The config waits and the feed does not, so it is told and never active. */
export function readConfig({ thresholds, refusalBps }: RuleInput): Reading {
  return { fires: refusalBps !== undefined, unit: "Bps", measured: refusalBps ?? 0, limit: thresholds.configBps };
}
