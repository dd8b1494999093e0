import type { FeedId } from "../protocol/feed.ts";
import { BREAKER_STATES, LIQUIDATE_LEVELS, RULES } from "../protocol/report.ts";
import type { FeedVerdict, MeasureUnit } from "../protocol/round.ts";

/** Positional, because a week of rounds holds millions of them: the leaf's fields in its order, then the reasons. */
type Row = readonly [
  price: string,
  low: string,
  high: string,
  ema: string,
  volatility: string,
  observedAt: number,
  state: number,
  liquidate: number,
  borrow: 0 | 1,
  budgetBps: number,
  reasons: number,
  since: number,
  measured: readonly (readonly [rule: number, unit: MeasureUnit, measured: number, limit: number])[],
];

/** The text a store keeps for one feed of one round; the feed's name is the row's key. */
export function encodeVerdict({ report, reasons }: FeedVerdict): string {
  const row: Row = [
    String(report.price),
    String(report.low),
    String(report.high),
    String(report.ema),
    String(report.volatility),
    report.observedAt,
    BREAKER_STATES.indexOf(report.state),
    LIQUIDATE_LEVELS.indexOf(report.liquidate),
    report.borrow ? 1 : 0,
    report.budgetBps,
    report.reasons,
    report.since,
    reasons.map(({ rule, unit, measured, limit }) => [RULES.indexOf(rule), unit, measured, limit]),
  ];
  return JSON.stringify(row);
}

/** Reads what {@link encodeVerdict} wrote; the caller's storage guards its integrity. */
export function decodeVerdict(feed: FeedId, text: string): FeedVerdict {
  const row = JSON.parse(text) as Row;
  const [price, low, high, ema, volatility, observedAt, state, liquidate, borrow, budgetBps, bits, since, measured] = row;
  return {
    report: {
      feed,
      price: BigInt(price),
      low: BigInt(low),
      high: BigInt(high),
      ema: BigInt(ema),
      volatility: BigInt(volatility),
      observedAt,
      state: BREAKER_STATES[state] ?? "open",
      liquidate: LIQUIDATE_LEVELS[liquidate] ?? "none",
      borrow: borrow === 1,
      budgetBps,
      reasons: bits,
      since,
    },
    reasons: measured.flatMap(([bit, unit, value, limit]) => {
      const rule = RULES[bit];
      return rule === undefined ? [] : [{ rule, unit, measured: value, limit }];
    }),
  };
}
