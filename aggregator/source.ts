import { BPS, moveBps, YEAR_MS } from "../circuit-breaker/integers.ts";
import { MAX_AMOUNT, ONE, parseAmount } from "../protocol/amount.ts";
import { assert } from "../protocol/assert.ts";
import type { FeedConfig, SourceCap, SourceConfig } from "../protocol/config.ts";
import { legOf } from "../protocol/conversion.ts";
import type { FeedId } from "../protocol/feed.ts";
import { fail, ok, type Result } from "../protocol/result.ts";

/** The newest thing a venue said of a market, and when this node asked. Amounts of 10⁻¹⁸, Unix ms. */
export type MarketQuote = {
  readonly bid?: bigint;
  readonly ask?: bigint;
  readonly last?: bigint;
  readonly bookAt?: number;
  readonly lastAt?: number;
  readonly sentAt: number;
};

/** A market as the poller left it: a quote, why there is none, or an old quote and what went wrong since. */
export type MarketView = { readonly quote?: MarketQuote; readonly fault?: { readonly code: string; readonly detail: string } };

/** What a conversion leg needs to say of itself. */
export type LegPrice = {
  readonly price: bigint;
  readonly low: bigint;
  readonly high: bigint;
  readonly asOf: number;
  readonly outsideBps: number;
};

/** Why a source does not count, in the order in which it is judged. */
export const DROP_CODES = [
  "missing",
  "crossed",
  "empty",
  "undated",
  "future",
  "stale",
  "wide",
  "leg",
  "range",
  "outlier",
] as const;
export type DropCode = (typeof DROP_CODES)[number];
export type Drop = { readonly code: DropCode; readonly detail: string };

/** A source's price in terms of its feed, and the age of its oldest leg. `capped`: it would be higher without the source's cap. */
export type SourcePrice = { readonly raw: bigint; readonly price: bigint; readonly asOf: number; readonly capped?: true };

export type Legs = ReadonlyMap<FeedId, { readonly config: FeedConfig; readonly price: LegPrice | undefined }>;

type Doubled = { readonly doubled: bigint; readonly at: number };

/**
 * The most that a capped source may say of its market at the instant `at`: value · (1 + growthBps/10⁴ · (at − cap.at)/year), rounded
 * down, and never less than the value.
 *
 * @example
 * capAt({ value: "1.2", at: 0, growthBps: 1_000 }, 31_557_600_000); // 1320000000000000000n: 10 % in a year
 */
export function capAt({ value, at: since, growthBps }: SourceCap, at: number): bigint {
  const amount = parseAmount(value);
  assert(amount.ok, "a parsed config's amounts parse");
  const grown = (amount.value * BigInt(growthBps) * BigInt(Math.max(0, at - since))) / (BigInt(BPS) * BigInt(YEAR_MS));
  return amount.value + grown;
}

/**
 * One source of a feed → its price, or why it is dropped (BREAKER.md B1, node price). The price of a quote is the mid of its book; a
 * last trade counts only where the venue shows no book, and only with its own age. A book's time is the venue's, else the instant
 * the request was sent. A cap lowers the quote before it is converted; `raw` stays what the venue said.
 */
