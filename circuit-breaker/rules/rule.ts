import { RULES, type RuleName } from "../../protocol/report.ts";
import type { MeasureUnit } from "../../protocol/round.ts";
import type { Thresholds } from "../../protocol/thresholds.ts";
import type { Facts } from "../facts.ts";
import type { FeedMemory } from "../memory.ts";
import type { CongestionPoints } from "./congestion.ts";

/** What a rule may look at: the parent's memory (restart counters and pause already of this round), the round's facts, the market's own move. */
export type RuleInput = {
  readonly timestamp: number;
  readonly thresholds: Thresholds;
  readonly restartRounds: number;
  readonly memory: FeedMemory;
  readonly facts: Facts;
  /** Signed, bps: B of BREAKER.md B12. */
  readonly systemicBps: number;
  /** What the feed is redeemable for; undefined without a peg, or without a fresh rate. */
  readonly pegTarget: bigint | undefined;
  /** By how much a pending config's price differs, where that keeps the config out. */
  readonly refusalBps: number | undefined;
};

/** What the rules of a chain's leaf may look at; memory as in {@link RuleInput}. */
export type ChainInput = Pick<RuleInput, "timestamp" | "restartRounds" | "memory"> & {
  readonly facts: { readonly observedAt: number };
  readonly points: CongestionPoints;
};

/** What a rule saw in one round. `measured` and `limit` are reported whether or not it fires. */
export type Reading = {
  readonly fires: boolean;
  readonly unit: MeasureUnit;
  readonly measured: number;
  readonly limit: number;
};

/** One row of the rule table: how to read the rule, and how the breaker is to take what it says. */
export type Rule = {
  /**
   * A soft rule lasts for its quiet time, has a cap and can be waived; a hard one lasts exactly as long as it fires; information is told
   * and never active.
   */
  readonly kind: "soft" | "hard" | "information";
  /** The most that may be liquidated while the rule is active and not waived; `manual` says itself when it permits less. */
  readonly level: "robust" | "none";
  /** It depends on which observations the leader chose, so it holds only after f+1 leaders saw it (DESIGN section 7). */
  readonly byLeader: boolean;
  /** While it fires nobody can be said to agree with a jump (B5). */
  readonly disagrees: boolean;
  /** B4: what stops the slow averages from learning: its firing, also the quiet time that follows while it holds the feed open, or nothing. */
  readonly stopsLearning: "firing" | "while-open" | "never";
  /** On a feed, and on a chain's leaf: a rule without a reader never fires there. */
  readonly read?: (input: RuleInput) => Reading;
  readonly readChain?: (input: ChainInput) => Reading;
};

/** The bit of every rule, as in the leaf's `reasons`. */
export const BIT = Object.fromEntries(RULES.map((rule, index) => [rule, 1 << index])) as Readonly<Record<RuleName, number>>;

/** Where a rule stands in memory's lists. */
export const INDEX = Object.fromEntries(RULES.map((rule, index) => [rule, index])) as Readonly<Record<RuleName, number>>;

/** When a rule last fired in the sense that holds; 0 = never. */
export function lastFired(memory: FeedMemory, rule: RuleName): number {
  return memory.fired[INDEX[rule]] ?? 0;
}

export function hasBit(bits: number, rule: RuleName): boolean {
  return (bits & BIT[rule]) !== 0;
}
