import { z } from "zod";
import { formatAmount } from "../protocol/amount.ts";
import { bundleFeedSchema, countSchema } from "../protocol/document.ts";
import type { FeedId } from "../protocol/feed.ts";
import { BREAKER_STATES, CARRIED_BIT, hasReason, type Report } from "../protocol/report.ts";

export const MINUTE_MS = 60_000;
/** Candles are sums of one-minute ones and begin at whole multiples of their length, UTC. */
export const INTERVALS = { "1m": 1, "5m": 5, "15m": 15, "1h": 60, "1d": 1_440 } as const;
export type Interval = keyof typeof INTERVALS;

/**
 * One feed in one span of time, as sums that can be added: of two spans, one after the other, the sums are those of both together.
 * Prices of 10⁻¹⁸; `weighted` is Σ price · ms over what is covered, by the gap rule of gateway/twap.ts.
 */
export type Sums = {
  readonly open: bigint | undefined;
  readonly high: bigint | undefined;
  readonly low: bigint | undefined;
  readonly close: bigint | undefined;
  readonly rounds: number;
  readonly carried: number;
  readonly doubted: number;
  /** Index into BREAKER_STATES of the least permissive one; undefined without a round. */
  readonly worst: number | undefined;
  readonly firstRound: number | undefined;
  readonly lastRound: number | undefined;
  readonly weighted: bigint;
  readonly coveredMs: number;
};

export const NOTHING: Sums = {
  ...{ open: undefined, high: undefined, low: undefined, close: undefined, worst: undefined },
  ...{ rounds: 0, carried: 0, doubted: 0, firstRound: undefined, lastRound: undefined, weighted: 0n, coveredMs: 0 },
};

/** The sums of a span and of the one after it. */
export function addSums(first: Sums, then: Sums): Sums {
  return {
    open: first.open ?? then.open,
    high: extreme(first.high, then.high, (a, b) => a > b),
    low: extreme(first.low, then.low, (a, b) => a < b),
    close: then.close ?? first.close,
    rounds: first.rounds + then.rounds,
    carried: first.carried + then.carried,
    doubted: first.doubted + then.doubted,
    worst: then.worst === undefined || (first.worst ?? then.worst) < then.worst ? first.worst : then.worst,
    firstRound: first.firstRound ?? then.firstRound,
    lastRound: then.lastRound ?? first.lastRound,
    weighted: first.weighted + then.weighted,
    coveredMs: first.coveredMs + then.coveredMs,
  };
}

/** With one round more. A carried price was certified before and is no new one: it moves no price of the candle. */
export function addRound(sums: Sums, round: number, report: Pick<Report, "price" | "state" | "reasons">): Sums {
  const carried = isCarried(report);
  const price = carried ? undefined : report.price;
  return addSums(sums, {
    ...{ open: price, high: price, low: price, close: price, rounds: 1, carried: carried ? 1 : 0 },
    ...{ doubted: report.state === "closed" ? 0 : 1, worst: BREAKER_STATES.indexOf(report.state) },
    ...{ firstRound: round, lastRound: round, weighted: 0n, coveredMs: 0 },
  });
}

/** With a certified price that held for so long. */
export function addHold(sums: Sums, price: bigint, heldMs: number): Sums {
  return { ...sums, weighted: sums.weighted + price * BigInt(heldMs), coveredMs: sums.coveredMs + heldMs };
}

export function isCarried({ reasons }: Pick<Report, "reasons">): boolean {
  return hasReason(reasons, CARRIED_BIT);
}

/** The first of whole multiples of a length at or after an instant. */
export function alignUp(at: number, lengthMs: number): number {
  return Math.ceil(at / lengthMs) * lengthMs;
}

export function alignDown(at: number, lengthMs: number): number {
  return Math.floor(at / lengthMs) * lengthMs;
}

function extreme(a: bigint | undefined, b: bigint | undefined, wins: (a: bigint, b: bigint) => boolean): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return wins(a, b) ? a : b;
}

/** A span with whether all of it is known and over. */
export type Candle = { readonly startAt: number; readonly sums: Sums; readonly complete: boolean };

const shown = bundleFeedSchema.shape;
const candleSchema = z.strictObject({
  startAt: countSchema.describe("Unix ms, a whole multiple of the interval"),
  open: shown.price.nullable().describe("the first price certified in this time; null when none was"),
  high: shown.price.nullable(),
  low: shown.price.nullable(),
  close: shown.price.nullable(),
  rounds: countSchema.describe("certified rounds with a leaf of the feed"),
  carriedRounds: countSchema.describe("those whose price is an earlier one, which moves no price here"),
  doubtedBps: countSchema.describe("share of the rounds in which the breaker was not closed, rounded up"),
  worstState: shown.breaker.shape.state.nullable().describe("the least permissive state of the breaker"),
  complete: z.boolean().describe("the time is over and all its rounds are counted: the candle changes no more"),
});

/** `GET /v1/feeds/:id/candles`, oldest first. */
export const candlesSchema = z.strictObject({
  feed: z.string(),
  interval: z.enum(Object.keys(INTERVALS) as [Interval, ...Interval[]]),
  more: z.boolean().describe("older candles of the range were left out: ask again with `to` before the first one"),
  candles: z.array(candleSchema),
});

/** `candles`, oldest first, hold up to one more than `limit`: the surplus one is how it is known that there are more. */
export function toCandlesDocument(
  { feed, interval, limit }: { readonly feed: FeedId; readonly interval: Interval; readonly limit: number },
  candles: readonly Candle[],
): z.infer<typeof candlesSchema> {
  return { feed, interval, more: candles.length > limit, candles: candles.slice(-limit).map(showCandle) };
}

/**
 * Rounded up, so that no doubt vanishes: one doubted round of 86 400 is 1 bps.
 *
 * @example
 * doubtedBpsOf({ doubted: 1, rounds: 3 }); // 3334
 */
export function doubtedBpsOf({ doubted, rounds }: Pick<Sums, "doubted" | "rounds">): number {
  return rounds === 0 ? 0 : Math.ceil((doubted * 10_000) / rounds);
}

function showCandle({ startAt, sums, complete }: Candle): z.infer<typeof candleSchema> {
  const { open, high, low, close, rounds, carried, worst } = sums;
  const text = (price: bigint | undefined) => (price === undefined ? null : formatAmount(price));
  return {
    ...{ startAt, open: text(open), high: text(high), low: text(low), close: text(close), rounds, carriedRounds: carried },
    ...{ doubtedBps: doubtedBpsOf(sums), worstState: worst === undefined ? null : (BREAKER_STATES[worst] ?? null), complete },
  };
}