export function priceSource(
  source: SourceConfig,
  view: MarketView | undefined,
  {
    feed,
    legs,
    at,
    maxSkewMs,
  }: { readonly feed: FeedConfig; readonly legs: Legs; readonly at: number; readonly maxSkewMs: number },
): Result<SourcePrice, Drop> {
  if (view?.quote === undefined)
    return drop("missing", view?.fault === undefined ? "no answer yet" : `${view.fault.code}: ${view.fault.detail}`);
  const quoted = readQuote(view.quote);
  if (!quoted.ok) return quoted;
  const { quoteMs, tolBps } = feed.thresholds;
  const aged = checkAge(quoted.value.at, { at, quoteMs, maxSkewMs });
  if (!aged.ok)
    return view.fault === undefined ? aged : drop(aged.error.code, `${aged.error.detail}; since then ${view.fault.code}`);
  const { bid, ask } = view.quote;
  if (bid !== undefined && ask !== undefined && moveBps(ask, bid) > tolBps) {
    return drop("wide", `book ${moveBps(ask, bid)} bps wide, at most ${tolBps} counts`);
  }
  const capped = applyCap(source.cap, quoted.value, at);
  const converted = convert(source, capped, legs);
  if (!converted.ok) return converted;
  const whole = checkAge(converted.value.asOf, { at, quoteMs, maxSkewMs });
  if (!whole.ok) return whole;
  const raw = quoted.value.doubled / 2n;
  return ok({ raw, ...converted.value, ...(capped === quoted.value ? {} : { capped: true as const }) });
}

function applyCap(cap: SourceCap | undefined, quoted: Doubled, at: number): Doubled {
  if (cap === undefined) return quoted;
  const doubled = 2n * capAt(cap, at);
  return quoted.doubled <= doubled ? quoted : { ...quoted, doubled };
}

function readQuote({ bid, ask, last, bookAt, lastAt, sentAt }: MarketQuote): Result<Doubled, Drop> {
  if (bid !== undefined && ask !== undefined) {
    return bid > ask ? drop("crossed", "bid above ask") : ok({ doubled: bid + ask, at: bookAt ?? sentAt });
  }
  if (bid !== undefined || ask !== undefined) return drop("empty", `no ${bid === undefined ? "bid" : "ask"} in the book`);
  if (last === undefined) return drop("empty", "neither a book nor a last trade");
  return lastAt === undefined ? drop("undated", "a last trade without its time") : ok({ doubled: 2n * last, at: lastAt });
}

function checkAge(
  quotedAt: number,
  { at, quoteMs, maxSkewMs }: { readonly at: number; readonly quoteMs: number; readonly maxSkewMs: number },
): Result<true, Drop> {
  if (quotedAt > at + maxSkewMs) return drop("future", `${quotedAt - at} ms ahead of this clock`);
  if (at - quotedAt > quoteMs) return drop("stale", `${at - quotedAt} ms old, at most ${quoteMs} counts`);
  return ok(true);
}

/** Product and quotient of 10⁻¹⁸ values, truncated once at the end; the oldest leg's age counts. */
function convert(
  source: SourceConfig,
  quoted: Doubled,
  legs: Legs,
): Result<{ readonly price: bigint; readonly asOf: number }, Drop> {
  let numerator = quoted.doubled;
  let denominator = 2n;
  let asOf = quoted.at;
  for (const step of source.convert) {
    const leg = trustedLeg(legOf(step), legs);
    if (!leg.ok) return leg;
    asOf = Math.min(asOf, leg.value.asOf);
    numerator *= "multiply" in step ? leg.value.price : ONE;
    denominator *= "multiply" in step ? ONE : leg.value.price;
  }
  const price = numerator / denominator;
  if (price <= 0n || price > MAX_AMOUNT) return drop("range", "outside what a price can hold after conversion");
  return ok({ price, asOf });
}

/** A leg is in doubt when this node has no price for it this tick, or its own sources disagree beyond its own limits. */
function trustedLeg(id: FeedId, legs: Legs): Result<LegPrice, Drop> {
  const leg = legs.get(id);
  if (leg?.price === undefined) return drop("leg", `${id} has no price this tick`);
  const { price, config } = leg;
  const { divergenceBps, dispersionBps } = config.thresholds;
  if (price.outsideBps > divergenceBps) return drop("leg", `${id}: ${price.outsideBps} bps of its weight outside tolerance`);
  if ((price.high - price.low) * 10_000n > price.price * BigInt(dispersionBps))
    return drop("leg", `${id}: sources too far apart`);
  return ok(price);
}

function drop(code: DropCode, detail: string): { readonly ok: false; readonly error: Drop } {
  return fail({ code, detail });
}
