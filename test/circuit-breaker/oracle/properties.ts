import { type BreakerMemory, decodeMemory, encodeMemory, type FeedMemory } from "../../../circuit-breaker/memory.ts";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import { RULES, type RuleName, reasonNames } from "../../../protocol/report.ts";
import type { FeedVerdict } from "../../../protocol/round.ts";
import type { Thresholds } from "../../../protocol/thresholds.ts";

/** One feed in one round, as production left it, and what came before. */
export type Seen = {
  readonly before: FeedMemory | undefined;
  readonly after: FeedMemory;
  readonly verdict: FeedVerdict;
  readonly previous: FeedVerdict | undefined;
  readonly thresholds: Thresholds;
  readonly roundMs: number;
  readonly timestamp: number;
  /** Since the chain's parent round. */
  readonly dt: number;
  readonly priced: boolean;
  /** Openings of a closed feed since its open time was last set to zero, and the time it was open since then without a hard rule. */
  readonly event: { readonly openings: number; readonly softOpenMs: number };
};

const DAY_MS = 86_400_000n;
export const HARD: readonly RuleName[] = ["stale", "congestion", "restart", "manual", "gap"];
const SOFT: readonly RuleName[] = ["jump", "dispersion", "divergence", "thin", "peg"];
/** A governor's pause, the longest there is, a round and a clock's error longer (1 ms in these networks). */
const LONGEST_MANUAL_MS = 86_400_000 + 1;

/**
 * The longest that soft rules alone may keep a feed open between two resets of its open time, in ticks' time: in each such round at least
 * one soft rule that is not waived spends its own time, each has at most `maxOpenMs` and the round that reaches it, and each opening of a
 * closed feed, which waives nothing any more, gives each one round more.
 */
export function longestSoftPauseMs(t: Pick<Thresholds, "maxOpenMs">, roundMs: number, openings: number): number {
  return SOFT.length * (t.maxOpenMs + longestTickMs(roundMs) * openings) + longestTickMs(roundMs) * openings;
}

export function longestTickMs(roundMs: number): number {
  return 5 * roundMs;
}

/** The rules that stand: information and the carried price beside them. */
function activeRules({ reasons }: FeedVerdict): readonly RuleName[] {
  return reasons.flatMap(({ rule }) => (rule === "config" ? [] : [rule]));
}

/** Each property by name; it holds if it gives true. */
export const PROPERTIES: Readonly<Record<string, (seen: Seen) => boolean>> = {
  "low ≤ price ≤ high, within the leaf's fields": ({ verdict: { report: r } }) =>
    0n <= r.low && r.low <= r.price && r.price <= r.high && r.high <= MAX_AMOUNT && r.ema > 0n && r.volatility < 2n ** 64n,
  "the reasons name the leaf's bits": ({ verdict: { report, reasons } }) =>
    reasonNames(report.reasons % 2 ** 31).join() === reasons.map(({ rule }) => rule).join(),
  "closed only when nothing is active": ({ verdict }) => verdict.report.state !== "closed" || activeRules(verdict).length === 0,
  "closed only by way of half-open": ({ before, after }) =>
    after.state !== "closed" || before?.state === "closed" || before?.state === "half-open",
  "half-open only by way of open": ({ before, after }) =>
    after.state !== "half-open" || (before !== undefined && before.state !== "closed"),
  "a closed feed opens in the round in which a rule is active": ({ before, verdict }) =>
    before?.state !== "closed" || (verdict.report.state === "open") === activeRules(verdict).length > 0,
  "information narrows nothing": ({ verdict, priced, timestamp, after, thresholds }) =>
    !verdict.reasons.some(({ rule }) => rule === "config") ||
    !priced ||
    verdict.report.state !== "closed" ||
    (verdict.report.liquidate === "any" &&
      verdict.report.budgetBps === 10_000 &&
      (verdict.report.borrow || timestamp - after.firstAt < thresholds.seasonMs)),
  "a waived rule never opens again": ({ before, after, verdict }) =>
    before?.state !== "half-open" ||
    after.state !== "open" ||
    verdict.reasons.some(({ rule }) => HARD.includes(rule) || ((after.waived >> RULES.indexOf(rule)) & 1) === 0),
  "a carried price is at most robust and never to borrow on": ({ priced, verdict: { report: r } }) =>
    priced ? r.reasons < 2 ** 31 : r.reasons >= 2 ** 31 && r.liquidate !== "any" && !r.borrow && r.budgetBps === 0,
  "stale and restart permit nothing": ({ verdict }) =>
    verdict.report.liquidate === "none" || !verdict.reasons.some(({ rule }) => rule === "stale" || rule === "restart"),
  "a pause to none permits nothing": ({ verdict, after }) =>
    verdict.report.liquidate === "none" || after.manual.action !== 2 || !activeRules(verdict).includes("manual"),
  "a pause ends at the time it named, a day ahead at most": ({ verdict, after, timestamp, roundMs }) => {
    const left = after.manual.until - timestamp;
    return activeRules(verdict).includes("manual") === left > 0 && left <= LONGEST_MANUAL_MS + roundMs;
  },
  "a budget only with `any`, all of it only when closed": ({ verdict: { report: r } }) =>
    r.liquidate === "any" ? (r.budgetBps === 10_000) === (r.state === "closed") && r.budgetBps >= 1_000 : r.budgetBps === 0,
  "the budget of an undisturbed probe never falls": ({ previous, verdict: { report }, before }) =>
    previous === undefined ||
    before?.state !== "half-open" ||
    report.state !== "half-open" ||
    previous.report.reasons !== 0 ||
    report.reasons !== 0 ||
    report.budgetBps >= previous.report.budgetBps,
  "each rule's open time ends within a round of its cap": ({ after, thresholds, roundMs, event }) =>
    after.openMs.every((ms) => ms < thresholds.maxOpenMs + longestTickMs(roundMs) * Math.max(1, event.openings)),
  "a pause on fresh data ends": ({ thresholds, roundMs, event }) =>
    event.softOpenMs <= longestSoftPauseMs(thresholds, roundMs, Math.max(1, event.openings)),
  "nothing is held of a peg that is not active": ({ verdict, after }) =>
    after.pegHeld === 0n || activeRules(verdict).includes("peg"),
  "an agreement ends the hold": ({ after, thresholds }) => after.corrob < 100n * BigInt(thresholds.confirmMs),
  "a probe ends": ({ after, thresholds }) => after.agree < thresholds.probeMs,
  "the meter overflows by one round at most": ({ after, thresholds, roundMs }) =>
    after.spent < (BigInt(thresholds.pauseBudgetMs) + BigInt(longestTickMs(roundMs))) * DAY_MS,
  "a gap ends after gapHoldMs": ({ after, timestamp, thresholds }) =>
    after.gapAt === 0 || timestamp - after.gapAt <= thresholds.gapHoldMs,
};

/** The name of the first property that does not hold. */
export function violated(seen: Seen): string | undefined {
  return Object.entries(PROPERTIES).find(([, holds]) => !holds(seen))?.[0];
}

/** `decode(encode(x)) = x`, compared by the bytes of a second encoding. */
export function survivesEncoding(memory: BreakerMemory): boolean {
  const bytes = encodeMemory(memory);
  const decoded = decodeMemory(bytes);
  return decoded.ok && Buffer.compare(Buffer.from(encodeMemory(decoded.value)), Buffer.from(bytes)) === 0;
}
