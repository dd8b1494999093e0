import type { BreakerInfo, Permits, Reason, Rule, State } from "../data/api.ts";
import { formatBps, formatSpan } from "./format.ts";

/** What a person calls a state, and what the breaker calls it. */
export const STATE_WORDS: Readonly<Record<State, { readonly word: string; readonly breaker: string; readonly means: string }>> = {
  closed: { word: "Normal", breaker: "closed", means: "The price is undisputed." },
  "half-open": {
    word: "Probing",
    breaker: "half-open",
    means: "The doubt is over; disputed loans are let through slowly until the price has proven itself.",
  },
  open: { word: "Paused", breaker: "open", means: "The price is in doubt; disputed loans wait." },
};

/** What a state means for a feed: why it is open changes what the person should think of the price. */
export function sayMeans({ state, reasons }: Pick<BreakerInfo, "state" | "reasons">): string {
  const rules = reasons.map(({ rule }) => rule);
  if (state !== "open" || rules.length === 0) return STATE_WORDS[state].means;
  if (rules.every((rule) => rule === "manual")) return "People paused it; the breaker finds nothing wrong with the price itself.";
  if (rules.some((rule) => rule === "stale" || rule === "restart")) return "There is no fresh price to act on yet.";
  return STATE_WORDS[state].means;
}

/** The most severe first. */
export const STATE_ORDER: Readonly<Record<State, number>> = { open: 0, "half-open": 1, closed: 2 };

/** What each rule found, as a title and as the sentence behind it (BREAKER.md, rules). */
export const RULE_WORDS: Readonly<Record<Rule, { readonly title: string; readonly says: string }>> = {
  jump: {
    title: "Price moved off its average",
    says: "A move that the rest of the market does not explain. The interval spans the old price and the new one.",
  },
  dispersion: { title: "Nodes disagree", says: "What the nodes measured lies too far apart." },
  divergence: { title: "Venues disagree", says: "Too much of the sources' weight is outside tolerance of the price." },
  thin: { title: "Thinly sourced", says: "Too few independent sources, or one of them is too heavy." },
  stale: { title: "Data too old", says: "No fresh price reached the quorum. Silence is never permission." },
  congestion: { title: "Chain congested", says: "Bidders may not reach the chain in time." },
  peg: { title: "Off its redemption rate", says: "Market price and redemption rate are too far apart." },
  config: { title: "Pending config differs", says: "The config that is to come would give another price; it waits. No action." },
  restart: { title: "First rounds after a start or an outage", says: "Permissions come back after fresh rounds." },
  manual: { title: "Paused by hand", says: "A guardian or governance paused this feed for a stated time." },
  gap: {
    title: "A step that no market makes",
    says: "One round's move is too large to be trading; a leg or decimals may be lost.",
  },
};

type Unit = "Bps" | "Ms" | "Rounds" | "Groups" | "Points";
export type Measure = {
  readonly unit: Unit;
  readonly measured: number;
  readonly limit: number;
  /** False in the quiet time after a rule last fired: what it measures now is within the limit. */
  readonly beyond: boolean;
};

/** What a rule measured against its limit. Groups are wanted, points reached, rounds waited for; of all else too much is bad. */
export function measureOf(reason: Reason): Measure {
  if ("measuredBps" in reason) return over("Bps", reason.measuredBps, reason.limitBps);
  if ("measuredMs" in reason) return over("Ms", reason.measuredMs, reason.limitMs);
  if ("measuredGroups" in reason) {
    const { measuredGroups: measured, limitGroups: limit } = reason;
    return { unit: "Groups", measured, limit, beyond: measured < limit };
  }
  if ("measuredPoints" in reason) {
    const { measuredPoints: measured, limitPoints: limit } = reason;
    return { unit: "Points", measured, limit, beyond: measured >= limit };
  }
  const { measuredRounds: measured, limitRounds: limit } = reason;
  return { unit: "Rounds", measured, limit, beyond: measured <= limit };
}

function over(unit: Unit, measured: number, limit: number): Measure {
  return { unit, measured, limit, beyond: measured > limit };
}

export function formatMeasure(value: number, unit: Unit): string {
  if (unit === "Ms") return formatSpan(value);
  if (unit === "Bps") return formatBps(value);
  return `${value} ${unit.toLowerCase().replace(/s$/, value === 1 ? "" : "s")}`;
}

/**
 * The whole reason in one line.
 *
 * @example
 * sayReason({ rule: "jump", measuredBps: 420, limitBps: 300 }); // "Price moved off its average: 4.2 %, limit 3 %"
 * sayReason({ rule: "manual", measuredMs: 540_000, limitMs: 0 }); // "Paused by hand for another 9 min"
 */
export function sayReason(reason: Reason): string {
  const measure = measureOf(reason);
  const { unit, measured, beyond } = measure;
  const { title } = titleOf(reason);
  if (reason.rule === "manual" && unit === "Ms") {
    return measured > 0 ? `${title} for another ${formatSpan(measured)}` : `${title}; ended, quiet time`;
  }
  return beyond ? `${title}: ${sayMeasure(measure)}` : `${title}: now ${sayMeasure(measure)}; quiet time`;
}

