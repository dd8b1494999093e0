import type { MarketQuote } from "../../aggregator/source.ts";
import { parseAmount } from "../../protocol/amount.ts";
import { assert } from "../../protocol/assert.ts";
import type { Span } from "./scenario.ts";

/** A price as a function of the second from the incident's zero; undefined where nobody quotes. */
export type Path = (second: number) => bigint | undefined;

/** What one market shows: its mid, the width of its book, and when it stands still or says nothing. */
export type Script = {
  readonly mid: Path;
  readonly spreadBps?: number;
  /** The venue repeats what it said when this began, with the time it had then. */
  readonly frozen?: readonly Span[];
  /** No answer at all. */
  readonly silent?: readonly Span[];
};

/** By `venue MARKET`. */
export type Quotes = Readonly<Record<string, Script>>;

export type Point = readonly [second: number, price: string];

/** A venue's book is this old when a node samples it. */
const BOOK_AGE_MS = 200;
const DEFAULT_SPREAD_BPS = 2;
const HALF_SPREADS = 20_000n;

/** A decimal that stands in a scenario. */
export function decimal(text: string): bigint {
  const amount = parseAmount(text);
  assert(amount.ok, `a scenario's price is a decimal, found "${text}"`);
  return amount.value;
}

/** Straight lines between the points, flat before the first and after the last. */
export function line(points: readonly Point[]): Path {
  const known = points.map(([second, price]) => ({ second, price: decimal(price) }));
  return (second) => {
    const next = known.findIndex((point) => point.second > second);
    const after = known[next];
    const before = known[next === -1 ? known.length - 1 : next - 1];
    if (before === undefined) return after?.price;
    if (after === undefined) return before.price;
    const passed = BigInt(Math.round((second - before.second) * 1_000));
    const whole = BigInt(Math.round((after.second - before.second) * 1_000));
    return before.price + ((after.price - before.price) * passed) / whole;
  };
}

/** Each price from its second on until the next; the first one before as well. */
export function steps(points: readonly Point[]): Path {
  const known = points.map(([second, price]) => ({ second, price: decimal(price) }));
  return (second) => (known.findLast((point) => point.second <= second) ?? known[0])?.price;
}

export function flat(price: string): Path {
  const amount = decimal(price);
  return () => amount;
}

/** Another path, so many basis points higher, rounded down. */
export function shifted(path: Path, bps: number): Path {
  return times(path, BigInt(10_000 + bps), 10_000n);
}

/** Another path times a ratio, rounded down. */
export function times(path: Path, numerator: bigint, denominator: bigint): Path {
  return (second) => {
    const price = path(second);
    return price === undefined ? undefined : (price * numerator) / denominator;
  };
}

/** One path, except in a span, where it is another. */
export function during(span: Span, inside: Path, outside: Path): Path {
  return (second) => (within(second, span) ? inside(second) : outside(second));
}

export function within(second: number, { from, to }: Span): boolean {
  return second >= from && second < to;
}

/** The same market at several venues, a basis point or two apart. */
export function everywhere(venues: readonly string[], market: string, mid: Path): Quotes {
  return Object.fromEntries(venues.map((venue, index) => [`${venue} ${market}`, { mid: shifted(mid, (index % 3) - 1) }]));
}

/** What a venue answers a node that samples it at this second, whose instant is `at` (Unix ms). */
export function quoteAt(script: Script, second: number, at: number): MarketQuote | undefined {
  if (script.silent?.some((span) => within(second, span))) return undefined;
  const stopped = script.frozen?.find((span) => within(second, span));
  const shown = stopped === undefined ? second : stopped.from;
  const mid = script.mid(shown);
  if (mid === undefined || mid <= 0n) return undefined;
  const half = (mid * BigInt(script.spreadBps ?? DEFAULT_SPREAD_BPS)) / HALF_SPREADS;
  const bookAt = at - BOOK_AGE_MS - Math.round((second - shown) * 1_000);
  return { bid: mid - half, ask: mid + half, bookAt, sentAt: at };
}
