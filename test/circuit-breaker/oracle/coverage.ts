import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import { RULES } from "../../../protocol/report.ts";
import type { FeedVerdict } from "../../../protocol/round.ts";
import type { Seen } from "./properties.ts";

/** What a run must have seen at least once for its silence to mean anything: B6's transitions, B3's rules, and what ends each of them. */
export const MUST_SEE = [
  ...["genesis → open", "closed → closed", "closed → open", "closed → open, reset", "open → open", "open → half-open"],
  ...["half-open → open", "half-open → half-open, agreeing", "half-open → half-open, waived rule active"],
  ...["half-open → half-open, a firing that passes", "half-open → closed"],
  ...RULES.map((rule) => `${rule} active`),
  ...["jump", "dispersion", "divergence", "thin", "peg"].map((rule) => `${rule} waived`),
  ...["jump corroborated", "jump unwaived", "gap set", "gap over", "outage", "carried", "meter full", "quiet time doubled"],
  ...["gap accepted", "paused robust", "paused none", "rate joins", "rate outweighed", "peg not agreed on any more"],
  ...["chain congested for its clear time", "chain carried", "fee frozen", "borrow beside config"],
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

function labelsOf(seen: Seen): readonly string[] {
  const { before, after, verdict, thresholds, timestamp, dt } = seen;
  const { report } = verdict;
  const labels = [transition(before, after, verdict), `liquidate ${report.liquidate}`];
  for (const { rule } of verdict.reasons) labels.push(`${rule} active`);
  labels.push(...labelsOfPeg(seen), ...labelsOfChain(seen));
  if (verdict.reasons.some(({ rule }) => rule === "manual"))
    labels.push(after.manual.action === 2 ? "paused none" : "paused robust");
  if (report.borrow && verdict.reasons.length > 0) labels.push("borrow beside config");
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
  if (before.gapAt !== 0 && after.gapAt === 0) labels.push(endOfGap(before, after, { thresholds, timestamp }));
  if (after.restartAt !== before.restartAt) labels.push("outage");
  if (after.spent >= BigInt(thresholds.pauseBudgetMs) * 86_400_000n) labels.push("meter full");
  if (after.trips > 0 && after.state === "open") labels.push("quiet time doubled");
  if (after.sampleAt !== before.sampleAt) labels.push("sampled");
  return labels;
}

function endOfGap(
  before: FeedMemory,
  after: FeedMemory,
  { thresholds, timestamp }: Pick<Seen, "thresholds" | "timestamp">,
): string {
  if (after.anchor !== after.price) return "gap returned";
  return timestamp - before.gapAt > thresholds.gapHoldMs ? "gap over" : "gap accepted";
}

function labelsOfPeg({ before, after, verdict, thresholds }: Seen): readonly string[] {
  if (!verdict.reasons.some(({ rule }) => rule === "peg")) return [];
  const outweighed = after.pegHeld >= 100n * BigInt(thresholds.pegHoldMs);
  const again = (before?.pegHeld ?? 0n) > 0n && after.pegHeld === 0n ? ["peg not agreed on any more"] : [];
  if (thresholds.pegTrust === "market") return again;
  return [...again, outweighed ? "rate outweighed" : "rate joins"];
}

function labelsOfChain({ before, after, verdict: { report, reasons } }: Seen): readonly string[] {
  if (!report.feed.startsWith("CHAIN/") || before === undefined) return [];
  const congestion = reasons.find(({ rule }) => rule === "congestion");
  return [
    ...(congestion !== undefined && congestion.measured < congestion.limit ? ["chain congested for its clear time"] : []),
    ...(report.reasons >= 2 ** 31 ? ["chain carried"] : []),
    ...(after.price > 3n * before.ema && after.ema === before.ema ? ["fee frozen"] : []),
  ];
}

function transition(before: FeedMemory | undefined, after: FeedMemory, { report }: FeedVerdict): string {
  if (before === undefined) return "genesis → open";
  const name = `${before.state} → ${after.state}`;
  if (name === "closed → open" && before.trips > 0 && after.trips === 0) return "closed → open, reset";
  if (name !== "half-open → half-open") return name;
  if (report.liquidate === "robust" && report.reasons < 2 ** 31) return `${name}, a firing that passes`;
  return after.agree > before.agree ? `${name}, agreeing` : `${name}, waived rule active`;
}
