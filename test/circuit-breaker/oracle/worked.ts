import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../../circuit-breaker/quorum-view.ts";
import type { PauseAction } from "../../../protocol/governance.ts";
import type { Report } from "../../../protocol/report.ts";
import type { Reason } from "../../../protocol/round.ts";

/**
 * Worked examples of BREAKER.md B3, B5 and B8, by hand. One feed of preset `stable`, closed at 1.0000 for two minutes, n = 4
 * (f = 1: two leaders make a firing hold), rounds of 1 s, lease 60 s. Its limits: jump 100 bps over refTau 1 h, β 0, gap 500 bps,
 * dispersion 50, divergence 3000, want 3 groups, top 5000, stale 180 s, confirm 600 s, cap = maxOpen 1800 s (β 0), quiet time 30 s,
 * probe 900 s, gap hold 24 h, meter 3600 s a day. Its pegBps is 1000, so that its par is out of the other rules' way. Every number
 * expected below was worked out from the text and not by the code. Rule 5 (congestion) has its examples in chain-leaf.test.ts.
 */

/** 1.0000 is `points(10_000)`. */
export const points = (value: number) => BigInt(value) * 10n ** 14n;
export const CALM = points(10_000);
export const UNIT = 1n;
export const DAY = 86_400_000n;

/** `for` rounds of one second (or of `apart` seconds) that see the same; without a view the feed is not priced. */
export type Scene = {
  readonly for?: number;
  readonly apart?: number;
  readonly view?: Partial<QuorumView> & { readonly ageMs?: number };
  /** What the redemption rate is in each of these rounds, and how old. */
  readonly rate?: { readonly value: bigint; readonly ageMs: number };
  /** The price under the pending config, which is given to memory before the first of these rounds. */
  readonly shadow?: bigint;
  /** Governors say in the first of these rounds: a pause that ends so long after it (0: withdrawn), or that the gap is accepted. */
  readonly pause?: { readonly action: PauseAction; readonly forMs: number };
  readonly acceptGap?: true;
};
/** Whose config: the feed above, or one of its siblings in worked-governed-rules.ts. */
export type Sibling = "plain" | "peg" | "rate" | "seasoned";
type Expected = {
  readonly report?: Partial<Report>;
  /** The reason that this rule gives; undefined if it is silent. */
  readonly reasons?: readonly Reason[];
  readonly memory?: Partial<FeedMemory>;
  /** Whether the interval reaches down to what was the price before. */
  readonly reaches?: boolean;
  /** Whether 1.0000 lies within the interval. */
  readonly spans?: boolean;
};
export type Example = {
  readonly row: string;
  readonly name: string;
  readonly of?: Sibling;
  readonly scenes: readonly Scene[];
  readonly last: Expected;
};

export const jump = (measured: number, limit: number): Reason => ({ rule: "jump", unit: "Bps", measured, limit });
export const at = (value: number, overrides: Partial<QuorumView> = {}) => ({ price: points(value), ...overrides });
export const NARROWED = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
export const CLOSED = { state: "closed", liquidate: "any", budgetBps: 10_000, reasons: 0 } as const;
export const PROBED = { state: "half-open", liquidate: "any", borrow: false, budgetBps: 1_000 } as const;
export const SILENCED = { state: "open", liquidate: "none", borrow: false, budgetBps: 0 } as const;
export const wide = (width: bigint) => ({ price: CALM, rawLow: CALM - points(20), rawHigh: CALM - points(20) + width });
export const calm = (seconds: number): Scene => ({ for: seconds, view: { price: CALM } });
export const openFor = (rule: number, ms: number) => Array.from({ length: 11 }, (_, index) => (index === rule ? ms : 0));