/**
 * A measure beside its limit, where one stands against it.
 *
 * @example
 * sayMeasure({ unit: "Rounds", measured: 1, limit: 3, beyond: true }); // "1 of 3 rounds"
 * sayMeasure({ unit: "Groups", measured: 2, limit: 4, beyond: true }); // "2 groups of 4 wanted"
 * sayMeasure({ unit: "Bps", measured: 420, limit: 300, beyond: true }); // "4.2 %, limit 3 %"
 */
export function sayMeasure({ unit, measured, limit }: Measure): string {
  if (unit === "Rounds") return `${measured} of ${formatMeasure(limit, unit)}`;
  if (unit === "Groups") return `${formatMeasure(measured, unit)} of ${limit} wanted`;
  return limit === 0 ? formatMeasure(measured, unit) : `${formatMeasure(measured, unit)}, limit ${formatMeasure(limit, unit)}`;
}

/** Why a breaker changed its state: the rules that were active, or that none was. */
export function sayChange(to: State, reasons: readonly Reason[]): string {
  if (reasons.length > 0) return reasons.map(sayReason).join("; ");
  return { open: "No rule is named", "half-open": "Quiet again: the probe begins", closed: "The price has proven itself" }[to];
}

/** `thin` has two faces: too few groups, or one of them too heavy. */
export function titleOf(reason: Reason): { readonly title: string; readonly says: string } {
  const { unit, beyond } = measureOf(reason);
  const words = RULE_WORDS[reason.rule];
  return reason.rule === "thin" && unit === "Bps" && beyond ? { ...words, title: "One source group too heavy" } : words;
}

/**
 * Both as shares of a bar's length, in percent: the larger of the two ends at four fifths, so that what is beyond shows as beyond.
 *
 * @example
 * barOf({ unit: "Bps", measured: 400, limit: 200, beyond: true }); // { measured: 80, limit: 40 }
 */
export function barOf({ measured, limit }: Measure): { readonly measured: number; readonly limit: number } {
  const most = Math.max(measured, limit);
  if (most === 0) return { measured: 0, limit: 0 };
  return { measured: Math.round((measured * 80) / most), limit: Math.round((limit * 80) / most) };
}

/**
 * A clear condition with its times as a person reads them.
 *
 * @example
 * sayClears("excess at most 150 bps for 30000 ms, or its cap"); // "excess at most 1.5 % for 30 s, or its cap"
 */
export function sayClears(text: string): string {
  return text
    .replace(/\b(\d+) ms\b/g, (_, ms: string) => formatSpan(Number(ms)))
    .replace(/\b(\d+) bps\b/g, (_, bps: string) => formatBps(Number(bps)));
}

export type PermitWords = { readonly liquidate: string; readonly borrow: string; readonly budget: string };

/** A cell's words. */
export function permitWords({ liquidate, borrow, budgetBps }: Permits): PermitWords {
  return {
    liquidate: { any: "any", robust: "robust only", none: "none" }[liquidate],
    borrow: borrow ? "yes" : "no",
    budget: `${budgetBps / 100} %`,
  };
}

/** What a chain's leaf says: it permits acting there, and narrows what feeds permit. */
export const CHAIN_MEANS: Readonly<Record<State, string>> = {
  closed: "Who wants to act on this chain can.",
  "half-open": "The congestion is over; disputed loans are let through slowly.",
  open: "Bidders may not reach this chain in time; disputed loans on it wait.",
};

/** A chain's permits in sentences: they hold beside those of each feed, and the weaker counts. */
export function sayChainSentences({ liquidate, borrow, budgetBps }: Permits): readonly string[] {
  const level = {
    any: "Liquidations on this chain are as free as the feeds allow.",
    robust: "On this chain only loans under water at both ends of the interval may be liquidated.",
    none: "Nobody may be liquidated on this chain.",
  }[liquidate];
  const budget =
    liquidate === "any" && budgetBps < 10_000 ? [`Disputed loans on it share ${budgetBps / 100} % of the limit.`] : [];
  return [
    level,
    ...budget,
    borrow ? "Borrowing on it is allowed." : "Nothing that raises risk may be done on it.",
    "Repaying and topping up are never blocked.",
  ];
}

/** The same in sentences, for the page of one feed. */
export function saySentences({ liquidate, borrow, budgetBps }: Permits): readonly string[] {
  const level = {
    any: "Loans may be liquidated at the price.",
    robust: "Only loans under water at both ends of the interval may be liquidated.",
    none: "Nobody may be liquidated on this price.",
  }[liquidate];
  const budget =
    liquidate === "any" && budgetBps < 10_000
      ? [`Disputed loans share ${budgetBps / 100} % of the consumer's own liquidation limit.`]
      : [];
  const raise = borrow ? "Borrowing and withdrawing against it is allowed." : "Nothing that raises risk may use this price.";
  return [level, ...budget, raise, "Repaying and topping up are never blocked."];
}

/** A state for a screen reader or a title: "Paused, breaker open". */
export function sayState({ state }: Pick<BreakerInfo, "state">): string {
  const { word, breaker } = STATE_WORDS[state];
  return `${word}, breaker ${breaker}`;
}
