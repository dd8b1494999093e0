import type { Thresholds } from "../../protocol/thresholds.ts";
import type { QuorumView } from "../quorum-view.ts";
import type { Reading, RuleInput } from "./rule.ts";

/** Not priced, too few provenance groups, or one group too heavy. Here, because the basket and jump's limit ask before the rules are read. */
export function isThin(view: Pick<QuorumView, "groups" | "topBps"> | undefined, thresholds: Thresholds): boolean {
  return view === undefined || view.groups < thresholds.wantGroups || view.topBps > thresholds.topShareBps;
}

/** Reports the group count when it is too small (0 when not priced), else the heaviest group's share. */
export function readThin({ thresholds, facts: { thin, priced, groups, topBps } }: RuleInput): Reading {
  const { wantGroups, topShareBps } = thresholds;
  if (!priced || groups < wantGroups) return { fires: thin, unit: "Groups", measured: groups, limit: wantGroups };
  return { fires: thin, unit: "Bps", measured: topBps, limit: topShareBps };
}
