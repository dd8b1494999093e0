import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import { lastFired } from "../../circuit-breaker/rules/rule.ts";
import { ROWS } from "../../circuit-breaker/rules.ts";
import { CARRIED_BIT, hasReason, type Report } from "../../protocol/report.ts";
import type { Thresholds } from "../../protocol/thresholds.ts";

/** The rows of BREAKER.md B6, in its order, and what B3 adds of a firing that only passes. */
export const TRANSITIONS = [
  "– → open",
  "closed → open",
  "open → open",
  "open → half-open",
  "half-open → open",
  "half-open → half-open, a waived rule: budget back",
  "half-open → half-open, a passing firing: no change",
  "half-open → half-open, agreeing",
  "half-open → closed",
] as const;
export type Transition = (typeof TRANSITIONS)[number];

/** The only ways from a state: everything else that the leaves of a chain show is a fault of the breaker. */
export const FORBIDDEN = ["open → closed", "closed → half-open"] as const;

/** What the breaker does beside changing its state. */
export const MECHANISMS = [
  "jump believed: corroborated hold",
  "jump waived: cap",
  "jump unwaived: reversal",
  "gap latched",
  "gap returned",
  "gap expired",
  "quiet time doubled by a trip",
  "trips forgotten after a long closed time",
  "restart after an outage",
  "price carried",
  "borrowing permitted",
] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** One feed in one certified round and in its parent; memories where a body shows them. */
export type FeedStep = {
  readonly timestamp: number;
  readonly thresholds: Thresholds;
  readonly report: Report;
  readonly parent: Report | undefined;
  readonly before: FeedMemory | undefined;
  readonly after: FeedMemory | undefined;
};

/** The row that a step took; undefined for a feed that stays closed, and for half-open where no body tells which row it was. */
export function transitionOf(step: FeedStep): Transition | (typeof FORBIDDEN)[number] | undefined {
  const { report, parent } = step;
  if (parent === undefined) return "– → open";
  if (parent.state === "closed" && report.state === "closed") return undefined;
  if (parent.state === "half-open" && report.state === "half-open") return probeOf(step);
  return `${parent.state} → ${report.state}` as Exclude<Transition, `half-open → half-open${string}`>;
}

/** The leaf shows that a rule is active; memory, whether it set the agreement back or only passed. */
function probeOf({ report, before, after }: FeedStep): Transition | undefined {
  if (ruleBits(report) === 0) return "half-open → half-open, agreeing";
  if (before === undefined || after === undefined) return undefined;
  if (before.agree === 0) return (ruleBits(report) & after.waived) !== 0 ? TRANSITIONS[5] : TRANSITIONS[6];
  return after.agree === 0 ? TRANSITIONS[5] : TRANSITIONS[6];
}

/** What a leaf alone tells. */
export function mechanismsOfLeaf(report: Report): readonly Mechanism[] {
  const found: Mechanism[] = [];
  if (hasReason(report.reasons, CARRIED_BIT)) found.push("price carried");
  if (report.borrow) found.push("borrowing permitted");
  return found;
}

/** What only the memories before and after tell. */
export function mechanismsOf(step: FeedStep): readonly Mechanism[] {
  const { before, after } = step;
  if (before === undefined || after === undefined) return [];
  const found: Mechanism[] = [...jumpMechanisms(before, after), ...gapMechanisms(step, before, after)];
  if (after.restartAt !== before.restartAt) found.push("restart after an outage");
  if (before.trips > 0 && after.trips === 0) found.push("trips forgotten after a long closed time");
  if (isHeldByDoubling(step, after)) found.push("quiet time doubled by a trip");
  return found;
}

/** Rules that became waived in this step, by name. */
export function waivedIn({ before, after }: FeedStep): readonly string[] {
  if (before === undefined || after === undefined) return [];
  const added = after.waived & ~before.waived;
  return ROWS.flatMap(({ name, bit }) => ((added & bit) === 0 ? [] : [name]));
}

export function activeRules(report: Report): readonly string[] {
  return ROWS.flatMap(({ name, bit }) => ((ruleBits(report) & bit) === 0 ? [] : [name]));
}

/** A jump that is believed spends no open time in that round (B5 comes before the caps); one that runs into its cap does. */
function jumpMechanisms(before: FeedMemory, after: FeedMemory): readonly Mechanism[] {
  const jump = ROWS.find(({ name }) => name === "jump");
  if (jump === undefined) return [];
  const was = (before.waived & jump.bit) !== 0;
  const is = (after.waived & jump.bit) !== 0;
  if (!was && is) {
    const capped = (after.openMs[jump.index] ?? 0) > (before.openMs[jump.index] ?? 0);
    return [capped ? "jump waived: cap" : "jump believed: corroborated hold"];
  }
  // Closing forgets what was waived, and so does leaving closed: neither is a reversal.
  return was && !is && after.state !== "closed" && before.state !== "closed" ? ["jump unwaived: reversal"] : [];
}

function gapMechanisms({ timestamp, thresholds }: FeedStep, before: FeedMemory, after: FeedMemory): readonly Mechanism[] {
  if (before.gapAt === 0) return after.gapAt === 0 ? [] : ["gap latched"];
  if (after.gapAt !== 0) return [];
  return [timestamp - before.gapAt > thresholds.gapHoldMs && after.anchor === after.price ? "gap expired" : "gap returned"];
}

/** A soft rule is still active although its plain quiet time is over. */
function isHeldByDoubling({ timestamp, thresholds, report }: FeedStep, after: FeedMemory): boolean {
  return ROWS.some(({ name, bit, rule }) => {
    if (rule.kind !== "soft" || (ruleBits(report) & bit) === 0) return false;
    const firedAt = lastFired(after, name);
    return firedAt !== 0 && timestamp - firedAt > thresholds.clearMs;
  });
}

/** `reasons` without the carried price, as a bit set that 32-bit operators may be used on. */
function ruleBits({ reasons }: Report): number {
  return reasons % 2 ** CARRIED_BIT;
}
