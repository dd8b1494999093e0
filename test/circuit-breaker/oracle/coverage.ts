import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import { RULES } from "../../../protocol/report.ts";
import type { FeedVerdict } from "../../../protocol/round.ts";
import type { Seen } from "./properties.ts";

/** What a run must have seen at least once for its silence to mean anything: B6's transitions, B3's rules, and what ends each of them. */
export const MUST_SEE = [
  ...["genesis → open", "closed → closed", "closed → open", "closed → open, reset", "open → open", "open → half-open"],
  ...["half-open → open", "half-open → half-open, agreeing", "half-open → half-open, waived rule active"],
  ...["half-open → half-open, a firing that passes", "half-open → closed"],
  ...["jump", "dispersion", "divergence", "thin", "stale", "restart", "gap"].map((rule) => `${rule} active`),
  ...["jump", "dispersion", "divergence", "thin"].map((rule) => `${rule} waived`),
  ...["jump corroborated", "jump unwaived", "gap set", "gap over", "outage", "carried", "meter full", "quiet time doubled"],
  ...["any", "robust", "none"].map((level) => `liquidate ${level}`),
  ...["borrow", "sampled", "born late"],
] as const;

export type Coverage = Map<string, number>;

export function count(coverage: Coverage, label: string): void {
  coverage.set(label, (coverage.get(label) ?? 0) + 1);
}

export function cover(coverage: Coverage, seen: Seen): void {
  for (const label of labelsOf(seen)) count(coverage, label);
}

function labelsOf({ before, after, verdict, thresholds, dt }: Seen): readonly string[] {
  const { report } = verdict;
  const labels = [transition(before, after, verdict), `liquidate ${report.liquidate}`];
  for (const { rule } of verdict.reasons) labels.push(`${rule} active`);
  if (report.reasons >= 2 ** 31) labels.push("carried");
  if (report.borrow) labels.push("borrow");
  if (before === undefined) return dt > 0 ? [...labels, "born late"] : labels;
  const newly = after.waived & ~before.waived;
  RULES.forEach((rule, bit) => {
    if (((newly >> bit) & 1) === 1) labels.push(`${rule} waived`);
  });
  // At a cap the rule's own time grew in this round; an agreement needs none of it.
  if ((newly & 1) === 1 && before.corrob > 0n) labels.push("jump corroborated");
  if (before.dir !== 0 && after.dir === 0 && after.trips > before.trips) labels.push("jump unwaived");
  if (before.gapAt === 0 && after.gapAt !== 0) labels.push("gap set");
  if (before.gapAt !== 0 && after.gapAt === 0) labels.push(after.anchor === after.price ? "gap over" : "gap returned");
  if (after.restartAt !== before.restartAt) labels.push("outage");
  if (after.spent >= BigInt(thresholds.pauseBudgetMs) * 86_400_000n) labels.push("meter full");
  if (after.trips > 0 && after.state === "open") labels.push("quiet time doubled");
  if (after.sampleAt !== before.sampleAt) labels.push("sampled");
  return labels;
}

function transition(before: FeedMemory | undefined, after: FeedMemory, { report }: FeedVerdict): string {
  if (before === undefined) return "genesis → open";
  const name = `${before.state} → ${after.state}`;
  if (name === "closed → open" && before.trips > 0 && after.trips === 0) return "closed → open, reset";
  if (name !== "half-open → half-open") return name;
  if (report.liquidate === "robust" && report.reasons < 2 ** 31) return `${name}, a firing that passes`;
  return after.agree > before.agree ? `${name}, agreeing` : `${name}, waived rule active`;
}
