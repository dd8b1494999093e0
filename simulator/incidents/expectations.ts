import type { NodePrice } from "../../aggregator/price.ts";
import { formatAmount } from "../../protocol/amount.ts";
import { BREAKER_STATES, CARRIED_BIT, hasReason, LIQUIDATE_LEVELS, type Report, reasonNames } from "../../protocol/report.ts";
import type { PlayedRound } from "./play.ts";
import { decimal, within } from "./quotes.ts";
import type { Expected } from "./scenario.ts";

/**
 * How a verdict differs from the expected one: `wide` when it permits more, was later, or its price is another; `narrow` when it holds
 * back what should have gone on.
 */
export type Difference = { readonly kind: "wide" | "narrow"; readonly text: string };

/** What became of one expectation over the rounds of its span. */
export type ExpectationRecord = {
  /** Rounds until the first that agreed, when what was expected is a doubt; as many as there were when none did. */
  readonly late: number;
  /** Of the first round against it. */
  readonly fault: Difference | undefined;
};

/** Compares a feed's report with what it should say, round by round. */
export function watchExpectation(expected: Expected) {
  const { feed, from, to, because } = expected;
  let rounds = 0;
  let late = 0;
  let met = false;
  let fault: Difference | undefined;
  return {
    take: ({ second, feeds, prices }: PlayedRound) => {
      if (!within(second, expected)) return;
      rounds += 1;
      const report = feeds.find((verdict) => verdict.report.feed === feed)?.report;
      const found = report === undefined ? wide("no report") : differenceOf(report, expected, prices.get(report.feed));
      if (found === undefined) met = true;
      else {
        fault ??= { ...found, text: `${feed} at ${second} s: ${found.text} (${because})` };
        if (!met && found.kind === "wide") late += 1;
      }
    },
    record: (): ExpectationRecord => ({
      late: isDoubt(expected) ? late : 0,
      fault: rounds === 0 ? wide(`${feed}: no round between ${from} s and ${to} s`) : fault,
    }),
  };
}

/** An expectation that wants the feed doubted, not one that wants it left alone. */
function isDoubt({ state, rules = [], liquidate }: Expected): boolean {
  return rules.length > 0 || state?.includes("closed") === false || liquidate?.includes("any") === false;
}

function differenceOf(report: Report, expected: Expected, price: NodePrice | undefined): Difference | undefined {
  return permitDifference(report, expected) ?? priceDifference(report, expected) ?? dropDifference(expected.drops, price);
}

function permitDifference(report: Report, { state, liquidate, borrow, rules = [], without = [], carried }: Expected) {
  const active = reasonNames(report.reasons);
  const found = `found ${report.state}, ${report.liquidate}, [${active.join(" ")}]`;
  if (state !== undefined && !state.includes(report.state)) {
    return { kind: sideOf(BREAKER_STATES, report.state, state), text: `expected ${state.join(" or ")}, ${found}` };
  }
  if (liquidate !== undefined && !liquidate.includes(report.liquidate)) {
    const kind = sideOf(LIQUIDATE_LEVELS, report.liquidate, liquidate);
    return { kind, text: `expected liquidate ${liquidate.join(" or ")}, ${found}` };
  }
  if (borrow !== undefined && report.borrow !== borrow) {
    return { kind: report.borrow ? ("wide" as const) : ("narrow" as const), text: `expected borrow ${borrow}, ${found}` };
  }
  const missing = rules.find((rule) => !active.includes(rule));
  if (missing !== undefined) return wide(`expected ${missing}, ${found}`);
  const surplus = without.find((rule) => active.includes(rule));
  if (surplus !== undefined) return { kind: "narrow" as const, text: `expected no ${surplus}, ${found}` };
  if (carried === undefined || hasReason(report.reasons, CARRIED_BIT) === carried) return undefined;
  return { kind: carried ? ("wide" as const) : ("narrow" as const), text: `expected carried ${carried}, ${found}` };
}

/** Both lists begin with what permits least. */
function sideOf<T extends string>(order: readonly T[], found: T, expected: readonly T[]): Difference["kind"] {
  return order.indexOf(found) > Math.max(...expected.map((item) => order.indexOf(item))) ? "wide" : "narrow";
}

/** The first bound, of price, low and high, that does not hold. */
function priceDifference({ price, low, high }: Report, expected: Expected): Difference | undefined {
  const [atLeast, atMost] = expected.price ?? [];
  const bounds: readonly (readonly [what: string, found: bigint, bound: string | undefined, least: boolean])[] = [
    ["a price of at least", price, atLeast, true],
    ["a price of at most", price, atMost, false],
    ["a low of at least", low, expected.lowAtLeast, true],
    ["a low of at most", low, expected.lowAtMost, false],
    ["a high of at least", high, expected.highAtLeast, true],
    ["a high of at most", high, expected.highAtMost, false],
  ];
  for (const [what, found, bound, least] of bounds) {
    if (bound === undefined || (least ? found >= decimal(bound) : found <= decimal(bound))) continue;
    return wide(`expected ${what} ${bound}, found ${formatAmount(found)}`);
  }
  return undefined;
}

function dropDifference(drops: Expected["drops"], price: NodePrice | undefined): Difference | undefined {
  if (drops === undefined) return undefined;
  const outcome = price?.sources.find(({ source }) => `${source.venue} ${source.market}` === drops.source);
  if (outcome?.drop?.code === drops.code) return undefined;
  return wide(`expected ${drops.source} dropped as ${drops.code}, found ${outcome?.drop?.code ?? "used"}`);
}

function wide(text: string): Difference {
  return { kind: "wide", text };
}
